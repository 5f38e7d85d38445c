// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_ADDRESS_H_
#define COMMON_AMQP_ADDRESS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace buzzer::amqp {

// One place where the broker answers: a node of its cluster, or a name of several.
struct Endpoint {
  std::string host;  // A name or an IP address, an IPv6 one without brackets.
  int port = 5672;

  // `host:port`, as an address has it.
  std::string ToString() const;
};

// Where the broker is and how to log in.
struct Address {
  // At least one; all of one cluster, so that whoever connects may choose any.
  std::vector<Endpoint> endpoints;
  std::string user;
  std::string password;
  std::string vhost;
  bool tls = false;
  // PEM file to check the broker's certificate against, with tls only; empty: the
  // system's certificate authorities.
  std::string tls_ca;

  // For logs: without the password.
  std::string ToString() const;
};

// Hosts that an address may name.
inline constexpr size_t kMaxEndpoints = 32;

// Parses `amqp://user:password@host:port/vhost`, or `amqps://` with an optional
// `?cacertfile=FILE` at the end. The nodes of a cluster stand beside each other:
// `amqp://user:password@host1:port,host2:port/vhost`. Percent-encoding is decoded. Left out: port
// 5672 (amqps: 5671), virtual host `/`, user and password guest. INVALID_ARGUMENT says
// what is wrong and repeats no part of the address.
absl::StatusOr<Address> ParseAddress(absl::string_view url);

// Where a service finds the broker: `flag` if it is set, else the environment variable
// BUZZER_BROKER_URL (which no list of processes shows), else a broker on this machine. An
// address without a user gets that of BUZZER_BROKER_USERNAME and BUZZER_BROKER_PASSWORD, if
// they are set, as they are: a secret need not be percent-encoded. All three variables are gone
// from the environment afterwards, see TakeFromEnvironment; so call it once, early in main.
std::string BrokerUrl(const std::string& flag);

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_ADDRESS_H_

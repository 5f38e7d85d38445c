// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_ADDRESS_H_
#define COMMON_AMQP_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace buzzer::amqp {

// Where the broker is and how to log in.
struct Address {
  std::string host;
  int port = 5672;
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

// Parses `amqp://user:password@host:port/vhost`, or `amqps://` with an optional
// `?cacertfile=FILE` at the end. Percent-encoding is decoded. Left out: port 5672
// (amqps: 5671), virtual host `/`, user and password guest. INVALID_ARGUMENT says
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

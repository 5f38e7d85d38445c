// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_AMQP_ROUTE_H_
#define COMMON_AMQP_ROUTE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/amqp/address.h"

namespace buzzer::amqp {

// One way to the broker.
struct Route {
  Endpoint endpoint;  // As the address names it.
  // What to connect to: an IP address of the endpoint's host, or its name where TLS checks that.
  std::string target;

  // For logs: the endpoint, and the IP address if that is another.
  std::string ToString() const;
};

// The IP addresses of a name, in no order that matters.
using Lookup = std::function<absl::StatusOr<std::vector<std::string>>(const std::string& host)>;
// By the system's resolver; may block for some seconds.
absl::StatusOr<std::vector<std::string>> LookUp(const std::string& host);

// Every way to the broker, in an order that each call draws anew: clients spread over the nodes
// of a cluster, and none of several addresses of a name is left out. With TLS a name is one way,
// since its certificate is checked against the name. What could not be looked up is left out,
// and said in `failures`.
std::vector<Route> Routes(const Address& address, std::vector<std::string>* failures,
                          const Lookup& lookup = LookUp);

}  // namespace buzzer::amqp

#endif  // COMMON_AMQP_ROUTE_H_

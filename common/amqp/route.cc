// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/route.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace buzzer::amqp {

std::string Route::ToString() const {
  if (target == endpoint.host) return endpoint.ToString();
  return absl::StrCat(endpoint.ToString(), " (", target, ")");
}

absl::StatusOr<std::vector<std::string>> LookUp(const std::string& host) {
  addrinfo wanted = {};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &wanted, &found); error != 0) {
    return absl::UnavailableError(absl::StrCat("look-up: ", gai_strerror(error)));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  freeaddrinfo(found);
  return addresses;
}

std::vector<Route> Routes(const Address& address, std::vector<std::string>* failures,
                          const Lookup& lookup) {
  std::vector<Route> routes;
  for (const Endpoint& endpoint : address.endpoints) {
    if (address.tls) {
      routes.push_back({endpoint, endpoint.host});
      continue;
    }
    auto targets = lookup(endpoint.host);
    if (!targets.ok()) {
      failures->push_back(absl::StrCat(endpoint.ToString(), ": ", targets.status().message()));
      continue;
    }
    for (std::string& target : *targets) routes.push_back({endpoint, std::move(target)});
  }
  std::mt19937 dice(std::random_device{}());
  std::shuffle(routes.begin(), routes.end(), dice);
  return routes;
}

}  // namespace buzzer::amqp

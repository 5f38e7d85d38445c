// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The broker's address, which holds a password.

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/amqp/address.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::amqp {
namespace {

bool HasNul(const std::string& text) { return absl::StrContains(text, '\0'); }

void Run(absl::string_view url) {
  const auto address = ParseAddress(url);
  if (!address.ok()) {
    // No part of the address: the message is one of a few.
    fuzz::CheckError(address.status(), absl::StatusCode::kInvalidArgument, "", 256);
    FUZZ_CHECK(absl::StartsWith(address.status().message(), "broker address: "));
    FUZZ_CHECK(fuzz::IsPrintableAscii(address.status().message()));
    return;
  }
  FUZZ_CHECK(!address->endpoints.empty() && address->endpoints.size() <= kMaxEndpoints);
  for (const Endpoint& endpoint : address->endpoints) {
    FUZZ_CHECK(!endpoint.host.empty() && !HasNul(endpoint.host));
    FUZZ_CHECK(endpoint.port >= 1 && endpoint.port <= 65535);
  }
  FUZZ_CHECK(!address->user.empty() && !address->vhost.empty());
  FUZZ_CHECK(address->tls || address->tls_ca.empty());
  for (const std::string& part :
       {address->user, address->password, address->vhost, address->tls_ca}) {
    FUZZ_CHECK(!HasNul(part));
  }
  const std::string shown = address->ToString();
  fuzz::CheckText(shown, 8 * url.size() + 64);
  // What is shown leads to the same place, but for the password that it leaves out.
  const size_t at = shown.find('@');
  FUZZ_CHECK(at != std::string::npos);
  const auto again = ParseAddress(absl::StrCat(shown.substr(0, at), ":x", shown.substr(at)));
  FUZZ_CHECK_SEEN(again.ok(), shown);
  FUZZ_CHECK_SEEN(again->endpoints.size() == address->endpoints.size(), shown);
  for (size_t i = 0; i < address->endpoints.size(); ++i) {
    FUZZ_CHECK_SEEN(again->endpoints[i].host == address->endpoints[i].host, shown);
    FUZZ_CHECK_SEEN(again->endpoints[i].port == address->endpoints[i].port, shown);
  }
  FUZZ_CHECK_SEEN(again->user == address->user && again->vhost == address->vhost, shown);
  FUZZ_CHECK_SEEN(again->tls == address->tls, shown);
}

}  // namespace
}  // namespace buzzer::amqp

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  buzzer::amqp::Run(buzzer::fuzz::ToView(data, size));
  return 0;
}

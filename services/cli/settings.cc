// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/settings.h"

#include "absl/strings/str_cat.h"
#include "services/cli/address.h"

namespace buzzer::cli {

absl::StatusOr<Settings> ReadSettings(const Arguments& arguments,
                                      const std::string& environment_address) {
  Settings settings;
  settings.tls_certificate = arguments.Text("tls-certificate");
  settings.tls_key = arguments.Text("tls-key");
  settings.tls_ca = arguments.Text("tls-ca");
  const bool from_environment = !arguments.Has("address") && !environment_address.empty();
  const std::string address = arguments.Has("address") ? arguments.Text("address")
                              : from_environment       ? environment_address
                                                       : kDefaultAddress;
  auto target = TargetOf(address, !settings.tls_ca.empty());
  if (!target.ok()) {
    return from_environment ? absl::InvalidArgumentError(
                                  absl::StrCat("$BUZZER_ADDRESS: ", target.status().message()))
                            : BadOption("address", target.status().message());
  }
  settings.address = *std::move(target);
  const std::string output = arguments.Text("output");
  if (!output.empty() && output != "text" && output != "json") {
    return BadOption("output", absl::StrCat("'", output, "' is unknown; it is text or json"));
  }
  settings.json = output == "json";
  const auto timeout = arguments.Duration("timeout");
  if (!timeout.ok()) return timeout.status();
  if (*timeout == absl::ZeroDuration()) return BadOption("timeout", "must be above 0");
  settings.timeout = *timeout;
  return settings;
}

}  // namespace buzzer::cli

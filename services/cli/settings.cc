// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/settings.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace buzzer::cli {

absl::StatusOr<Settings> ReadSettings(const Arguments& arguments,
                                      const std::string& environment_address) {
  Settings settings;
  settings.address = arguments.Has("address")      ? arguments.Text("address")
                     : environment_address.empty() ? "127.0.0.1:50051"
                                                   : environment_address;
  if (settings.address.empty() || absl::StartsWith(settings.address, "http")) {
    return BadOption("address", absl::StrCat("'", settings.address,
                                             "' is no gRPC address; write HOST:PORT, like "
                                             "127.0.0.1:50051"));
  }
  const std::string output = arguments.Text("output");
  if (!output.empty() && output != "text" && output != "json") {
    return BadOption("output", absl::StrCat("'", output, "' is unknown; it is text or json"));
  }
  settings.json = output == "json";
  const auto timeout = arguments.Duration("timeout");
  if (!timeout.ok()) return timeout.status();
  settings.timeout = *timeout;
  settings.tls_certificate = arguments.Text("tls-certificate");
  settings.tls_key = arguments.Text("tls-key");
  settings.tls_ca = arguments.Text("tls-ca");
  return settings;
}

}  // namespace buzzer::cli

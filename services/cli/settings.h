// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_SETTINGS_H_
#define SERVICES_CLI_SETTINGS_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/cli/arguments.h"

namespace buzzer::cli {

// The global options, read.
struct Settings {
  std::string address;
  bool json = false;
  std::optional<absl::Duration> timeout;
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_ca;
};

// `environment_address` is $BUZZER_ADDRESS or "". INVALID_ARGUMENT names the option.
absl::StatusOr<Settings> ReadSettings(const Arguments& arguments,
                                      const std::string& environment_address);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_SETTINGS_H_

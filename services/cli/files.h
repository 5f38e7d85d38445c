// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_FILES_H_
#define SERVICES_CLI_FILES_H_

#include <istream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace buzzer::cli {

// The whole file, or `in` if the name is `-`. INVALID_ARGUMENT if it cannot be read or is
// larger than `max_bytes`.
absl::StatusOr<std::string> ReadFile(const std::string& name, size_t max_bytes, std::istream& in);

// Puts the file in place of an old one only once it is whole. INVALID_ARGUMENT if it
// cannot be written.
absl::Status WriteFile(const std::string& path, absl::string_view bytes);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_FILES_H_

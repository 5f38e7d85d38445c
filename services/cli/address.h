// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_ADDRESS_H_
#define SERVICES_CLI_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace buzzer::cli {

inline constexpr char kDefaultAddress[] = "127.0.0.1:50051";

// The gRPC target that a user names: `localhost` (at the frontend's port), `host:8080`, `:8080`,
// `::1`, `http://host:8080/` as a browser has it, or gRPC's own `unix:PATH` and `dns:///NAME:PORT`.
// `tls` tells whether there are certificates, which https needs. INVALID_ARGUMENT says what would
// be right; it never repeats a password.
absl::StatusOr<std::string> TargetOf(absl::string_view address, bool tls);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_ADDRESS_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_PREFER_H_
#define SERVICES_FRONTEND_PREFER_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace buzzer::frontend {

// The `wait` of a `Prefer` header (RFC 7240): whole seconds of 1 or more, capped at
// `max`. nullopt if there is none. What is malformed or unknown is passed over, as the
// RFC asks; of several `wait`, the first counts.
std::optional<absl::Duration> ParsePreferWait(absl::string_view header, absl::Duration max);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_PREFER_H_

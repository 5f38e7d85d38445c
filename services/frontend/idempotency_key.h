// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_IDEMPOTENCY_KEY_H_
#define SERVICES_FRONTEND_IDEMPOTENCY_KEY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace buzzer::frontend {

// The key of an `Idempotency-Key` header: a string in double quotes with `\"` and `\\`
// (RFC 8941), or the bare characters. INVALID_ARGUMENT, with what would be right.
absl::StatusOr<std::string> ParseIdempotencyKey(absl::string_view header);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_IDEMPOTENCY_KEY_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/idempotency_key.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/job_fields/job_fields.h"

namespace buzzer::frontend {
namespace {

absl::Status Malformed() {
  return absl::InvalidArgumentError(
      absl::StrCat("the header must be ", kIdempotencyKeyRule, ", bare or in double quotes"));
}

}  // namespace

absl::StatusOr<std::string> ParseIdempotencyKey(absl::string_view header) {
  const absl::string_view text = absl::StripAsciiWhitespace(header);
  std::string key;
  if (text.empty() || text.front() != '"') {
    key = std::string(text);
  } else {
    if (text.size() < 2 || text.back() != '"') return Malformed();
    const absl::string_view inner = text.substr(1, text.size() - 2);
    for (size_t i = 0; i < inner.size(); ++i) {
      if (inner[i] == '"') return Malformed();
      if (inner[i] == '\\') {
        ++i;
        if (i == inner.size() || (inner[i] != '"' && inner[i] != '\\')) return Malformed();
      }
      key.push_back(inner[i]);
    }
  }
  if (!IsIdempotencyKey(key)) return Malformed();
  return key;
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/result_headers.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/job_fields/job_fields.h"

namespace buzzer::frontend {

std::string SafeContentType(absl::string_view content_type) {
  return IsContentType(content_type) ? std::string(content_type) : "application/octet-stream";
}

bool IsShownInline(absl::string_view content_type) {
  const std::string essence = absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';'))));
  if (essence == "application/json" || essence == "text/plain") return true;
  return absl::StartsWith(essence, "image/") && !absl::StartsWith(essence, "image/svg");
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/result_headers.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace buzzer::frontend {

std::string SafeContentType(absl::string_view content_type) {
  // Longer ones are none that a header could carry.
  constexpr size_t kMaxBytes = 255;
  const bool fits = !content_type.empty() && content_type.size() <= kMaxBytes &&
                    std::all_of(content_type.begin(), content_type.end(),
                                [](char c) { return c >= 0x20 && c <= 0x7e; });
  return fits ? std::string(content_type) : "application/octet-stream";
}

bool IsShownInline(absl::string_view content_type) {
  const std::string essence = absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';'))));
  if (essence == "application/json" || essence == "text/plain") return true;
  return absl::StartsWith(essence, "image/") && !absl::StartsWith(essence, "image/svg");
}

}  // namespace buzzer::frontend

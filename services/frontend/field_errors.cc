// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/field_errors.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/utf8/utf8.h"

namespace buzzer::frontend {
namespace {

// All of them have to fit into gRPC's 8 KiB of metadata.
constexpr size_t kMaxFields = 20;
constexpr size_t kMaxQuotedBytes = 64;

}  // namespace

void FieldErrors::Add(absl::string_view field, absl::string_view description) {
  fields_.emplace_back(field, description);
}

void FieldErrors::AddWithReason(absl::string_view reason, absl::string_view field,
                                absl::string_view description) {
  if (reason_.empty()) reason_ = std::string(reason);
  Add(field, description);
}

absl::Status FieldErrors::ToStatus() const {
  if (fields_.empty()) return absl::OkStatus();
  const size_t named = std::min(fields_.size(), kMaxFields);
  std::string message;
  for (size_t i = 0; i < named; ++i) {
    absl::StrAppend(&message, i == 0 ? "`" : "; `", fields_[i].first, "`: ", fields_[i].second);
  }
  if (named < fields_.size()) {
    absl::StrAppend(&message, "; and ", fields_.size() - named, " more");
  }
  ErrorBuilder error(absl::StatusCode::kInvalidArgument,
                     reason_.empty() ? "INVALID_FIELD" : reason_, message);
  for (size_t i = 0; i < named; ++i) error.Field(fields_[i].first, fields_[i].second);
  return error.Build();
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", OneLine(text, kMaxQuotedBytes), "\"");
}

}  // namespace buzzer::frontend

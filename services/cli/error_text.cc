// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/error_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "google/rpc/error_details.pb.h"
#include "services/cli/terminal_text.h"

namespace buzzer::cli {
namespace {

std::string FieldLines(const absl::Status& status) {
  std::string lines;
  const google::rpc::Status rpc = ToRpcStatus(status);
  for (const auto& detail : rpc.details()) {
    google::rpc::BadRequest bad_request;
    if (!detail.Is<google::rpc::BadRequest>() || !detail.UnpackTo(&bad_request)) continue;
    for (const auto& violation : bad_request.field_violations()) {
      if (absl::StrContains(status.message(), violation.description())) continue;
      absl::StrAppend(&lines, "  ", Printable(violation.field()), ": ",
                      Printable(violation.description()), "\n");
    }
  }
  return lines;
}

}  // namespace

std::string ErrorText(const absl::Status& status) {
  std::string message(status.message());
  if (message.empty()) message = absl::StatusCodeToString(status.code());
  std::string text = absl::StrCat("buzzer: ", Printable(message), "\n", FieldLines(status));
  if (const auto delay = ErrorRetryAfter(status)) {
    absl::StrAppend(&text, "  A repeat may work in ", absl::FormatDuration(*delay), ".\n");
  }
  return text;
}

}  // namespace buzzer::cli

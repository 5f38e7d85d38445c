// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/progress_lines.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/duration/duration.h"
#include "common/limits/limits.h"
#include "common/utf8/utf8.h"

namespace buzzer::worker {
namespace {

using Json = nlohmann::json;

constexpr char kTooLong[] = "a line must have at most 64 KiB";
// Sums of many small steps end a little beside 0 and 1.
constexpr double kRounding = 1e-9;
constexpr size_t kMaxNameBytes = 40;

absl::Status Refuse(absl::string_view why) { return absl::InvalidArgumentError(why); }

// Before a parser that recurses, or builds a tree, sees it.
bool IsTooDeep(absl::string_view json) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxJsonDepth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

absl::Status ReadFraction(const Json& value, double* fraction) {
  if (!value.is_number()) return Refuse("fraction must be a number from 0 to 1");
  const double number = value.get<double>();
  if (number >= -kRounding && number <= 1 + kRounding) {
    *fraction = std::clamp(number, 0.0, 1.0);
    return absl::OkStatus();
  }
  return Refuse(absl::StrCat("fraction must be from 0 to 1; ", absl::StrFormat("%.6g", number),
                             number > 1 && number <= 100 ? " looks like per cent" : " is not"));
}

absl::Status ReadRetryAfter(const Json& value, absl::Duration* retry_after) {
  const auto duration =
      value.is_string() ? ParseDuration(value.get_ref<const std::string&>()) : std::nullopt;
  if (!duration.has_value()) {
    return Refuse(absl::StrCat("retry_after must be a text with ", kDurationRule));
  }
  if (*duration > kMaxRetryAfter) {
    return Refuse(absl::StrCat("retry_after must be at most ", DurationText(kMaxRetryAfter)));
  }
  *retry_after = *duration;
  return absl::OkStatus();
}

// False if it is above the limit.
bool ReadData(const Json& value, google::protobuf::Value* data) {
  const std::string json = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return json.size() <= kMaxProgressDataBytes &&
         google::protobuf::util::JsonStringToMessage(json, data).ok();
}

}  // namespace

absl::Status AddProgressLine(absl::string_view line, ProgramReport* report) {
  if (IsTooDeep(line)) return Refuse(absl::StrCat("JSON may be nested ", kMaxJsonDepth, " deep"));
  const Json object = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return Refuse(
        "a line must be a JSON object such as {\"fraction\": 0.4, \"message\": \"12 of 30\"}");
  }
  double fraction = report->progress.fraction();
  absl::Duration retry_after = report->retry_after;
  std::optional<std::string> message;
  const Json* data = nullptr;
  for (const auto& [name, value] : object.items()) {
    if (name == "fraction") {
      if (value.is_null()) continue;
      if (absl::Status read = ReadFraction(value, &fraction); !read.ok()) return read;
    } else if (name == "message") {
      if (value.is_null()) continue;
      if (!value.is_string()) return Refuse("message must be a text");
      message = value.get<std::string>();
    } else if (name == "data") {
      data = &value;
    } else if (name == "retry_after") {
      if (value.is_null()) continue;
      if (absl::Status read = ReadRetryAfter(value, &retry_after); !read.ok()) return read;
    } else {
      return Refuse(absl::StrCat("unknown field \"", Utf8Prefix(name, kMaxNameBytes),
                                 "\"; known are fraction, message, data, retry_after"));
    }
  }
  report->is_progress = object.size() != 1 || !object.contains("retry_after");
  report->retry_after = retry_after;
  report->progress.set_fraction(fraction);
  if (message.has_value()) report->progress.set_message(*std::move(message));
  if (data == nullptr) return absl::OkStatus();
  google::protobuf::Value read;
  if (!ReadData(*data, &read)) {
    return absl::OutOfRangeError("data must have at most 16 KiB as JSON; the data before it stays");
  }
  *report->progress.mutable_data() = std::move(read);
  return absl::OkStatus();
}

void ProgressLines::OnLine(absl::string_view line) {
  const absl::Status added = AddProgressLine(line, &report_);
  if (!added.ok()) faults_.Note(added.message());
  if (absl::IsInvalidArgument(added) || !report_.is_progress) return;
  context_->ReportProgress(report_.progress);
}

void ProgressLines::End(int64_t too_long) {
  if (too_long > 0) faults_.Note(kTooLong, too_long);
  faults_.Tell();
}

}  // namespace buzzer::worker

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/list_filter.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "services/frontend/field_errors.h"
#include "services/frontend/limits.h"

namespace buzzer::frontend {
namespace {

constexpr char kKnownConditions[] = "state, type, queue, labels.KEY and create_time";
constexpr char kLabelPrefix[] = "labels.";

// Ids, which lists go by, hold the time of their making by the millisecond.
constexpr absl::Duration kPrecision = absl::Milliseconds(1);

absl::Time FloorToPrecision(absl::Time time) {
  return absl::UnixEpoch() + absl::Floor(time - absl::UnixEpoch(), kPrecision);
}

absl::Time CeilToPrecision(absl::Time time) {
  return absl::UnixEpoch() + absl::Ceil(time - absl::UnixEpoch(), kPrecision);
}

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

absl::Status Fault(size_t position, absl::string_view what) {
  const std::string description = absl::StrCat("at position ", position + 1, ": ", what);
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, "INVALID_FILTER",
                      absl::StrCat("`filter`: ", description))
      .Field("filter", description)
      .Build();
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<internal::v1::ListJobsRequest> Parse() {
    SkipSpaces();
    while (at_ < text_.size()) {
      if (absl::Status condition = ParseCondition(); !condition.ok()) return condition;
      SkipSpaces();
      if (at_ == text_.size()) break;
      const size_t begin = at_;
      if (Take([](char c) { return c != ' '; }) != "AND") {
        return Fault(begin, "AND or the end must follow a condition");
      }
      SkipSpaces();
      if (at_ == text_.size()) return Fault(at_, "a condition must follow AND");
    }
    return std::move(restrictions_);
  }

 private:
  absl::Status ParseCondition() {
    const size_t begin = at_;
    const auto key = Take([](char c) { return IsLabelKeyCharacter(c); });
    SkipSpaces();
    const size_t operator_at = at_;
    const auto comparison = Take([](char c) { return c == '<' || c == '>' || c == '='; });
    SkipSpaces();
    const size_t value_at = at_;

    const bool is_time = key == "create_time";
    const bool is_label = absl::StartsWith(key, kLabelPrefix);
    if (!is_time && !is_label && key != "state" && key != "type" && key != "queue") {
      return Fault(
          begin, absl::StrCat("unknown condition ", Quoted(key), "; known are ", kKnownConditions));
    }
    if (is_time ? comparison != ">=" && comparison != ">" && comparison != "<=" && comparison != "<"
                : comparison != "=") {
      return Fault(operator_at, absl::StrCat(key, is_time ? " takes >=, >, <= or <" : " takes ="));
    }
    auto value = ParseValue();
    if (!value.ok()) return value.status();

    if (is_time) return RestrictTime(comparison, *value, begin, value_at);
    if (is_label) {
      return RestrictLabel(absl::StripPrefix(key, kLabelPrefix), *value, begin, value_at);
    }
    if (key == "state") return RestrictState(*value, begin, value_at);
    return RestrictName(key, *value, begin, value_at);
  }

  absl::StatusOr<std::string> ParseValue() {
    if (at_ == text_.size() || text_[at_] != '"') {
      const auto value = Take([](char c) { return c != ' ' && c != '"'; });
      if (value.empty()) return Fault(at_, "a value is missing");
      return std::string(value);
    }
    const size_t begin = at_++;
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\\')) {
          return Fault(at_ - 1, "in a string, only \\\" and \\\\ may follow a backslash");
        }
      }
      value.push_back(text_[at_++]);
    }
    if (at_ == text_.size()) return Fault(begin, "this string does not end");
    ++at_;
    return value;
  }

  absl::Status RestrictState(const std::string& value, size_t begin, size_t value_at) {
    v1::Job::State state = v1::Job::STATE_UNSPECIFIED;
    if (!v1::Job::State_Parse(value, &state) || state == v1::Job::STATE_UNSPECIFIED) {
      return Fault(value_at,
                   absl::StrCat("unknown state ", Quoted(value),
                                "; known are SCHEDULED, QUEUED, RUNNING, CANCELLING, SUCCEEDED, "
                                "FAILED and CANCELLED"));
    }
    if (restrictions_.state() != v1::Job::STATE_UNSPECIFIED) return Twice(begin, "state");
    restrictions_.set_state(state);
    return absl::OkStatus();
  }

  absl::Status RestrictName(absl::string_view key, const std::string& value, size_t begin,
                            size_t value_at) {
    if (!IsName(value)) return Fault(value_at, absl::StrCat(key, " must be ", kNameRule));
    std::string* const field =
        key == "type" ? restrictions_.mutable_type() : restrictions_.mutable_queue();
    if (!field->empty()) return Twice(begin, key);
    *field = value;
    return absl::OkStatus();
  }

  absl::Status RestrictLabel(absl::string_view key, const std::string& value, size_t begin,
                             size_t value_at) {
    if (!IsLabelKey(key))
      return Fault(begin, absl::StrCat("a label's key must be ", kLabelKeyRule));
    if (!IsLabelValue(value)) {
      return Fault(value_at, absl::StrCat("a label's value must be ", kLabelValueRule));
    }
    if (restrictions_.labels_size() == kMaxLabels) {
      return Fault(begin, absl::StrCat("there are at most ", kMaxLabels, " labels"));
    }
    if (!restrictions_.mutable_labels()->insert({std::string(key), value}).second) {
      return Twice(begin, absl::StrCat(kLabelPrefix, key));
    }
    return absl::OkStatus();
  }

  absl::Status RestrictTime(absl::string_view comparison, const std::string& value, size_t begin,
                            size_t value_at) {
    absl::Time time;
    std::string error;
    if (!absl::ParseTime(absl::RFC3339_full, value, &time, &error) || time < absl::UnixEpoch() ||
        time >= absl::FromUnixSeconds(253'402'300'800)) {
      return Fault(value_at,
                   "a time must be as \"2026-01-31T00:00:00Z\", of the years 1970 to 9999");
    }
    const bool is_lower = comparison[0] == '>';
    if (is_lower ? restrictions_.has_created_from() : restrictions_.has_created_until()) {
      return Twice(begin,
                   is_lower ? "a lower bound of create_time" : "an upper bound of create_time");
    }
    // The stored bounds are inclusive below and exclusive above.
    const bool takes_time_itself = comparison == ">=" || comparison == "<";
    const absl::Time bound =
        takes_time_itself ? CeilToPrecision(time) : FloorToPrecision(time) + kPrecision;
    *(is_lower ? restrictions_.mutable_created_from() : restrictions_.mutable_created_until()) =
        ToTimestamp(bound);
    return absl::OkStatus();
  }

  static absl::Status Twice(size_t begin, absl::string_view what) {
    return Fault(begin, absl::StrCat(what, " stands twice; once is allowed"));
  }

  template <typename Fits>
  absl::string_view Take(Fits fits) {
    const size_t begin = at_;
    while (at_ < text_.size() && fits(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void SkipSpaces() {
    Take([](char c) { return c == ' '; });
  }

  const absl::string_view text_;
  size_t at_ = 0;
  internal::v1::ListJobsRequest restrictions_;
};

}  // namespace

absl::StatusOr<internal::v1::ListJobsRequest> ParseListFilter(absl::string_view filter) {
  if (filter.size() > kMaxFilterBytes) {
    return Fault(kMaxFilterBytes,
                 absl::StrCat("a filter is at most ", kMaxFilterBytes, " bytes long"));
  }
  return Parser(filter).Parse();
}

}  // namespace buzzer::frontend

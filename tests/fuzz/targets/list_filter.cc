// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// ListJobsRequest.filter, and that a filter made of what was parsed is parsed the same.

#include "services/frontend/list_filter.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/names/names.h"
#include "common/utf8/utf8.h"
#include "services/frontend/limits.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::frontend {
namespace {

using internal::v1::ListJobsRequest;

std::string Quote(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

std::string Text(const google::protobuf::Timestamp& time) {
  return absl::StrCat(
      "\"",
      absl::FormatTime(absl::RFC3339_full,
                       absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()),
                       absl::UTCTimeZone()),
      "\"");
}

// A filter that asks for the same, and whether there is one: the end of the years that a
// filter may name cannot be named itself.
std::string Write(const ListJobsRequest& query) {
  std::vector<std::string> conditions;
  if (query.state() != v1::Job::STATE_UNSPECIFIED) {
    conditions.push_back(absl::StrCat("state=", v1::Job::State_Name(query.state())));
  }
  if (!query.type().empty()) conditions.push_back(absl::StrCat("type = ", query.type()));
  if (!query.queue().empty()) conditions.push_back(absl::StrCat("queue= ", query.queue()));
  for (const auto& [key, value] :
       std::map<std::string, std::string>(query.labels().begin(), query.labels().end())) {
    conditions.push_back(absl::StrCat("labels.", key, "=", Quote(value)));
  }
  if (query.has_created_from()) {
    conditions.push_back(absl::StrCat("create_time >= ", Text(query.created_from())));
  }
  if (query.has_created_until()) {
    conditions.push_back(absl::StrCat("create_time < ", Text(query.created_until())));
  }
  return absl::StrJoin(conditions, " AND ");
}

void CheckTime(bool is_set, const google::protobuf::Timestamp& time) {
  if (!is_set) return;
  FUZZ_CHECK(time.seconds() >= 0 && time.seconds() <= 253'402'300'800);
  FUZZ_CHECK(time.nanos() >= 0 && time.nanos() < 1'000'000'000);
  FUZZ_CHECK(time.nanos() % 1'000'000 == 0);
}

void CheckQuery(const ListJobsRequest& query) {
  // Nothing but conditions.
  FUZZ_CHECK(query.tenant().empty() && query.page_size() == 0 && query.before_id().empty());
  FUZZ_CHECK(v1::Job::State_IsValid(query.state()));
  FUZZ_CHECK(query.type().empty() || IsName(query.type()));
  FUZZ_CHECK(query.queue().empty() || IsName(query.queue()));
  FUZZ_CHECK(query.labels_size() <= kMaxLabels);
  for (const auto& [key, value] : query.labels()) {
    FUZZ_CHECK(IsLabelKey(key));
    FUZZ_CHECK(value.size() <= 4 * kMaxLabelCharacters);
  }
  CheckTime(query.has_created_from(), query.created_from());
  CheckTime(query.has_created_until(), query.created_until());
}

void Run(const std::string& filter) {
  const auto query = ParseListFilter(filter);
  if (!query.ok()) {
    fuzz::CheckError(query.status(), absl::StatusCode::kInvalidArgument, "filter", 512);
    FUZZ_CHECK(ErrorReason(query.status()) == "INVALID_FILTER");
    FUZZ_CHECK(absl::StrContains(query.status().message(), "at position "));
    return;
  }
  FUZZ_CHECK(filter.size() <= kMaxFilterBytes);
  CheckQuery(*query);
  const std::string written = Write(*query);
  if (written.size() > kMaxFilterBytes || absl::StrContains(written, "\"10000-")) return;
  const auto again = ParseListFilter(written);
  FUZZ_CHECK_SEEN(again.ok(), again.status().message());
  FUZZ_CHECK_SEEN(Write(*again) == written, written);
}

}  // namespace
}  // namespace buzzer::frontend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // gRPC refuses strings that are not UTF-8.
  buzzer::frontend::Run(buzzer::ToValidUtf8(buzzer::fuzz::ToView(data, size)));
  return 0;
}

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What comes in headers and in paths: each text is read as every one of them.

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/utf8/utf8.h"
#include "services/frontend/idempotency_key.h"
#include "services/frontend/limits.h"
#include "services/frontend/prefer.h"
#include "services/frontend/result_headers.h"
#include "services/frontend/validation.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::frontend {
namespace {

void Prefer(absl::string_view header) {
  const auto wait = ParsePreferWait(header, kMaxWait);
  if (!wait.has_value()) return;
  FUZZ_CHECK(*wait >= absl::Seconds(1) && *wait <= kMaxWait);
  // What stands before it and is no `wait` changes nothing.
  const auto again = ParsePreferWait(absl::StrCat("respond-async, ", header), kMaxWait);
  FUZZ_CHECK(again == wait);
}

void Key(absl::string_view header) {
  const auto key = ParseIdempotencyKey(header);
  if (!key.ok()) {
    fuzz::CheckError(key.status(), absl::StatusCode::kInvalidArgument, "", 256);
    return;
  }
  FUZZ_CHECK(IsIdempotencyKey(*key));
  FUZZ_CHECK(key->size() <= kMaxIdempotencyKeyBytes && fuzz::IsPrintableAscii(*key));
  std::string quoted = "\"";
  for (const char c : *key) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  const auto again = ParseIdempotencyKey(quoted);
  FUZZ_CHECK_SEEN(again.ok() && *again == *key, quoted);
}

void LastEventId(absl::string_view header) {
  const auto revision = ParseLastEventId(header);
  if (!revision.ok()) {
    fuzz::CheckError(revision.status(), absl::StatusCode::kInvalidArgument, "last-event-id", 256);
    return;
  }
  FUZZ_CHECK(*revision >= 0);
  const auto again = ParseLastEventId(absl::StrCat(*revision));
  FUZZ_CHECK(again.ok() && *again == *revision);
}

void Tenant(absl::string_view header) {
  const auto tenant = ParseTenant(header);
  if (!tenant.ok()) {
    fuzz::CheckError(tenant.status(), absl::StatusCode::kInvalidArgument, "x-buzzer-tenant", 256);
    return;
  }
  FUZZ_CHECK(*tenant == header && tenant->size() <= 63);
  // The page token's checksum stands on it.
  FUZZ_CHECK(tenant->find('\0') == std::string::npos);
}

void JobName(const std::string& name) {
  const auto id = ParseJobName(name);
  if (id.ok()) {
    FUZZ_CHECK(absl::StrCat("jobs/", id->ToString()) == name);
    return;
  }
  const bool is_none = id.status().code() == absl::StatusCode::kNotFound;
  fuzz::CheckError(id.status(),
                   is_none ? absl::StatusCode::kNotFound : absl::StatusCode::kInvalidArgument,
                   "name", 512);
  FUZZ_CHECK(ErrorReason(id.status()) == (is_none ? "JOB_NOT_FOUND" : "INVALID_FIELD"));
}

void QueueName(const std::string& name) {
  const auto queue = ParseQueueName(name);
  if (queue.ok()) {
    FUZZ_CHECK(IsName(*queue) && absl::StrCat("queues/", *queue) == name);
    return;
  }
  const bool is_none = queue.status().code() == absl::StatusCode::kNotFound;
  fuzz::CheckError(queue.status(),
                   is_none ? absl::StatusCode::kNotFound : absl::StatusCode::kInvalidArgument,
                   "name", 512);
}

void Id(absl::string_view text) {
  if (const auto id = JobId::Parse(text); id.has_value()) {
    FUZZ_CHECK(id->ToString() == text);
    FUZZ_CHECK(JobId::FromBytes(id->bytes()) == id);
  }
  if (const auto id = JobId::FromBytes(text); id.has_value()) {
    FUZZ_CHECK(id->bytes() == text);
    FUZZ_CHECK(JobId::Parse(id->ToString()) == id);
    FUZZ_CHECK(JobId::LowestAt(id->time()).bytes().substr(0, 6) == text.substr(0, 6));
  }
}

void ContentType(absl::string_view text) {
  const std::string safe = SafeContentType(text);
  FUZZ_CHECK(!safe.empty() && fuzz::IsPrintableAscii(safe));
  // A browser must not be made to run it.
  if (!IsShownInline(safe)) return;
  const std::string lower =
      absl::AsciiStrToLower(absl::StripAsciiWhitespace(safe.substr(0, safe.find(';'))));
  FUZZ_CHECK_SEEN(lower == "application/json" || lower == "text/plain" ||
                      (lower.substr(0, 6) == "image/" && lower.substr(6, 3) != "svg"),
                  safe);
}

void Run(absl::string_view text) {
  Prefer(text);
  Key(text);
  LastEventId(text);
  Tenant(text);
  Id(text);
  ContentType(text);
  // Fields of messages: UTF-8, or gRPC refuses them.
  const std::string field = ToValidUtf8(text);
  JobName(field);
  QueueName(field);
  JobName("jobs/" + field);
  QueueName("queues/" + field);
}

}  // namespace
}  // namespace buzzer::frontend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  buzzer::frontend::Run(buzzer::fuzz::ToView(data, size));
  return 0;
}

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/request_hash.h"

#include <cstdint>
#include <map>
#include <string>

#include "absl/base/casts.h"
#include "services/frontend/sha256.h"

namespace buzzer::frontend {
namespace {

using Request = v1::SubmitJobRequest;

// Each field goes in as its number (4 bytes), its length (8 bytes), its bytes; numbers
// big-endian. So no two lists of fields have the same form.
class FieldHash {
 public:
  void Bytes(int field, absl::string_view value) {
    Number(static_cast<uint64_t>(field), 4);
    Number(value.size(), 8);
    hash_.Update(value);
  }

  void Int(int field, int64_t value) {
    Number(static_cast<uint64_t>(field), 4);
    Number(8, 8);
    Number(static_cast<uint64_t>(value), 8);
  }

  // Timestamps and durations.
  template <typename Value>
  void Time(int field, const Value& value) {
    Number(static_cast<uint64_t>(field), 4);
    Number(12, 8);
    Number(static_cast<uint64_t>(value.seconds()), 8);
    Number(static_cast<uint32_t>(value.nanos()), 4);
  }

  void Double(int field, double value) {
    // Zero has two forms, which mean the same.
    Int(field, absl::bit_cast<int64_t>(value == 0 ? 0.0 : value));
  }

  std::string Finish() { return hash_.Finish(); }

 private:
  void Number(uint64_t value, int bytes) {
    char text[8];
    for (int i = 0; i < bytes; ++i) {
      text[i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
    }
    hash_.Update(absl::string_view(text, static_cast<size_t>(bytes)));
  }

  Sha256 hash_;
};

// The policy goes in as the hash of its own fields. One without any is as good as none, and left
// out.
void AddRetry(const v1::RetryPolicy& retry, FieldHash* hash) {
  using Policy = v1::RetryPolicy;
  if (retry.ByteSizeLong() == 0) return;
  FieldHash fields;
  if (retry.has_initial_delay()) {
    fields.Time(Policy::kInitialDelayFieldNumber, retry.initial_delay());
  }
  if (retry.has_factor()) fields.Double(Policy::kFactorFieldNumber, retry.factor());
  if (retry.has_max_delay()) fields.Time(Policy::kMaxDelayFieldNumber, retry.max_delay());
  if (retry.has_jitter()) fields.Double(Policy::kJitterFieldNumber, retry.jitter());
  for (const std::string& reason : retry.final_reasons()) {
    fields.Bytes(Policy::kFinalReasonsFieldNumber, reason);
  }
  hash->Bytes(Request::kRetryFieldNumber, fields.Finish());
}

}  // namespace

std::string RequestHash(const Request& request, absl::string_view payload) {
  FieldHash hash;
  if (!request.type().empty()) hash.Bytes(Request::kTypeFieldNumber, request.type());
  if (!request.queue().empty()) hash.Bytes(Request::kQueueFieldNumber, request.queue());
  if (request.priority() != v1::Job::PRIORITY_UNSPECIFIED) {
    hash.Int(Request::kPriorityFieldNumber, request.priority());
  }
  if (request.has_payload()) hash.Bytes(Request::kPayloadFieldNumber, payload);
  if (!request.payload_bytes().empty()) {
    hash.Bytes(Request::kPayloadBytesFieldNumber, request.payload_bytes());
  }
  if (!request.payload_content_type().empty()) {
    hash.Bytes(Request::kPayloadContentTypeFieldNumber, request.payload_content_type());
  }
  const std::map<std::string, std::string> labels(request.labels().begin(), request.labels().end());
  for (const auto& [key, value] : labels) {
    hash.Bytes(Request::kLabelsFieldNumber, key);
    hash.Bytes(Request::kLabelsFieldNumber, value);
  }
  if (request.has_run_at()) hash.Time(Request::kRunAtFieldNumber, request.run_at());
  if (request.has_delay()) hash.Time(Request::kDelayFieldNumber, request.delay());
  if (request.has_deadline()) hash.Time(Request::kDeadlineFieldNumber, request.deadline());
  if (request.has_attempt_timeout()) {
    hash.Time(Request::kAttemptTimeoutFieldNumber, request.attempt_timeout());
  }
  if (request.max_attempts() != 0) {
    hash.Int(Request::kMaxAttemptsFieldNumber, request.max_attempts());
  }
  if (request.has_lease()) hash.Time(Request::kLeaseFieldNumber, request.lease());
  if (request.has_retention()) hash.Time(Request::kRetentionFieldNumber, request.retention());
  AddRetry(request.retry(), &hash);
  return hash.Finish();
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/boundary/granted.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/limits/limits.h"
#include "common/times/times.h"

namespace buzzer::worker {
namespace {

// The API's own limits are below these.
constexpr size_t kMaxLeaseIdBytes = 64;
constexpr size_t kMaxGrantedPayloadBytes = 4 * kMaxPayloadBytes;
// Serialized, what has 16 KiB as JSON may have six times as many.
constexpr size_t kMaxCheckpointBytes = 8 * kMaxProgressDataBytes;
constexpr size_t kMaxTextBytes = 1024;
constexpr int kMaxGrantedLabels = 1000;
constexpr absl::Duration kMinGrantedLease = absl::Milliseconds(100);
constexpr absl::Duration kMaxGrantedLease = absl::Hours(24);
constexpr absl::Duration kMaxGrantedAttempt = absl::Hours(24 * 366);

absl::Status Wrong(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat("`", field, "` ", rule));
}

bool IsText(const std::string& text) {
  return text.size() <= kMaxTextBytes && text.find('\0') == std::string::npos;
}

}  // namespace

absl::Status CheckGranted(const internal::v1::Granted& granted) {
  if (granted.attempt() < 1) return Wrong("attempt", "must be 1 or more");
  if (granted.lease_id().empty() || granted.lease_id().size() > kMaxLeaseIdBytes) {
    return Wrong("lease_id", absl::StrCat("must have 1 to ", kMaxLeaseIdBytes, " bytes"));
  }
  if (granted.has_lease() && !IsInRange(granted.lease(), kMinGrantedLease, kMaxGrantedLease)) {
    return Wrong("lease", "must be from 100 ms to 24 h");
  }
  if (granted.has_attempt_timeout() &&
      !IsInRange(granted.attempt_timeout(), absl::Nanoseconds(1), kMaxGrantedAttempt)) {
    return Wrong("attempt_timeout", "must be above 0 and at most 366 days");
  }
  if (granted.payload().size() > kMaxGrantedPayloadBytes) {
    return Wrong("payload", absl::StrCat("must have at most ", kMaxGrantedPayloadBytes, " bytes"));
  }
  if (granted.has_checkpoint() && granted.checkpoint().ByteSizeLong() > kMaxCheckpointBytes) {
    return Wrong("checkpoint", absl::StrCat("must have at most ", kMaxCheckpointBytes, " bytes"));
  }
  // They become variables of a program's environment.
  if (!IsText(granted.type())) return Wrong("type", "must be a short text without zero bytes");
  if (!IsText(granted.queue())) return Wrong("queue", "must be a short text without zero bytes");
  if (!IsText(granted.tenant())) return Wrong("tenant", "must be a short text without zero bytes");
  if (!IsText(granted.payload_content_type())) {
    return Wrong("payload_content_type", "must be a short text without zero bytes");
  }
  if (granted.labels_size() > kMaxGrantedLabels) {
    return Wrong("labels", absl::StrCat("must be at most ", kMaxGrantedLabels));
  }
  return absl::OkStatus();
}

}  // namespace buzzer::worker

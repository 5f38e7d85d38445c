// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_VALIDATION_H_
#define SERVICES_FRONTEND_VALIDATION_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "buzzer/v1/job_service.pb.h"
#include "common/job_id/job_id.h"
#include "google/protobuf/duration.pb.h"

namespace buzzer::frontend {

// What comes with a submit beside its message.
struct SubmitContext {
  std::string tenant;
  // The `Idempotency-Key` header as sent, if it was.
  std::optional<std::string> key_header;
  JobId id;
  absl::Time now;
};

// Submit (step 1 of a job's life): checks every field, then fills in the defaults, the
// payload's bytes and, with an idempotency key, the request hash. INVALID_ARGUMENT names
// all faulty fields at once; its reason is TOO_LARGE if the payload is, KEY_MISMATCH if
// header and field differ, else INVALID_FIELD. Whether type and queue exist is for state
// to say.
absl::StatusOr<internal::v1::NewJob> MakeNewJob(const v1::SubmitJobRequest& request,
                                                const SubmitContext& context);

// The tenant that a header names: unset means `default`. INVALID_ARGUMENT.
absl::StatusOr<std::string> ParseTenant(std::optional<absl::string_view> header);

// The id in `jobs/{id}`. INVALID_ARGUMENT if it is no such name; NOT_FOUND
// (JOB_NOT_FOUND) if the id is none that a job can have.
absl::StatusOr<JobId> ParseJobName(absl::string_view name);

// The queue in `queues/{queue}`; NOT_FOUND (QUEUE_NOT_FOUND) alike.
absl::StatusOr<std::string> ParseQueueName(absl::string_view name);

// The type in `types/{type}`; NOT_FOUND (TYPE_NOT_FOUND) alike.
absl::StatusOr<std::string> ParseTypeName(absl::string_view name);

// A time to hold the answer. INVALID_ARGUMENT, naming `field`, unless 0 to kMaxWait.
absl::StatusOr<absl::Duration> ParseWait(absl::string_view field,
                                         const google::protobuf::Duration& wait);

// A revision to go on from. INVALID_ARGUMENT, naming `field`, if negative.
absl::Status CheckRevision(absl::string_view field, int64_t revision);

// A `Last-Event-ID`: the digits of a revision. INVALID_ARGUMENT.
absl::StatusOr<int64_t> ParseLastEventId(absl::string_view header);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_VALIDATION_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/conformance/state_service_conformance.h"

#include "common/errors/errors.h"
#include "tests/support/blocking_store.h"

namespace buzzer::testing {

StateServiceConformance::StateServiceConformance()
    : state_(GetParam().make()), caller_(state_->address()), first_(state_->Now()) {}

internal::v1::NewJob StateServiceConformance::NewJob() {
  internal::v1::NewJob job = state::MakeNewJob(first_ + absl::Milliseconds(made_++));
  job.clear_queue();  // The type's own, which the service knows.
  return job;
}

internal::v1::NewJob StateServiceConformance::NewJobWithKey(const std::string& key, char request) {
  internal::v1::NewJob job = NewJob();
  job.set_idempotency_key(key);
  job.set_request_hash(std::string(32, request));
  job.set_request_hash_version(1);
  return job;
}

JobId StateServiceConformance::Submit(const internal::v1::NewJob& job) {
  const auto stored = caller_.Submit(job);
  EXPECT_TRUE(stored.ok()) << stored.status();
  return IdOf(job);
}

JobId StateServiceConformance::Running() {
  const JobId job = Submit();
  state_->Claim(job);
  return job;
}

JobId StateServiceConformance::Succeeded() {
  const JobId job = Running();
  state_->Succeed(job, "text/plain", "done");
  return job;
}

JobId StateServiceConformance::Failed() {
  const JobId job = Running();
  state_->Fail(job, /*retryable=*/false);
  return job;
}

JobId StateServiceConformance::Cancelled() {
  const JobId job = Submit();
  EXPECT_TRUE(caller_.Cancel(job).ok());
  return job;
}

v1::Job StateServiceConformance::Get(const JobId& job) {
  auto found = caller_.Get(job);
  EXPECT_TRUE(found.ok()) << found.status();
  return found.value_or(v1::Job());
}

std::vector<JobId> StateServiceConformance::ListAll(internal::v1::ListJobsRequest request) {
  std::vector<JobId> ids;
  do {
    const auto page = caller_.List(request);
    if (!page.ok()) {
      ADD_FAILURE() << page.status();
      break;
    }
    if (request.page_size() > 0) {
      EXPECT_LE(page->jobs_size(), request.page_size());
    }
    for (const v1::Job& job : page->jobs()) ids.push_back(JobId::Parse(job.id()).value_or(JobId()));
    request.set_before_id(page->next_before_id());
  } while (!request.before_id().empty());
  return ids;
}

JobId IdOf(const internal::v1::NewJob& job) { return JobId::FromBytes(job.id()).value_or(JobId()); }

std::vector<std::string> Causes(const google::protobuf::RepeatedPtrField<v1::JobEvent>& events) {
  std::vector<std::string> causes;
  for (const v1::JobEvent& event : events) causes.push_back(event.cause());
  return causes;
}

void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& reason) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ErrorReason(status), reason) << status;
}

}  // namespace buzzer::testing

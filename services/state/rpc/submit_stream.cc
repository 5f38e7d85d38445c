// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/submit_stream.h"

#include <utility>
#include <vector>

#include "common/errors/errors.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/state_checks.h"

namespace buzzer::state {

namespace {

// A repeated submit finds the job with whatever it has become: a thousand of them must fit
// into a message. Reading the job tells the rest.
void Shorten(v1::Job* job) {
  if (job->has_progress()) job->mutable_progress()->clear_data();
  if (job->has_error()) job->mutable_error()->clear_detail();
}

}  // namespace

void SubmitStream::OnRequest(internal::v1::SubmitRequest& request) {
  if (absl::Status counts = CheckCounts(request); !counts.ok()) {
    waker_->Close(counts);
    return;
  }
  const size_t owed = request.ByteSizeLong();
  {
    MutexLock lock(&mutex_);
    owed_bytes_ += owed;
  }
  auto response = std::make_shared<internal::v1::SubmitResponse>();
  response->set_batch(request.batch());
  std::vector<internal::v1::NewJob> jobs;
  // Where in the response the answer of each job that goes to the store belongs, and what it is if
  // its type is not known.
  std::vector<int> places;
  std::vector<absl::Status> unresolved;
  for (int i = 0; i < request.jobs_size(); ++i) {
    internal::v1::NewJob& job = *request.mutable_jobs(i);
    auto* result = response->add_results();
    if (absl::Status checked = Check(job); !checked.ok()) {
      *result->mutable_error() = ToRpcStatus(checked);
      continue;
    }
    auto queue = types_->ResolveQueue(job.type(), job.queue());
    // Its type may have been forgotten since it was stored: the store alone knows.
    unresolved.push_back(queue.status());
    job.set_queue(std::move(queue).value_or(""));
    jobs.push_back(std::move(job));
    places.push_back(i);
  }
  if (jobs.empty()) {
    Answer(std::move(*response), owed);
    return;
  }
  store_->Submit(std::move(jobs), [self = shared_from_this(), response, places = std::move(places),
                                   unresolved = std::move(unresolved),
                                   owed](absl::StatusOr<JobStore::Each<JobRecord>> stored) {
    if (ErrorReason(stored.status()) == kCommitInDoubt) {
      // No answer is the honest one: the frontend asks again on a new stream.
      self->waker_->Close(absl::OkStatus());
      return;
    }
    for (size_t i = 0; i < places.size(); ++i) {
      auto* result = response->mutable_results(places[i]);
      if (!stored.ok()) {
        *result->mutable_error() = ToRpcStatus(stored.status());
      } else if (ErrorReason((*stored)[i].status()) == kNoQueue) {
        *result->mutable_error() = ToRpcStatus(unresolved[i]);
      } else if (!(*stored)[i].ok()) {
        *result->mutable_error() = ToRpcStatus((*stored)[i].status());
      } else {
        *result->mutable_job() = self->waits_->Show(*(*stored)[i]);
        Shorten(result->mutable_job());
      }
    }
    self->Answer(std::move(*response), owed);
  });
}

void SubmitStream::Answer(internal::v1::SubmitResponse response, size_t owed) {
  {
    MutexLock lock(&mutex_);
    const size_t bytes = response.ByteSizeLong();
    answers_.push_back({std::move(response), bytes});
    answers_bytes_ += bytes;
    owed_bytes_ -= owed;
  }
  waker_->Wake();
}

bool SubmitStream::TakesRequests() {
  MutexLock lock(&mutex_);
  return answers_bytes_ < kMaxUntakenBytes && owed_bytes_ < kMaxOwedBytes;
}

bool SubmitStream::NextResponse(internal::v1::SubmitResponse* response) {
  MutexLock lock(&mutex_);
  if (answers_.empty()) return false;
  *response = std::move(answers_.front().response);
  answers_bytes_ -= answers_.front().bytes;
  answers_.pop_front();
  return true;
}

}  // namespace buzzer::state

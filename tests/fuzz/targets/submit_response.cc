// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// State's answers to batches, as the frontend reads them: every caller is told once.

#include <memory>
#include <string>
#include <vector>

#include "common/errors/errors.h"
#include "services/frontend/submit_queue.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"

namespace buzzer::frontend {
namespace {

constexpr int kCallers = 4;

JobId IdOf(int caller) {
  std::string bytes(16, '\0');
  bytes[15] = static_cast<char>(caller);
  return *JobId::FromBytes(bytes);
}

void Run(internal::v1::SubmitResponse& response) {
  testing::FakeClock clock;
  SubmitQueue::Limits limits;
  limits.max_batch_jobs = 2;
  SubmitQueue queue(limits, &clock,
                    {[] {}, [](absl::Duration) {}, [](int jobs) { FUZZ_CHECK(jobs > 0); }});
  std::vector<int> told(kCallers);
  queue.OnUp();
  for (int i = 0; i < kCallers; ++i) {
    internal::v1::NewJob job;
    job.set_id(std::string(IdOf(i).bytes()));
    queue.Add(std::move(job), [&told, i](const absl::StatusOr<v1::Job>& result) {
      ++told[static_cast<size_t>(i)];
      // What the caller gets is a job, or an error with its reason.
      if (!result.ok())
        FUZZ_CHECK(!result.status().message().empty() ||
                   result.status().code() != absl::StatusCode::kOk);
    });
  }
  internal::v1::SubmitRequest first, second;
  FUZZ_CHECK(queue.NextBatch(&first) && first.jobs_size() == 2);
  FUZZ_CHECK(queue.NextBatch(&second));
  internal::v1::SubmitResponse copy = response;
  queue.OnAnswer(response);
  // The same again, on a stream that has come back.
  queue.OnDown();
  queue.OnUp();
  internal::v1::SubmitRequest again;
  while (queue.NextBatch(&again)) {
    FUZZ_CHECK(again.jobs_size() > 0 && again.jobs_size() <= 2);
    again.Clear();
  }
  queue.OnAnswer(copy);
  clock.Advance(absl::Seconds(6));
  queue.Expire();
  for (const int times : told) FUZZ_CHECK(times == 1);
}

}  // namespace
}  // namespace buzzer::frontend

BUZZER_FUZZ_MESSAGE(buzzer::internal::v1::SubmitResponse, buzzer::frontend::Run)

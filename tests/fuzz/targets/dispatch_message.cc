// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What the broker pushes: messages for jobs, from whoever may publish there.

#include "services/worker/boundary/dispatch_message.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "buzzer/internal/v1/dispatch.pb.h"
#include "common/names/names.h"
#include "services/worker/intake/queue_lane.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"

namespace buzzer::worker {
namespace {

const Config& TwoTypes() {
  static const Config config = [] {
    Config made;
    made.slots = 3;
    for (const char* type : {"a", "demo.echo"}) {
      HandlerConfig handler;
      handler.type = type;
      handler.queue = "q";
      handler.concurrency = 2;
      made.handlers.push_back(handler);
    }
    return made;
  }();
  return config;
}

// What is left of the body once it was read.
void CheckRead(const std::string& body, int entries) {
  const DispatchedJobs read = ReadDispatchMessage(body);
  fuzz::CheckText(read.fault, 512);
  FUZZ_CHECK(read.jobs.size() <= static_cast<size_t>(std::min(entries, kMaxJobsOfMessage)));
  FUZZ_CHECK(read.jobs.size() == static_cast<size_t>(entries) || !read.fault.empty());
  std::set<JobId> ids;
  for (const DispatchedJob& job : read.jobs) {
    FUZZ_CHECK(IsName(job.type) && ids.insert(job.id).second);
  }
}

// Messages of which nothing is left are acked at once; all others once each of their jobs was
// taken and answered, never before and never twice.
void Run(const internal::v1::DispatchMessage& message) {
  QueueLane lane("buzzer", "q");
  Slots slots(TwoTypes());
  absl::Duration now = absl::Hours(1);
  lane.Opened(1, 4, now - absl::Seconds(1));
  const std::string body = message.SerializeAsString();
  CheckRead(body, message.jobs_size());
  int offered = 0;
  uint64_t tag = 0;
  for (const std::string& queue : lane.broker_queues()) {
    const bool is_taken_in = lane.Add({1, ++tag, queue, body, false}, now);
    if (!is_taken_in) continue;
    for (const auto& entry : message.jobs()) offered += entry.job_id().size() == 16 ? 1 : 0;
  }
  FUZZ_CHECK(!lane.Add({1, ++tag, "buzzer.of-others.normal", body, false}, now));

  std::vector<OfferedJob> taken;
  while (auto job = lane.Take(slots, now)) {
    FUZZ_CHECK(job->message != nullptr && job->message->unanswered > 0);
    FUZZ_CHECK(!job->id.bytes().empty());
    if (slots.HasHandler(job->type)) slots.Take(job->type);
    taken.push_back(*std::move(job));
    FUZZ_CHECK(taken.size() <= static_cast<size_t>(offered));
    // Slots come free while messages lie there.
    if (taken.size() % 2 == 0 && slots.HasHandler(taken.back().type)) {
      slots.Free(taken.back().type);
    }
  }
  for (const OfferedJob& job : taken) {
    FUZZ_CHECK(job.message->unanswered > 0);
    --job.message->unanswered;
  }
  for (int i = 0; i < 3; ++i) {
    now += absl::Seconds(2);
    const ChannelPlan plan = lane.Decide(true, slots, now);
    FUZZ_CHECK(plan.close.empty());
    FUZZ_CHECK(plan.open_prefetch >= 0 && plan.open_prefetch <= 10'000);
    if (plan.open_prefetch > 0)
      lane.Opened(static_cast<amqp::ChannelId>(i) + 2, plan.open_prefetch, now);
  }
  lane.ClosedAll();
  FUZZ_CHECK(!lane.Take(slots, now).has_value());
}

}  // namespace
}  // namespace buzzer::worker

BUZZER_FUZZ_MESSAGE(buzzer::internal::v1::DispatchMessage, buzzer::worker::Run)

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// State's words to a worker, as its session reads them: an answer counts once, and only for
// what was asked.

#include <map>
#include <string>

#include "common/names/names.h"
#include "common/utf8/utf8.h"
#include "services/worker/boundary/granted.h"
#include "services/worker/boundary/hello_answer.h"
#include "services/worker/durations.h"
#include "services/worker/state_session.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"
#include "tests/unit/services/worker/support/silent_listener.h"

namespace buzzer::worker {
namespace {

class Line final : public StateLine {
 public:
  void Wake() override {}
};

void CheckTime(const google::protobuf::Duration& proto) {
  const absl::Duration time = FromProto(proto);
  FUZZ_CHECK(time > absl::ZeroDuration() && time <= absl::Hours(24 * 366));
}

class Listener final : public SilentListener {
 public:
  void OnClaimAnswer(internal::v1::ClaimAnswer& answer) override {
    FUZZ_CHECK(answer.claim_id() == "\1" || answer.claim_id() == "\2");
    FUZZ_CHECK(++claims[answer.claim_id()] == 1);
    if (!answer.has_granted() || !CheckGranted(answer.granted()).ok()) return;
    // What is let through can be run: its times are times.
    const internal::v1::Granted& granted = answer.granted();
    FUZZ_CHECK(granted.attempt() >= 1 && !granted.lease_id().empty());
    if (granted.has_lease()) CheckTime(granted.lease());
    if (granted.has_attempt_timeout()) CheckTime(granted.attempt_timeout());
  }
  void OnHelloAnswer(const internal::v1::HelloAnswer& answer) override {
    const auto refusals = ReadHelloAnswer(answer);
    FUZZ_CHECK(refusals.size() <= 1000 &&
               refusals.size() <= static_cast<size_t>(answer.refusals_size()));
    for (const Refusal& refusal : refusals) {
      FUZZ_CHECK(refusal.queue.empty() || refusal.type.empty());
      FUZZ_CHECK(refusal.queue.empty() || IsName(refusal.queue));
      FUZZ_CHECK(refusal.type.empty() || IsName(refusal.type));
      FUZZ_CHECK(refusal.message == OneLine(refusal.message, 512));
    }
  }
  void OnOutcomeAnswer(const internal::v1::OutcomeAnswer& answer) override {
    FUZZ_CHECK(answer.attempt() == 1 && ++outcomes == 1);
  }

  std::map<std::string, int> claims;
  int outcomes = 0;
};

// A byte stands for the id of the job that was asked for.
void Name(std::string* id, const std::string& job) {
  if (id->size() == 1) *id = job;
}

void Run(internal::v1::WorkResponse& response) {
  testing::FakeClock clock;
  StateSession session(&clock);
  Line line;
  Listener listener;
  session.Connect(&line, &listener);
  session.OnUp();
  const LeaseRef lease{{JobId::LowestAt(clock.Now()), 1}, "lease"};
  const std::string job(lease.key.job.bytes());
  for (const char* id : {"\1", "\2"}) {
    internal::v1::Claim claim;
    claim.set_claim_id(id);
    claim.set_job_id(job);
    session.Claim(std::move(claim));
  }
  internal::v1::Outcome outcome;
  lease.Fill(&outcome);
  outcome.mutable_success();
  session.Finish(std::move(outcome));
  internal::v1::WorkRequest request;
  FUZZ_CHECK(session.NextRequest(&request) && request.claims_size() == 2);

  for (auto& answer : *response.mutable_claims()) Name(answer.mutable_job_id(), job);
  for (auto& answer : *response.mutable_outcomes()) Name(answer.mutable_job_id(), job);
  internal::v1::WorkResponse copy = response;
  session.OnResponse(response);
  session.OnDown();
  session.OnUp();
  // What is not answered is asked again, and nothing else.
  request.Clear();
  session.NextRequest(&request);
  FUZZ_CHECK(request.claims_size() + static_cast<int>(listener.claims.size()) == 2);
  FUZZ_CHECK(request.outcomes_size() + listener.outcomes == 1);
  session.OnResponse(copy);
}

}  // namespace
}  // namespace buzzer::worker

BUZZER_FUZZ_MESSAGE(buzzer::internal::v1::WorkResponse, buzzer::worker::Run)

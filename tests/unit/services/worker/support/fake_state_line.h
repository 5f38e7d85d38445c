// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_STATE_LINE_H_
#define TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_STATE_LINE_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "buzzer/internal/v1/work_service.pb.h"
#include "common/job_id/job_id.h"
#include "services/worker/state_line.h"
#include "services/worker/state_session.h"
#include "tests/integration/support/watched.h"

namespace buzzer::worker {

// A line to a state service that is the test. What the session sends is taken by the
// test's own hand, so it sees each step. Wake is thread-safe, the rest is the test's.
class FakeStateLine final : public StateLine {
 public:
  // Not owned.
  explicit FakeStateLine(StateSession* session) : session_(session) {}

  void Wake() override {
    wakes_.Update([](int& wakes) { ++wakes; });
  }

  void Up() { session_->OnUp(); }
  void Down() { session_->OnDown(); }

  // What the session wants to send now, in one message.
  internal::v1::WorkRequest Take() {
    internal::v1::WorkRequest request;
    session_->NextRequest(&request);
    return request;
  }

  // Takes messages until one of them fits, and returns it; fails the test if none comes.
  internal::v1::WorkRequest Await(
      const std::function<bool(const internal::v1::WorkRequest&)>& fits) {
    while (true) {
      const int seen = wakes_.Get();
      internal::v1::WorkRequest request = Take();
      if (fits(request)) return request;
      if (!wakes_.Await([seen](int wakes) { return wakes != seen; })) {
        ADD_FAILURE() << "the session did not send what was waited for";
        return {};
      }
    }
  }
  internal::v1::Outcome AwaitOutcome() {
    const auto request = Await([](const auto& sent) { return sent.outcomes_size() > 0; });
    return request.outcomes_size() > 0 ? request.outcomes(0) : internal::v1::Outcome();
  }

  // Answers.
  void Grant(const internal::v1::Claim& claim, internal::v1::Granted granted) {
    internal::v1::WorkResponse response;
    *Answer(claim, response)->mutable_granted() = std::move(granted);
    session_->OnResponse(response);
  }
  void SayGone(const internal::v1::Claim& claim) {
    internal::v1::WorkResponse response;
    Answer(claim, response)->mutable_gone();
    session_->OnResponse(response);
  }
  void SayReturned(const internal::v1::Claim& claim, internal::v1::Returned::Reason reason) {
    internal::v1::WorkResponse response;
    Answer(claim, response)->mutable_returned()->set_reason(reason);
    session_->OnResponse(response);
  }
  void Offer(const JobId& job, const std::string& type) {
    internal::v1::WorkResponse response;
    auto* const offer = response.add_offers();
    offer->set_job_id(std::string(job.bytes()));
    offer->set_type(type);
    session_->OnResponse(response);
  }
  void AnswerOutcome(const internal::v1::Outcome& outcome, bool accepted = true) {
    internal::v1::WorkResponse response;
    auto* answer = response.add_outcomes();
    answer->set_job_id(outcome.job_id());
    answer->set_attempt(outcome.attempt());
    answer->set_accepted(accepted);
    session_->OnResponse(response);
  }
  void AnswerRenewal(const std::string& job_id, int attempt, bool held,
                     bool cancel_requested = false) {
    internal::v1::WorkResponse response;
    auto* status = response.add_leases();
    status->set_job_id(job_id);
    status->set_attempt(attempt);
    status->set_held(held);
    status->set_cancel_requested(cancel_requested);
    session_->OnResponse(response);
  }
  void Cancel(const std::string& job_id, int attempt) {
    internal::v1::WorkResponse response;
    auto* notice = response.add_cancels();
    notice->set_job_id(job_id);
    notice->set_attempt(attempt);
    session_->OnResponse(response);
  }

 private:
  static internal::v1::ClaimAnswer* Answer(const internal::v1::Claim& claim,
                                           internal::v1::WorkResponse& response) {
    auto* answer = response.add_claims();
    answer->set_claim_id(claim.claim_id());
    answer->set_job_id(claim.job_id());
    return answer;
  }

  StateSession* const session_;
  testing::Watched<int> wakes_{0};
};

}  // namespace buzzer::worker

#endif  // TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_STATE_LINE_H_

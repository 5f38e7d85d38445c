// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/state_session.h"

#include <utility>

namespace buzzer::worker {
namespace {

using internal::v1::Claim;

// A message carries at most this much of progress and outcomes (or one outcome), well below
// what the state service takes (kMaxStateRequestBytes).
constexpr size_t kMaxReportBytes = 4 << 20;
// And so many claims: jobs of types without a handler are claimed all at once, to be given back.
constexpr int kMaxClaims = 1000;

void AskToReturn(Claim& claim) {
  if (claim.intent() == Claim::INTENT_RUN) claim.set_intent(Claim::INTENT_RETURN_DRAINING);
}

}  // namespace

void StateSession::Connect(StateLine* line, Listener* listener) {
  line_ = line;
  listener_ = listener;
}

void StateSession::SetHello(internal::v1::Hello hello, bool repeat) {
  {
    MutexLock lock(&mutex_);
    if (!repeat && hello.SerializeAsString() == hello_.SerializeAsString()) return;
    hello_ = std::move(hello);
    hello_is_due_ = true;
  }
  line_->Wake();
}

void StateSession::Claim(internal::v1::Claim claim) {
  {
    MutexLock lock(&mutex_);
    if (returning_) AskToReturn(claim);
    const std::string claim_id = claim.claim_id();
    claims_.Add(claim_id, std::move(claim));
  }
  line_->Wake();
}

void StateSession::ReturnClaims() {
  MutexLock lock(&mutex_);
  returning_ = true;
  claims_.ForEach(AskToReturn);
}

void StateSession::Renew(const LeaseRef& lease) {
  {
    MutexLock lock(&mutex_);
    if (!up_) return;
    renewals_[lease.key] = lease;
  }
  line_->Wake();
}

void StateSession::ReportProgress(const LeaseRef& lease, v1::Progress progress) {
  {
    MutexLock lock(&mutex_);
    auto& report = progress_[lease.key];
    lease.Fill(&report);
    *report.mutable_progress() = std::move(progress);
  }
  line_->Wake();
}

void StateSession::Finish(internal::v1::Outcome outcome) {
  {
    MutexLock lock(&mutex_);
    const auto key = KeyOf(outcome);  // Before the move: arguments have no order.
    outcomes_.Add(key, std::move(outcome));
  }
  line_->Wake();
}

absl::Duration StateSession::last_heard() const {
  MutexLock lock(&mutex_);
  return last_heard_;
}

bool StateSession::up() const {
  MutexLock lock(&mutex_);
  return up_;
}

void StateSession::OnUp() {
  {
    MutexLock lock(&mutex_);
    up_ = true;
    last_heard_ = clock_->Monotonic();
    hello_is_due_ = true;
    claims_.SendAllAgain();
    outcomes_.SendAllAgain();
  }
  listener_->OnStateUp();
}

void StateSession::OnDown() {
  {
    MutexLock lock(&mutex_);
    up_ = false;
    renewals_.clear();
  }
  listener_->OnStateDown();
}

bool StateSession::NextRequest(internal::v1::WorkRequest* request) {
  MutexLock lock(&mutex_);
  if (!up_) return false;
  bool filled = std::exchange(hello_is_due_, false);
  if (filled) *request->mutable_hello() = hello_;
  claims_.SendUnsent([&](const internal::v1::Claim& claim) {
    if (request->claims_size() >= kMaxClaims) return false;
    *request->add_claims() = claim;
    return filled = true;
  });
  for (const auto& [key, lease] : renewals_) {
    lease.Fill(request->add_renewals());
    filled = true;
  }
  renewals_.clear();
  size_t bytes = 0;
  for (auto it = progress_.begin(); it != progress_.end() && bytes < kMaxReportBytes;) {
    bytes += it->second.ByteSizeLong();
    *request->add_progress() = std::move(it->second);
    progress_.erase(it++);
    filled = true;
  }
  // All progress before any outcome: what comes after the end of an attempt is refused.
  if (!progress_.empty()) return true;
  outcomes_.SendUnsent([&](const internal::v1::Outcome& outcome) {
    bytes += outcome.ByteSizeLong();
    if (bytes > kMaxReportBytes && request->outcomes_size() + request->progress_size() > 0) {
      return false;
    }
    *request->add_outcomes() = outcome;
    return filled = true;
  });
  return filled;
}

void StateSession::OnResponse(internal::v1::WorkResponse& response) {
  {
    MutexLock lock(&mutex_);
    last_heard_ = clock_->Monotonic();
  }
  for (auto& answer : *response.mutable_claims()) {
    bool is_first = false;
    {
      MutexLock lock(&mutex_);
      is_first = claims_.Remove(answer.claim_id());
    }
    if (is_first) listener_->OnClaimAnswer(answer);
  }
  for (const auto& status : response.leases()) listener_->OnLeaseStatus(status);
  for (const auto& answer : response.outcomes()) {
    bool is_first = false;
    {
      MutexLock lock(&mutex_);
      is_first = outcomes_.Remove(KeyOf(answer));
    }
    if (is_first) listener_->OnOutcomeAnswer(answer);
  }
  for (const auto& notice : response.cancels()) listener_->OnCancelNotice(notice);
  for (const auto& offer : response.offers()) listener_->OnOffer(offer);
  if (response.has_hello()) listener_->OnHelloAnswer(response.hello());
}

}  // namespace buzzer::worker

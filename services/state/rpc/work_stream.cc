// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/work_stream.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/errors/errors.h"
#include "common/limits/limits.h"
#include "common/log/log.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/work_checks.h"
#include "services/state/rpc/refusal_log.h"

namespace buzzer::state {
namespace {

// Of a renewal, a progress report or an outcome that was checked.
template <typename Message>
LeaseRef ToLeaseRef(const Message& message) {
  return {*JobId::FromBytes(message.job_id()), message.attempt(), message.lease_id()};
}

ClaimRequest::Intent ToIntent(internal::v1::Claim::Intent intent) {
  switch (intent) {
    case internal::v1::Claim::INTENT_RETURN_NO_HANDLER:
      return ClaimRequest::Intent::kReturnNoHandler;
    case internal::v1::Claim::INTENT_RETURN_DRAINING:
      return ClaimRequest::Intent::kReturnDraining;
    default:
      return ClaimRequest::Intent::kRun;
  }
}

void FillAnswer(const ClaimRequest& claim, ClaimResult& result, internal::v1::ClaimAnswer* answer) {
  answer->set_claim_id(claim.claim_id);
  answer->set_job_id(std::string(claim.job.bytes()));
  using internal::v1::Returned;
  switch (result.answer) {
    case ClaimAnswer::kNone:
      answer->mutable_gone();
      break;
    case ClaimAnswer::kGranted:
      *answer->mutable_granted() = *std::move(result.granted);
      break;
    case ClaimAnswer::kReturnedPaused:
      answer->mutable_returned()->set_reason(Returned::REASON_PAUSED);
      break;
    case ClaimAnswer::kReturnedDraining:
      answer->mutable_returned()->set_reason(Returned::REASON_DRAINING);
      break;
    case ClaimAnswer::kReturnedNoHandler:
      answer->mutable_returned()->set_reason(Returned::REASON_NO_HANDLER);
      break;
  }
}

// What an answer names; what is no id is not repeated at length.
std::string Echo(const std::string& id) { return id.substr(0, kIdBytes); }

}  // namespace

WorkStream::WorkStream(Parts parts, int64_t id, std::string peer,
                       std::shared_ptr<StreamWaker> waker)
    : parts_(parts), id_(id), peer_(std::move(peer)), waker_(std::move(waker)) {}

template <typename Fill>
void WorkStream::Send(Fill fill, size_t settled) {
  {
    MutexLock lock(&mutex_);
    outgoing_bytes_ += fill(outgoing_);
    has_outgoing_ = true;
    owed_bytes_ -= settled;
  }
  waker_->Wake();
}

void WorkStream::Owe(size_t bytes) {
  MutexLock lock(&mutex_);
  owed_bytes_ += bytes;
}

void WorkStream::Settle(size_t bytes) {
  {
    MutexLock lock(&mutex_);
    owed_bytes_ -= bytes;
  }
  waker_->Wake();  // It may be read on.
}

bool WorkStream::TakesRequests() {
  MutexLock lock(&mutex_);
  return outgoing_bytes_ < kMaxUntakenBytes && owed_bytes_ < kMaxOwedBytes;
}

void WorkStream::OnRequest(internal::v1::WorkRequest& request) {
  if (request.has_hello() && !OnHello(request.hello())) return;
  if (worker_.empty()) {
    return waker_->Close(InvalidField("hello", "must come first: a worker says who it is"));
  }
  if (absl::Status counts = CheckCounts(request); !counts.ok()) return waker_->Close(counts);
  if (request.claims_size() > 0) OnClaims(request);
  if (request.renewals_size() > 0) OnRenewals(request);
  if (request.progress_size() > 0) OnProgress(request);
  if (request.outcomes_size() > 0) OnOutcomes(request);
}

bool WorkStream::OnHello(const internal::v1::Hello& hello) {
  absl::Status checked = Check(hello);
  if (checked.ok() && !worker_.empty() && hello.worker() != worker_) {
    checked = InvalidField("hello.worker",
                           "must stay what the stream's first Hello said; a worker "
                           "of another name opens a stream of its own");
  }
  if (!checked.ok()) {
    waker_->Close(checked);
    return false;
  }
  // Once: the store's thread reads it for what came after.
  if (worker_.empty()) {
    worker_ = hello.worker();
    log::Info("worker_connected", {{"worker", worker_},
                                   {"peer", peer_},
                                   {"slots", hello.slots()},
                                   {"version", hello.version()}});
  }
  {
    MutexLock lock(&announce_mutex_);
    types_.clear();
    for (const auto& type : hello.types()) types_.push_back({type.type(), type.queue(), {}});
  }
  const auto cancel = [weak = weak_from_this()](internal::v1::CancelNotice notice) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Send([&](internal::v1::WorkResponse& response) {
      *response.add_cancels() = std::move(notice);
      return size_t{2 * kIdBytes};
    });
  };
  const auto announce = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->Announce();
  };
  const auto offer = [weak = weak_from_this()](std::vector<internal::v1::Offer> offers) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Send([&](internal::v1::WorkResponse& response) {
      size_t bytes = 0;
      for (internal::v1::Offer& one : offers) {
        bytes += kIdBytes + one.type().size();
        *response.add_offers() = std::move(one);
      }
      return bytes;
    });
  };
  // Before the types: what a connected worker serves is in use.
  parts_.workers->Put(id_, hello, cancel, announce);
  parts_.slots->Put(id_, hello, !parts_.workers->ProblemOf(id_).empty(), offer);
  Announce();
  return true;
}

void WorkStream::Announce() {
  MutexLock lock(&announce_mutex_);
  internal::v1::HelloAnswer answer;
  const std::string problem = parts_.workers->ProblemOf(id_);
  if (!problem.empty()) answer.add_refusals()->set_message(problem);
  for (auto& refusal : parts_.types->Announce(types_)) {
    *answer.add_refusals() = std::move(refusal);
  }
  if (problem != problem_ && !problem.empty()) {
    LogRefusal("worker_takes_nothing", peer_, "hello", absl::FailedPreconditionError(problem));
  }
  problem_ = problem;
  std::string told = answer.SerializeAsString();
  if (told == hello_answer_) return;
  Send([&](internal::v1::WorkResponse& response) {
    *response.mutable_hello() = std::move(answer);
    return told.size();
  });
  hello_answer_ = std::move(told);
}

bool WorkStream::Passes(absl::string_view part, const absl::Status& checked) {
  if (checked.ok()) return true;
  ++refused_;
  LogRefusal("worker_message_refused", peer_, part, checked);
  return false;
}

void WorkStream::OnClaims(const internal::v1::WorkRequest& request) {
  std::vector<ClaimRequest> claims;
  std::vector<const internal::v1::Claim*> refused;
  for (const auto& claim : request.claims()) {
    if (!Passes("claims", Check(claim))) {
      refused.push_back(&claim);
      continue;
    }
    if (!BeginClaim(claim.claim_id())) continue;
    ClaimRequest& asked = claims.emplace_back();
    asked.job = *JobId::FromBytes(claim.job_id());
    asked.claim_id = claim.claim_id();
    asked.worker = worker_;
    asked.intent = ToIntent(claim.intent());
    // A worker of an older version may have a longer one.
    asked.grace =
        claim.has_grace() ? std::min(FromDuration(claim.grace()), kMaxGrace) : kDefaultGrace;
    if (claim.has_attempt_timeout()) asked.attempt_timeout = FromDuration(claim.attempt_timeout());
    if (claim.has_retry()) asked.retry = std::make_shared<const v1::RetryPolicy>(claim.retry());
    asked.max_attempts = claim.max_attempts();
  }
  if (!refused.empty()) {
    Send([&](internal::v1::WorkResponse& response) {
      for (const internal::v1::Claim* claim : refused) {
        auto* answer = response.add_claims();
        answer->set_claim_id(Echo(claim->claim_id()));
        answer->set_job_id(Echo(claim->job_id()));
        answer->mutable_gone();
      }
      return refused.size() * 3 * kIdBytes;
    });
  }
  if (claims.empty()) return;
  const size_t owed = claims.size() * kClaimBytes;
  Owe(owed);
  parts_.store->Claim(claims, [self = shared_from_this(), claims,
                               owed](absl::StatusOr<std::vector<ClaimResult>> results) {
    if (!results.ok()) {
      log::Warning("claims_not_answered",
                   {{"worker", self->worker_}, {"error", results.status().message()}});
      self->waker_->Close(absl::OkStatus());
      return;
    }
    const auto fill = [&](internal::v1::WorkResponse& response) {
      size_t bytes = 0;
      for (size_t i = 0; i < claims.size(); ++i) {
        auto* answer = response.add_claims();
        FillAnswer(claims[i], (*results)[i], answer);
        bytes += answer->ByteSizeLong();
        self->RepeatCancel(*answer, response);
      }
      return bytes;
    };
    self->EndClaims(claims);
    self->Send(fill, owed);
  });
}

bool WorkStream::BeginClaim(const std::string& claim_id) {
  MutexLock lock(&mutex_);
  return claiming_.insert(claim_id).second;
}

void WorkStream::EndClaims(const std::vector<ClaimRequest>& claims) {
  MutexLock lock(&mutex_);
  for (const ClaimRequest& claim : claims) claiming_.erase(claim.claim_id);
}

void WorkStream::RepeatCancel(const internal::v1::ClaimAnswer& answer,
                              internal::v1::WorkResponse& response) {
  if (!answer.has_granted()) return;
  const LeaseRef lease{*JobId::FromBytes(answer.job_id()), answer.granted().attempt(),
                       answer.granted().lease_id()};
  if (!parts_.leases->Renew(lease).cancel_requested) return;
  auto* notice = response.add_cancels();
  notice->set_job_id(answer.job_id());
  notice->set_attempt(lease.attempt);
}

void WorkStream::OnRenewals(const internal::v1::WorkRequest& request) {
  Send([&](internal::v1::WorkResponse& response) {
    for (const auto& renewal : request.renewals()) {
      LeaseMonitor::Renewal answer;
      if (Passes("renewals", Check(renewal))) answer = parts_.leases->Renew(ToLeaseRef(renewal));
      auto* status = response.add_leases();
      status->set_job_id(Echo(renewal.job_id()));
      status->set_attempt(renewal.attempt());
      status->set_held(answer.held);
      status->set_cancel_requested(answer.cancel_requested);
    }
    return static_cast<size_t>(request.renewals_size()) * 2 * kIdBytes;
  });
}

void WorkStream::OnProgress(internal::v1::WorkRequest& request) {
  std::vector<ProgressReport> reports;
  size_t owed = 0;
  for (auto& report : *request.mutable_progress()) {
    if (!Passes("progress", Check(report))) continue;
    Mend(&report);
    owed += report.ByteSizeLong();
    reports.push_back({ToLeaseRef(report), std::move(*report.mutable_progress())});
  }
  if (reports.empty()) return;
  Owe(owed);
  // Lost if the store is busy: the next report is newer anyway.
  parts_.store->ReportProgress(
      std::move(reports),
      [self = shared_from_this(), owed](const absl::StatusOr<bool>&) { self->Settle(owed); });
}

void WorkStream::OnOutcomes(internal::v1::WorkRequest& request) {
  std::vector<OutcomeReport> reports;
  std::vector<LeaseRef> leases;
  std::vector<const internal::v1::Outcome*> refused;
  size_t owed = 0;
  for (auto& outcome : *request.mutable_outcomes()) {
    if (!Passes("outcomes", Check(outcome))) {
      refused.push_back(&outcome);
      continue;
    }
    Mend(&outcome);
    owed += outcome.ByteSizeLong();
    OutcomeReport& report = reports.emplace_back();
    report.lease = ToLeaseRef(outcome);
    leases.push_back(report.lease);
    switch (outcome.outcome_case()) {
      case internal::v1::Outcome::kSuccess:
        report.kind = OutcomeReport::Kind::kSuccess;
        report.success = std::move(*outcome.mutable_success());
        break;
      case internal::v1::Outcome::kHandedBack:
        report.kind = OutcomeReport::Kind::kHandedBack;
        break;
      default:
        report.kind = OutcomeReport::Kind::kFailure;
        report.failure = std::move(*outcome.mutable_failure());
        break;
    }
  }
  if (!refused.empty()) {
    Send([&](internal::v1::WorkResponse& response) {
      for (const internal::v1::Outcome* outcome : refused) {
        auto* answer = response.add_outcomes();
        answer->set_job_id(Echo(outcome->job_id()));
        answer->set_attempt(outcome->attempt());
      }
      return refused.size() * 2 * kIdBytes;
    });
  }
  if (reports.empty()) return;
  Owe(owed);
  parts_.store->Finish(
      std::move(reports), [self = shared_from_this(), leases = std::move(leases),
                           owed](const absl::StatusOr<std::vector<bool>>& accepted) {
        if (!accepted.ok()) {
          log::Warning("outcomes_not_answered",
                       {{"worker", self->worker_}, {"error", accepted.status().message()}});
          self->waker_->Close(absl::OkStatus());
          return;
        }
        const auto fill = [&](internal::v1::WorkResponse& response) {
          for (size_t i = 0; i < leases.size(); ++i) {
            auto* answer = response.add_outcomes();
            answer->set_job_id(std::string(leases[i].job.bytes()));
            answer->set_attempt(leases[i].attempt);
            answer->set_accepted((*accepted)[i]);
          }
          return leases.size() * 2 * kIdBytes;
        };
        self->Send(fill, owed);
      });
}

bool WorkStream::NextResponse(internal::v1::WorkResponse* response) {
  MutexLock lock(&mutex_);
  if (!has_outgoing_) return false;
  // Granted payloads may be large: as many as fit, the rest with the next message.
  google::protobuf::RepeatedPtrField<internal::v1::ClaimAnswer> claims;
  claims.Swap(outgoing_.mutable_claims());
  response->Swap(&outgoing_);
  outgoing_.Clear();
  outgoing_bytes_ = 0;
  size_t bytes = 0;
  for (auto& claim : claims) {
    const size_t size = claim.ByteSizeLong();
    bytes += size;
    const bool fits = bytes <= kAnswerCutBytes || response->claims().empty();
    if (!fits) outgoing_bytes_ += size;
    *(fits ? response : &outgoing_)->add_claims() = std::move(claim);
  }
  has_outgoing_ = outgoing_.claims_size() > 0;
  if (has_outgoing_) HoldBackCancels(*response);
  return true;
}

void WorkStream::HoldBackCancels(internal::v1::WorkResponse& response) {
  absl::flat_hash_set<std::string> unknown;
  for (const auto& claim : outgoing_.claims()) unknown.insert(claim.job_id());
  google::protobuf::RepeatedPtrField<internal::v1::CancelNotice> cancels;
  cancels.Swap(response.mutable_cancels());
  for (auto& notice : cancels) {
    auto& target = unknown.contains(notice.job_id()) ? outgoing_ : response;
    *target.add_cancels() = std::move(notice);
  }
}

void WorkStream::OnClosed() {
  parts_.workers->Remove(id_);
  parts_.slots->Remove(id_);
  if (worker_.empty()) return;
  log::Info("worker_disconnected", {{"worker", worker_}, {"peer", peer_}, {"refused", refused_}});
}

}  // namespace buzzer::state

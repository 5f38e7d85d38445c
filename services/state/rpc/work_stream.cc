// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/work_stream.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "common/limits/limits.h"
#include "common/log/log.h"
#include "common/utf8/utf8.h"

namespace buzzer::state {
namespace {

// A message to a worker carries at most this many bytes of payloads, well below the
// 16 MiB that its channel takes.
constexpr size_t kMaxMessageBytes = 4 << 20;

// A renewal, a progress report or an outcome.
template <typename Message>
LeaseRef ToLeaseRef(const Message& message) {
  return {JobId::FromBytes(message.job_id()).value_or(JobId()), message.attempt(),
          message.lease_id()};
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
  using Returned = internal::v1::Returned;
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

void Cut(std::string* text, size_t limit) { text->resize(Utf8Prefix(*text, limit).size()); }

}  // namespace

WorkStream::WorkStream(Parts parts, int64_t id, std::string peer,
                       std::shared_ptr<StreamWaker> waker)
    : parts_(parts), id_(id), peer_(std::move(peer)), waker_(std::move(waker)) {}

template <typename Fill>
void WorkStream::Send(Fill fill) {
  {
    MutexLock lock(&mutex_);
    fill(outgoing_);
    has_outgoing_ = true;
  }
  waker_->Wake();
}

void WorkStream::OnRequest(internal::v1::WorkRequest& request) {
  if (request.has_hello()) OnHello(request.hello());
  if (request.claims_size() > 0) OnClaims(request);
  if (request.renewals_size() > 0) OnRenewals(request);
  if (request.progress_size() > 0) OnProgress(request);
  if (request.outcomes_size() > 0) OnOutcomes(request);
}

void WorkStream::OnHello(const internal::v1::Hello& hello) {
  if (worker_.empty()) {
    log::Info("worker_connected",
              {{"worker", hello.worker()}, {"peer", peer_}, {"slots", hello.slots()}});
  }
  // Once: the store's thread reads it for what came after.
  if (worker_.empty()) worker_ = hello.worker();
  std::vector<TypeRecord> types;
  for (const auto& type : hello.types()) types.push_back({type.type(), type.queue(), {}});
  parts_.types->Announce(types);
  parts_.workers->Put(id_, hello, [weak = weak_from_this()](internal::v1::CancelNotice notice) {
    const auto self = weak.lock();
    if (self == nullptr) return;
    self->Send(
        [&](internal::v1::WorkResponse& response) { *response.add_cancels() = std::move(notice); });
  });
}

void WorkStream::OnClaims(const internal::v1::WorkRequest& request) {
  std::vector<ClaimRequest> claims;
  for (const auto& claim : request.claims()) {
    ClaimRequest& asked = claims.emplace_back();
    asked.job = JobId::FromBytes(claim.job_id()).value_or(JobId());
    asked.claim_id = claim.claim_id();
    asked.worker = worker_;
    asked.intent = ToIntent(claim.intent());
    asked.grace = claim.has_grace() ? FromDuration(claim.grace()) : kDefaultGrace;
    if (claim.has_attempt_timeout()) asked.attempt_timeout = FromDuration(claim.attempt_timeout());
  }
  parts_.store->Claim(claims, [self = shared_from_this(),
                               claims](absl::StatusOr<std::vector<ClaimResult>> results) {
    if (!results.ok()) {
      log::Warning("claims_not_answered",
                   {{"worker", self->worker_}, {"error", results.status().message()}});
      self->waker_->Close();
      return;
    }
    self->Send([&](internal::v1::WorkResponse& response) {
      for (size_t i = 0; i < claims.size(); ++i) {
        auto* answer = response.add_claims();
        FillAnswer(claims[i], (*results)[i], answer);
        self->RepeatCancel(*answer, response);
      }
    });
  });
}

void WorkStream::RepeatCancel(const internal::v1::ClaimAnswer& answer,
                              internal::v1::WorkResponse& response) {
  if (!answer.has_granted()) return;
  const LeaseRef lease{JobId::FromBytes(answer.job_id()).value_or(JobId()),
                       answer.granted().attempt(), answer.granted().lease_id()};
  if (!parts_.leases->Renew(lease).cancel_requested) return;
  auto* notice = response.add_cancels();
  notice->set_job_id(answer.job_id());
  notice->set_attempt(lease.attempt);
}

void WorkStream::OnRenewals(const internal::v1::WorkRequest& request) {
  Send([&](internal::v1::WorkResponse& response) {
    for (const auto& renewal : request.renewals()) {
      const LeaseMonitor::Renewal answer = parts_.leases->Renew(ToLeaseRef(renewal));
      auto* status = response.add_leases();
      status->set_job_id(renewal.job_id());
      status->set_attempt(renewal.attempt());
      status->set_held(answer.held);
      status->set_cancel_requested(answer.cancel_requested);
    }
  });
}

void WorkStream::OnProgress(internal::v1::WorkRequest& request) {
  std::vector<ProgressReport> reports;
  for (auto& report : *request.mutable_progress()) {
    Cut(report.mutable_progress()->mutable_message(), kMaxProgressMessageBytes);
    reports.push_back({ToLeaseRef(report), std::move(*report.mutable_progress())});
  }
  // Lost if the store is busy: the next report is newer anyway.
  parts_.store->ReportProgress(std::move(reports), [](absl::StatusOr<bool>) {});
}

void WorkStream::OnOutcomes(internal::v1::WorkRequest& request) {
  std::vector<OutcomeReport> reports;
  std::vector<LeaseRef> leases;
  for (auto& outcome : *request.mutable_outcomes()) {
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
        Cut(report.failure.mutable_message(), kMaxErrorMessageBytes);
        Cut(report.failure.mutable_detail(), kMaxErrorDetailBytes);
        break;
    }
    if (report.kind == OutcomeReport::Kind::kSuccess &&
        report.success.result().size() > kMaxResultBytes) {
      report.kind = OutcomeReport::Kind::kFailure;
      report.failure.set_reason("RESULT_TOO_LARGE");
      report.failure.set_message("the result is larger than the limit of 2 MiB");
      report.success.Clear();
    }
  }
  parts_.store->Finish(std::move(reports), [self = shared_from_this(), leases = std::move(leases)](
                                               const absl::StatusOr<std::vector<bool>>& accepted) {
    if (!accepted.ok()) {
      log::Warning("outcomes_not_answered",
                   {{"worker", self->worker_}, {"error", accepted.status().message()}});
      self->waker_->Close();
      return;
    }
    self->Send([&](internal::v1::WorkResponse& response) {
      for (size_t i = 0; i < leases.size(); ++i) {
        auto* answer = response.add_outcomes();
        answer->set_job_id(std::string(leases[i].job.bytes()));
        answer->set_attempt(leases[i].attempt);
        answer->set_accepted((*accepted)[i]);
      }
    });
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
  size_t bytes = 0;
  for (auto& claim : claims) {
    bytes += claim.ByteSizeLong();
    auto* target = bytes <= kMaxMessageBytes || response->claims().empty() ? response : &outgoing_;
    *target->add_claims() = std::move(claim);
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
  log::Info("worker_disconnected", {{"worker", worker_}, {"peer", peer_}});
}

}  // namespace buzzer::state

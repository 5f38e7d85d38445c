// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/blocking_store.h"

#include <gtest/gtest.h>

namespace buzzer::state {

using buzzer::testing::Await;

internal::v1::NewJob MakeNewJob(absl::Time now) {
  internal::v1::NewJob job;
  job.set_id(std::string(JobId::Make(now).bytes()));
  job.set_tenant(BlockingStore::kTenant);
  job.set_type("demo.echo");
  job.set_queue("demo.echo");
  job.set_priority(v1::Job::NORMAL);
  job.set_payload(R"({"n":1})");
  job.set_payload_content_type("application/json");
  job.set_payload_is_json(true);
  job.set_max_attempts(5);
  return job;
}

absl::StatusOr<JobRecord> BlockingStore::Submit(internal::v1::NewJob job) const {
  auto answers = Await<JobStore::Each<JobRecord>>([&](const auto& done) {
    std::vector<internal::v1::NewJob> jobs;
    jobs.push_back(std::move(job));
    store_->Submit(std::move(jobs), done);
  });
  if (!answers.ok()) return answers.status();
  return answers->front();
}

JobRecord BlockingStore::MustSubmit(internal::v1::NewJob job) const {
  auto stored = Submit(std::move(job));
  EXPECT_TRUE(stored.ok()) << stored.status();
  return stored.ok() ? *stored : JobRecord();
}

ClaimResult BlockingStore::Claim(const ClaimRequest& claim) const {
  auto results =
      Await<std::vector<ClaimResult>>([&](const auto& done) { store_->Claim({claim}, done); });
  EXPECT_TRUE(results.ok()) << results.status();
  return results.ok() ? results->front() : ClaimResult();
}

ClaimResult BlockingStore::Claim(const JobId& job) const {
  ClaimRequest claim;
  claim.job = job;
  claim.claim_id = RandomBytes(16);
  claim.worker = "worker-1";
  return Claim(claim);
}

LeaseRef BlockingStore::MustClaim(const JobId& job) const {
  const ClaimResult result = Claim(job);
  EXPECT_EQ(result.answer, ClaimAnswer::kGranted);
  if (!result.granted.has_value()) return {job, 0, ""};
  return {job, result.granted->attempt(), result.granted->lease_id()};
}

bool BlockingStore::Finish(OutcomeReport outcome) const {
  auto accepted = Await<std::vector<bool>>([&](const auto& done) {
    std::vector<OutcomeReport> outcomes;
    outcomes.push_back(std::move(outcome));
    store_->Finish(std::move(outcomes), done);
  });
  EXPECT_TRUE(accepted.ok()) << accepted.status();
  return accepted.ok() && accepted->front();
}

bool BlockingStore::Succeed(const LeaseRef& lease, const std::string& result) const {
  OutcomeReport outcome;
  outcome.lease = lease;
  outcome.success.set_content_type("text/plain");
  outcome.success.set_result(result);
  return Finish(std::move(outcome));
}

bool BlockingStore::Fail(const LeaseRef& lease, bool retryable) const {
  v1::JobError error;
  error.set_reason("HANDLER_FAILED");
  error.set_retryable(retryable);
  return Fail(lease, std::move(error));
}

bool BlockingStore::Fail(const LeaseRef& lease, v1::JobError error) const {
  OutcomeReport outcome;
  outcome.lease = lease;
  outcome.kind = OutcomeReport::Kind::kFailure;
  outcome.failure = std::move(error);
  return Finish(std::move(outcome));
}

bool BlockingStore::HandBack(const LeaseRef& lease) const {
  OutcomeReport outcome;
  outcome.lease = lease;
  outcome.kind = OutcomeReport::Kind::kHandedBack;
  return Finish(std::move(outcome));
}

void BlockingStore::Report(const LeaseRef& lease, double fraction, const std::string& data) const {
  ProgressReport report{lease, {}};
  report.progress.set_fraction(fraction);
  if (!data.empty()) report.progress.mutable_data()->set_string_value(data);
  EXPECT_TRUE(Await<bool>([&](const auto& done) {
                store_->ReportProgress({std::move(report)}, done);
              }).ok());
}

void BlockingStore::LoseLease(const LeaseRef& lease, LossCause cause) const {
  EXPECT_TRUE(Await<bool>([&](const auto& done) {
                store_->LoseLeases({{lease, cause}}, done);
              }).ok());
}

absl::StatusOr<JobRecord> BlockingStore::Cancel(const JobId& job, bool force) const {
  return Await<JobRecord>([&](const auto& done) { store_->Cancel(kTenant, job, force, done); });
}

absl::StatusOr<JobRecord> BlockingStore::Retry(const JobId& job) const {
  return Await<JobRecord>([&](const auto& done) { store_->Retry(kTenant, job, done); });
}

absl::Status BlockingStore::Delete(const JobId& job) const {
  return Await<bool>([&](const auto& done) { store_->Delete(kTenant, job, done); }).status();
}

absl::Status BlockingStore::ReleaseKey(const std::string& key) const {
  return Await<bool>([&](const auto& done) { store_->ReleaseKey(kTenant, key, done); }).status();
}

JobStore::TimerResult BlockingStore::RunTimers(int limit) const {
  auto result =
      Await<JobStore::TimerResult>([&](const auto& done) { store_->RunTimers(limit, done); });
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(JobStore::TimerResult());
}

void BlockingStore::ShiftRetries(absl::Duration step) const {
  EXPECT_TRUE(Await<bool>([&](const auto& done) { store_->ShiftRetries(step, done); }).ok());
}

void BlockingStore::SetPaused(const std::string& queue, bool paused) const {
  EXPECT_TRUE(Await<bool>([&](const auto& done) { store_->SetPaused(queue, paused, done); }).ok());
}

absl::StatusOr<JobRecord> BlockingStore::Get(const JobId& job) const {
  return Await<JobRecord>([&](const auto& done) { store_->Get(kTenant, job, done); });
}

JobRecord BlockingStore::MustGet(const JobId& job) const {
  auto found = Get(job);
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() ? *found : JobRecord();
}

absl::StatusOr<FullJob> BlockingStore::GetFull(const JobId& job) const {
  return Await<FullJob>([&](const auto& done) { store_->GetFull(kTenant, job, done); });
}

std::vector<OutboxEntry> BlockingStore::ReadOutbox(const Lane& lane, int64_t after,
                                                   int limit) const {
  auto entries = Await<std::vector<OutboxEntry>>(
      [&](const auto& done) { store_->ReadOutbox(lane, after, limit, done); });
  EXPECT_TRUE(entries.ok()) << entries.status();
  return entries.value_or(std::vector<OutboxEntry>());
}

std::vector<JobId> BlockingStore::Outbox(const std::string& queue) const {
  std::vector<JobId> ids;
  for (const OutboxEntry& entry : ReadOutbox({queue, v1::Job::NORMAL})) ids.push_back(entry.job);
  return ids;
}

ListPage BlockingStore::List(ListQuery query) const {
  if (query.tenant.empty()) query.tenant = kTenant;
  auto page = Await<ListPage>([&](const auto& done) { store_->List(std::move(query), done); });
  EXPECT_TRUE(page.ok()) << page.status();
  return page.value_or(ListPage());
}

std::vector<QueueCounts> BlockingStore::Counts() const {
  auto counts =
      Await<std::vector<QueueCounts>>([&](const auto& done) { store_->ReadCounts(done); });
  EXPECT_TRUE(counts.ok()) << counts.status();
  return counts.value_or(std::vector<QueueCounts>());
}

int64_t BlockingStore::Count(JobState job_state, const std::string& queue) const {
  for (const QueueCounts& row : Counts()) {
    if (row.queue == queue && row.tenant == kTenant) return row.by_state[job_state];
  }
  return 0;
}

std::vector<std::string> Causes(const std::vector<HistoryEntry>& history) {
  std::vector<std::string> causes;
  causes.reserve(history.size());
  for (const HistoryEntry& entry : history) causes.emplace_back(CauseName(entry.cause));
  return causes;
}

}  // namespace buzzer::state

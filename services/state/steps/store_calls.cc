// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/store_calls.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"

namespace buzzer::state {
namespace {

// What errors a result that is not there has.
absl::StatusOr<StoredResult> ResultOf(FoundResult found) {
  const JobRecord& job = found.job;
  switch (job.state) {
    case v1::Job::SUCCEEDED:
      return std::move(found.result);
    case v1::Job::FAILED:
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_FAILED",
                          absl::StrCat("the job failed and has no result: ",
                                       job.error ? job.error->reason() : "", ": ",
                                       job.error ? job.error->message() : ""))
          .Build();
    case v1::Job::CANCELLED:
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_CANCELLED",
                          "the job was cancelled and has no result")
          .Build();
    default:
      return ErrorBuilder(absl::StatusCode::kNotFound, "RESULT_NOT_READY",
                          absl::StrCat("the job is ", v1::Job::State_Name(job.state),
                                       "; its result comes when it has SUCCEEDED"))
          .RetryAfter(absl::Seconds(1))
          .Build();
  }
}

StepNeeds NeedsOf(const std::vector<internal::v1::NewJob>& jobs) {
  StepNeeds needs;
  needs.jobs.reserve(jobs.size());
  for (const auto& job : jobs) {
    if (const auto id = JobId::FromBytes(job.id())) needs.jobs.push_back(*id);
    if (!job.idempotency_key().empty()) {
      needs.keys.push_back({job.tenant(), job.idempotency_key()});
    }
  }
  return needs;
}

// Of claims, outcomes and so on: of what `job_of` gives.
template <typename T, typename JobOf>
StepNeeds NeedsOf(const std::vector<T>& items, JobOf job_of) {
  StepNeeds needs;
  needs.jobs.reserve(items.size());
  for (const T& item : items) needs.jobs.push_back(job_of(item));
  return needs;
}

template <typename T>
JobStore::Callback<absl::StatusOr<T>> Flatten(JobStore::Callback<T> done) {
  return [done = std::move(done)](absl::StatusOr<absl::StatusOr<T>> result) mutable {
    if (result.ok()) {
      done(*std::move(result));
    } else {
      done(result.status());
    }
  };
}

}  // namespace

template <typename T, typename Apply>
void StoreCalls::Write(int writes, StepNeeds needs, Apply apply, Callback<T> done) {
  // std::function must be copyable, what it carries need not be.
  struct Call {
    Apply apply;
    Callback<T> done;
    std::optional<T> result;
  };
  auto call = std::make_shared<Call>(Call{std::move(apply), std::move(done), std::nullopt});
  PendingWrite pending;
  pending.writes = std::max(writes, 1);
  pending.needs = std::move(needs);
  pending.apply = [call](JobSteps& steps) { call->result.emplace(call->apply(steps)); };
  pending.done = [call](const absl::Status& status) {
    if (status.ok()) {
      call->done(*std::move(call->result));
    } else {
      call->done(status);
    }
  };
  Enqueue(std::move(pending));
}

template <typename T, typename Query>
void StoreCalls::Read(Query query, Callback<T> done) {
  struct Call {
    Query query;
    Callback<T> done;
  };
  auto call = std::make_shared<Call>(Call{std::move(query), std::move(done)});
  PendingRead pending;
  pending.run = [call](JobQueries& queries) { call->done(call->query(queries)); };
  pending.refuse = [call](const absl::Status& status) { call->done(status); };
  Enqueue(std::move(pending));
}

void StoreCalls::Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) {
  StepNeeds needs = NeedsOf(jobs);
  const int count = static_cast<int>(jobs.size());
  Write<Each<JobRecord>>(
      count, std::move(needs),
      [jobs = std::move(jobs)](JobSteps& steps) mutable {
        Each<JobRecord> results;
        results.reserve(jobs.size());
        for (auto& job : jobs) results.push_back(steps.Submit(std::move(job)));
        return results;
      },
      std::move(done));
}

void StoreCalls::Claim(std::vector<ClaimRequest> claims, Callback<std::vector<ClaimResult>> done) {
  StepNeeds needs = NeedsOf(claims, [](const ClaimRequest& claim) { return claim.job; });
  const int count = static_cast<int>(claims.size());
  Write<std::vector<ClaimResult>>(
      count, std::move(needs),
      [claims = std::move(claims)](JobSteps& steps) {
        std::vector<ClaimResult> results;
        results.reserve(claims.size());
        for (const auto& claim : claims) results.push_back(steps.Claim(claim));
        return results;
      },
      std::move(done));
}

void StoreCalls::Finish(std::vector<OutcomeReport> outcomes, Callback<std::vector<bool>> done) {
  StepNeeds needs =
      NeedsOf(outcomes, [](const OutcomeReport& outcome) { return outcome.lease.job; });
  const int count = static_cast<int>(outcomes.size());
  Write<std::vector<bool>>(
      count, std::move(needs),
      [outcomes = std::move(outcomes)](JobSteps& steps) {
        std::vector<bool> results;
        results.reserve(outcomes.size());
        for (const auto& outcome : outcomes) results.push_back(steps.Finish(outcome));
        return results;
      },
      std::move(done));
}

void StoreCalls::ReportProgress(std::vector<ProgressReport> reports, Callback<bool> done) {
  StepNeeds needs = NeedsOf(reports, [](const ProgressReport& report) { return report.lease.job; });
  const int count = static_cast<int>(reports.size());
  Write<bool>(
      count, std::move(needs),
      [reports = std::move(reports)](JobSteps& steps) {
        for (const auto& report : reports) steps.ReportProgress(report);
        return true;
      },
      std::move(done));
}

void StoreCalls::LoseLeases(std::vector<LeaseLoss> losses, Callback<bool> done) {
  StepNeeds needs = NeedsOf(losses, [](const LeaseLoss& loss) { return loss.lease.job; });
  const int count = static_cast<int>(losses.size());
  Write<bool>(
      count, std::move(needs),
      [losses = std::move(losses)](JobSteps& steps) {
        for (const auto& loss : losses) steps.LoseLease(loss);
        return true;
      },
      std::move(done));
}

void StoreCalls::Cancel(std::string tenant, JobId job, bool force, Callback<JobRecord> done) {
  Write<absl::StatusOr<JobRecord>>(
      1, {{job}, {}},
      [tenant = std::move(tenant), job, force](JobSteps& steps) {
        return steps.Cancel(tenant, job, force);
      },
      Flatten<JobRecord>(std::move(done)));
}

void StoreCalls::Retry(std::string tenant, JobId job, Callback<JobRecord> done) {
  Write<absl::StatusOr<JobRecord>>(
      1, {{job}, {}},
      [tenant = std::move(tenant), job](JobSteps& steps) { return steps.Retry(tenant, job); },
      Flatten<JobRecord>(std::move(done)));
}

void StoreCalls::Delete(std::string tenant, JobId job, Callback<bool> done) {
  Write<absl::StatusOr<bool>>(
      1, {{job}, {}},
      [tenant = std::move(tenant), job](JobSteps& steps) -> absl::StatusOr<bool> {
        absl::Status deleted = steps.Delete(tenant, job);
        if (!deleted.ok()) return deleted;
        return true;
      },
      Flatten<bool>(std::move(done)));
}

void StoreCalls::ReleaseKey(std::string tenant, std::string key, Callback<bool> done) {
  Write<absl::StatusOr<bool>>(
      1, {},
      [tenant = std::move(tenant), key = std::move(key)](JobSteps& steps) -> absl::StatusOr<bool> {
        absl::Status released = steps.ReleaseKey(tenant, key);
        if (!released.ok()) return released;
        return true;
      },
      Flatten<bool>(std::move(done)));
}

void StoreCalls::RunTimers(int limit, Callback<TimerResult> done) {
  Write<TimerResult>(
      1, {}, [limit](JobSteps& steps) { return steps.RunTimers(limit); }, std::move(done));
}

void StoreCalls::ShiftRetries(absl::Duration step, Callback<bool> done) {
  Write<bool>(
      1, {},
      [step](JobSteps& steps) {
        steps.ShiftRetries(step);
        return true;
      },
      std::move(done));
}

void StoreCalls::SetPaused(std::string queue, bool paused, Callback<bool> done) {
  Write<bool>(
      1, {},
      [queue = std::move(queue), paused](JobSteps& steps) {
        steps.SetPaused(queue, paused);
        return true;
      },
      std::move(done));
}

void StoreCalls::SaveTypes(std::vector<TypeRecord> types, Callback<bool> done) {
  Write<bool>(
      1, {},
      [types = std::move(types)](JobSteps& steps) {
        for (const auto& type : types) steps.SaveType(type);
        return true;
      },
      std::move(done));
}

void StoreCalls::Get(std::string tenant, JobId job, Callback<JobRecord> done) {
  Read<JobRecord>(
      [tenant = std::move(tenant), job](JobQueries& queries) { return queries.Get(tenant, job); },
      std::move(done));
}

void StoreCalls::GetFull(std::string tenant, JobId job, Callback<FullJob> done) {
  Read<FullJob>([tenant = std::move(tenant),
                 job](JobQueries& queries) { return queries.GetFull(tenant, job); },
                std::move(done));
}

void StoreCalls::GetForWatch(std::string tenant, JobId job, int64_t after_revision,
                             Callback<WatchStart> done) {
  Read<WatchStart>(
      [tenant = std::move(tenant), job, after_revision](JobQueries& queries) {
        return queries.GetForWatch(tenant, job, after_revision);
      },
      std::move(done));
}

void StoreCalls::GetResult(std::string tenant, JobId job, Callback<StoredResult> done) {
  Read<StoredResult>(
      [tenant = std::move(tenant), job](JobQueries& queries) -> absl::StatusOr<StoredResult> {
        auto found = queries.GetResult(tenant, job);
        if (!found.ok()) return found.status();
        return ResultOf(*std::move(found));
      },
      std::move(done));
}

void StoreCalls::List(ListQuery query, Callback<ListPage> done) {
  Read<ListPage>([query = std::move(query)](JobQueries& queries) { return queries.List(query); },
                 std::move(done));
}

void StoreCalls::ReadOutbox(Lane lane, int64_t after, int limit,
                            Callback<std::vector<OutboxEntry>> done) {
  Read<std::vector<OutboxEntry>>(
      [lane = std::move(lane), after, limit](JobQueries& queries) {
        return queries.ReadOutbox(lane, after, limit);
      },
      std::move(done));
}

void StoreCalls::ReadActive(Callback<std::vector<JobRecord>> done) {
  Read<std::vector<JobRecord>>([](JobQueries& queries) { return queries.ReadActive(); },
                               std::move(done));
}

void StoreCalls::ReadTypes(Callback<std::vector<TypeRecord>> done) {
  Read<std::vector<TypeRecord>>([](JobQueries& queries) { return queries.ReadTypes(); },
                                std::move(done));
}

void StoreCalls::ReadPausedQueues(Callback<std::vector<std::string>> done) {
  Read<std::vector<std::string>>([](JobQueries& queries) { return queries.ReadPausedQueues(); },
                                 std::move(done));
}

void StoreCalls::ReadOldestReady(std::vector<std::string> queues,
                                 Callback<std::vector<std::optional<absl::Time>>> done) {
  Read<std::vector<std::optional<absl::Time>>>(
      [queues = std::move(queues)](JobQueries& queries) { return queries.ReadOldestReady(queues); },
      std::move(done));
}

}  // namespace buzzer::state

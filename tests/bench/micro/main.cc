// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-micro: what the functions cost that every job passes. The flags are google-benchmark's.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "buzzer/internal/v1/dispatch.pb.h"
#include "buzzer/v1/job_service.pb.h"
#include "common/job_id/job_id.h"
#include "services/frontend/submit_bytes.h"
#include "services/state/dispatch/lanes/dispatch_lane.h"
#include "services/state/open_store.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/wait_reasons.h"
#include "services/state/queues/worker_registry.h"
#include "services/worker/intake/queue_lane.h"
#include "tests/support/await.h"
#include "tests/support/temporary_directory.h"

namespace buzzer {
namespace {

void MakesAJobId(benchmark::State& state) {
  const absl::Time now = absl::Now();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(JobId::Make(now));
}
BENCHMARK(MakesAJobId);

void WritesAJobIdAsText(benchmark::State& state) {
  const JobId id = JobId::Make(absl::Now());
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(id.ToString());
}
BENCHMARK(WritesAJobIdAsText);

// A job becomes ready, goes out, is confirmed and claimed.
void PassesAJobThroughTheDispatchLane(benchmark::State& state) {
  state::DispatchLane lane;
  for (const auto& request : lane.NextReads(absl::ZeroDuration())) {
    lane.OnRead(request, std::vector<state::OutboxEntry>{});
  }
  int64_t position = 0;
  for ([[maybe_unused]] auto _ : state) {
    const state::OutboxEntry entry{++position, JobId::Make(absl::Now()), "demo.echo", {}};
    lane.OnQueued(entry);
    benchmark::DoNotOptimize(lane.TakeReady(absl::ZeroDuration()));
    lane.OnConfirmed(entry.type, entry.job);
    lane.OnLeft(entry, true, absl::ZeroDuration());
  }
}
BENCHMARK(PassesAJobThroughTheDispatchLane);

// A message of so many jobs at the worker; the time is of the whole message.
void TakesAMessageApart(benchmark::State& state) {
  worker::Config config;
  config.slots = 1;
  worker::HandlerConfig handler;
  handler.type = "demo.echo";
  handler.queue = "demo.echo";
  handler.concurrency = 1;
  config.handlers.push_back(handler);
  const worker::Slots slots(config);
  worker::QueueLane lane("buzzer", "demo.echo");
  lane.Opened(1, 1, -absl::InfiniteDuration());
  internal::v1::DispatchMessage body;
  for (int64_t i = 0; i < state.range(0); ++i) {
    auto* job = body.add_jobs();
    job->set_job_id(std::string(JobId::Make(absl::Now()).bytes()));
    job->set_type("demo.echo");
  }
  const amqp::Delivery delivery{1, 1, "buzzer.demo.echo.normal", body.SerializeAsString(), false};
  for ([[maybe_unused]] auto _ : state) {
    lane.Add(delivery, absl::ZeroDuration());
    while (lane.Take(slots, absl::ZeroDuration()).has_value()) {
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(TakesAMessageApart)->Arg(1)->Arg(100);

// What a submit's bytes are looked at for before they are parsed, and the parsing beside it.
std::string SubmitBytes() {
  v1::SubmitJobRequest request;
  request.set_type("demo.echo");
  (*request.mutable_payload()->mutable_struct_value()->mutable_fields())["x"].set_number_value(1);
  return request.SerializeAsString();
}

void ChecksTheBytesOfASubmit(benchmark::State& state) {
  const std::string bytes = SubmitBytes();
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(frontend::CheckSubmitBytes(bytes));
}
BENCHMARK(ChecksTheBytesOfASubmit);

void ParsesASubmit(benchmark::State& state) {
  const std::string bytes = SubmitBytes();
  for ([[maybe_unused]] auto _ : state) {
    v1::SubmitJobRequest request;
    benchmark::DoNotOptimize(request.ParseFromString(bytes));
  }
}
BENCHMARK(ParsesASubmit);

std::vector<internal::v1::NewJob> NewJobs(int64_t count) {
  std::vector<internal::v1::NewJob> jobs(static_cast<size_t>(count));
  for (auto& job : jobs) {
    job.set_id(std::string(JobId::Make(absl::Now()).bytes()));
    job.set_tenant("default");
    job.set_type("demo.echo");
    job.set_queue("demo.echo");
    job.set_payload("{\"x\":1}");
  }
  return jobs;
}

// What each answer to a submit says beside the job: 100 workers with ten types each.
void LooksUpWhyAJobWaits(benchmark::State& state) {
  const testing::TemporaryDirectory directory;
  state::JobStoreOptions options;
  auto store = state::OpenSqliteJobStore(directory.path(), std::move(options));
  if (!store.ok()) {
    state.SkipWithError(std::string(store.status().message()).c_str());
    return;
  }
  const state::TypeRegistry types(store->get(), Clock::Real(), [](const std::string&) {});
  state::WorkerRegistry workers;
  state::JobRecord job;
  job.state = v1::Job::QUEUED;
  for (int64_t stream = 0; stream < 100; ++stream) {
    internal::v1::Hello hello;
    hello.set_worker(std::to_string(stream));
    for (int64_t type = 0; type < 10; ++type) {
      job.queue = "images.of.team." + std::to_string((stream + type) % 200);
      hello.add_types()->set_type(job.queue);
      hello.mutable_types()->rbegin()->set_queue(job.queue);
    }
    workers.Put(stream, hello, [](const internal::v1::CancelNotice&) {});
  }
  internal::v1::NewJob spec;
  spec.set_type(job.queue);
  job.spec = std::make_shared<const internal::v1::NewJob>(spec);
  const state::WaitReasons waits(&types, &workers);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(waits.Of(job));
}
BENCHMARK(LooksUpWhyAJobWaits);

// So many jobs submitted, claimed and ended, each in one transaction, synced to the disk of the
// temporary directory. The CPU time is the process's: the disk is not waited for in it.
void PassesJobsThroughTheStore(benchmark::State& state) {
  const testing::TemporaryDirectory directory;
  state::JobStoreOptions options;
  auto store = state::OpenSqliteJobStore(directory.path(), std::move(options));
  if (!store.ok()) {
    state.SkipWithError(std::string(store.status().message()).c_str());
    return;
  }
  using Stored = std::vector<absl::StatusOr<state::JobRecord>>;
  using Claimed = std::vector<state::ClaimResult>;
  for ([[maybe_unused]] auto _ : state) {
    const auto stored = testing::Await<Stored>(
        [&](const auto& done) { (*store)->Submit(NewJobs(state.range(0)), done); });
    std::vector<state::ClaimRequest> claims;
    for (const auto& job : *stored) {
      auto& claim = claims.emplace_back();
      claim.job = job->id;
      claim.claim_id = RandomBytes(16);
      claim.worker = "a-worker-of-some-pod-7c9f";
    }
    const auto claimed =
        testing::Await<Claimed>([&](const auto& done) { (*store)->Claim(claims, done); });
    std::vector<state::OutcomeReport> outcomes;
    for (size_t i = 0; i < claimed->size(); ++i) {
      auto& outcome = outcomes.emplace_back();
      outcome.lease = {claims[i].job, (*claimed)[i].granted->attempt(),
                       (*claimed)[i].granted->lease_id()};
      outcome.success.set_content_type("application/json");
      outcome.success.set_result("{\"x\":1}");
    }
    const auto ended = testing::Await<std::vector<bool>>(
        [&](const auto& done) { (*store)->Finish(std::move(outcomes), done); });
    benchmark::DoNotOptimize(ended.ok());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PassesJobsThroughTheStore)->Arg(1)->Arg(10)->Arg(100)->MeasureProcessCPUTime();

}  // namespace
}  // namespace buzzer

BENCHMARK_MAIN();

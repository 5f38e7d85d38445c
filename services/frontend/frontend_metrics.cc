// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/frontend_metrics.h"

#include <string>

namespace buzzer::frontend {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

constexpr std::array<const char*, kMethods> kMethodNames = {
    "SubmitJob",   "BatchSubmitJobs",       "GetJob",       "ListJobs",   "WaitJob",
    "WatchJob",    "StreamJobEvents",       "GetJobResult", "CancelJob",  "RetryJob",
    "DeleteJob",   "ReleaseIdempotencyKey", "GetQueue",     "ListQueues", "PauseQueue",
    "ResumeQueue", "DeleteQueue",           "DeleteType"};

bool IsUnary(size_t method) {
  return method != static_cast<size_t>(Method::kWatchJob) &&
         method != static_cast<size_t>(Method::kStreamJobEvents);
}

}  // namespace

FrontendMetrics::FrontendMetrics(prometheus::Registry* registry)
    : requests_family_(prometheus::BuildCounter()
                           .Name("buzzer_frontend_requests_total")
                           .Help("Calls answered, by method and gRPC code.")
                           .Register(*registry)),
      open_watches_(prometheus::BuildGauge()
                        .Name("buzzer_frontend_open_watches")
                        .Help("Streams of WatchJob and StreamJobEvents that are open.")
                        .Register(*registry)
                        .Add({})),
      batch_jobs_(prometheus::BuildHistogram()
                      .Name("buzzer_frontend_submit_batch_jobs")
                      .Help("Jobs that went to the state service together.")
                      .Register(*registry)
                      .Add({}, Buckets{1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000})),
      line_up_family_(prometheus::BuildGauge()
                          .Name("buzzer_frontend_state_line_up")
                          .Help("1 while the stream to the state service is up.")
                          .Register(*registry)),
      submit_line_up_(line_up_family_.Add({{"line", "submit"}})),
      watch_line_up_(line_up_family_.Add({{"line", "watch"}})) {
  auto& seconds = prometheus::BuildHistogram()
                      .Name("buzzer_frontend_request_seconds")
                      .Help("Time from a unary call's arrival to its answer.")
                      .Register(*registry);
  const Buckets buckets{0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 25};
  for (size_t method = 0; method < kMethods; ++method) {
    if (!IsUnary(method)) continue;
    seconds_[method] = &seconds.Add({{"method", kMethodNames[method]}}, buckets);
  }
}

void FrontendMetrics::OnUnaryDone(Method method, absl::StatusCode code, absl::Duration took) {
  seconds_[static_cast<size_t>(method)]->Observe(absl::ToDoubleSeconds(took));
  OnStreamDone(method, code);
}

void FrontendMetrics::OnStreamDone(Method method, absl::StatusCode code) {
  const auto row = static_cast<size_t>(method);
  const auto column = static_cast<size_t>(code);
  if (column >= kCodes) return;
  std::atomic<prometheus::Counter*>& slot = requests_[row][column];
  prometheus::Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {
    // Two at once get the same counter: the family knows its labels.
    counter = &requests_family_.Add(
        {{"method", kMethodNames[row]}, {"code", absl::StatusCodeToString(code)}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Increment();
}

}  // namespace buzzer::frontend

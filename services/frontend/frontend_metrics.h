// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_FRONTEND_METRICS_H_
#define SERVICES_FRONTEND_FRONTEND_METRICS_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace buzzer::frontend {

// The methods of the public API.
enum class Method {
  kSubmitJob,
  kBatchSubmitJobs,
  kGetJob,
  kListJobs,
  kWaitJob,
  kWatchJob,
  kStreamJobEvents,
  kGetJobResult,
  kCancelJob,
  kRetryJob,
  kDeleteJob,
  kReleaseIdempotencyKey,
  kGetQueue,
  kListQueues,
  kPauseQueue,
  kResumeQueue,
  kDeleteQueue,
  kDeleteType,
};
inline constexpr size_t kMethods = static_cast<size_t>(Method::kDeleteType) + 1;

// What Prometheus sees of the frontend: `buzzer_frontend_*`. Thread-safe.
class FrontendMetrics {
 public:
  explicit FrontendMetrics(prometheus::Registry* registry);

  // A unary call was answered after so long.
  void OnUnaryDone(Method method, absl::StatusCode code, absl::Duration took);
  // A stream was ended.
  void OnStreamDone(Method method, absl::StatusCode code);

  void OnWatchOpened() { open_watches_.Increment(); }
  void OnWatchClosed() { open_watches_.Decrement(); }
  void OnSubmitBatch(int jobs) { batch_jobs_.Observe(jobs); }
  void SetSubmitLineUp(bool up) { submit_line_up_.Set(up); }
  void SetWatchLineUp(bool up) { watch_line_up_.Set(up); }

 private:
  static constexpr size_t kCodes = 17;

  prometheus::Family<prometheus::Counter>& requests_family_;
  // Made when first counted, so that only what happens is a series.
  std::array<std::array<std::atomic<prometheus::Counter*>, kCodes>, kMethods> requests_{};
  std::array<prometheus::Histogram*, kMethods> seconds_{};
  prometheus::Gauge& open_watches_;
  prometheus::Histogram& batch_jobs_;
  prometheus::Family<prometheus::Gauge>& line_up_family_;
  prometheus::Gauge& submit_line_up_;
  prometheus::Gauge& watch_line_up_;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_FRONTEND_METRICS_H_

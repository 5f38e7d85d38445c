// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_JOB_CONTEXT_H_
#define TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_JOB_CONTEXT_H_

#include <string>
#include <utility>
#include <vector>

#include "services/worker/handler.h"
#include "tests/integration/support/watched.h"

namespace buzzer::worker {

// An attempt that notes its handler's progress and is cancelled by the test. Thread-safe.
class FakeJobContext final : public JobContext {
 public:
  explicit FakeJobContext(std::string payload, int attempt = 1) {
    job_.id = JobId::Make(absl::UnixEpoch());
    job_.type = "test.type";
    job_.tenant = "default";
    job_.attempt = attempt;
    job_.payload = std::move(payload);
    job_.payload_content_type = "application/json";
    job_.lease = absl::Hours(1);
    job_.grace = absl::Hours(1);
  }

  Job& mutable_job() { return job_; }

  const Job& job() const override { return job_; }
  void ReportProgress(v1::Progress progress) override {
    state_.Update([&](State& state) { state.progress.push_back(std::move(progress)); });
  }
  bool cancelled() const override { return state_.Get().cancelled; }
  bool WaitForCancel(absl::Duration timeout) override {
    return state_.Await([](const State& state) { return state.cancelled; }, timeout);
  }
  void Observe(AttemptObserver* observer) override {
    state_.Update([&](State& state) {
      state.observer = observer;
      if (observer != nullptr && state.cancelled) observer->OnCancel();
    });
  }

  void Cancel() {
    state_.Update([](State& state) {
      state.cancelled = true;
      if (state.observer != nullptr) state.observer->OnCancel();
    });
  }

  bool AwaitProgress(size_t reports) const {
    return state_.Await([&](const State& state) { return state.progress.size() >= reports; });
  }
  std::vector<v1::Progress> progress() const { return state_.Get().progress; }

 private:
  struct State {
    std::vector<v1::Progress> progress;
    bool cancelled = false;
    AttemptObserver* observer = nullptr;
  };

  Job job_;
  testing::Watched<State> state_;
};

}  // namespace buzzer::worker

#endif  // TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_JOB_CONTEXT_H_

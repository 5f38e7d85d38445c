// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_HANDLER_H_
#define TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_HANDLER_H_

#include <atomic>
#include <optional>
#include <utility>

#include "services/worker/handler.h"
#include "tests/integration/support/watched.h"

namespace buzzer::worker {

// Runs until the test says how it ends, or until it is cancelled. Thread-safe.
class FakeHandler final : public Handler {
 public:
  HandlerResult Run(JobContext& context) override {
    state_.Update([](State& state) { ++state.started; });
    Waker waker(this);
    context.Observe(&waker);
    state_.Await([&](const State& state) { return state.result.has_value() || waker.cancelled(); });
    context.Observe(nullptr);
    if (context.cancelled()) return Cancelled();
    return *state_.Get().result;
  }

  // It returns this, however often it runs.
  void Return(HandlerResult result) {
    state_.Update([&](State& state) { state.result = std::move(result); });
  }
  // After a cancel it goes on until StopNow.
  void IgnoreCancel() {
    state_.Update([](State& state) { state.stubborn = true; });
  }
  void StopNow() {
    state_.Update([](State& state) { state.stubborn = false; });
  }

  bool AwaitStarted(int times = 1) const {
    return state_.Await([times](const State& state) { return state.started >= times; });
  }
  bool AwaitCancelled() const {
    return state_.Await([](const State& state) { return state.woken; });
  }
  bool AwaitHeartbeats(int times) const {
    return state_.Await([times](const State& state) { return state.heartbeats >= times; });
  }
  int started() const { return state_.Get().started; }
  bool was_cancelled() const { return state_.Get().woken; }

 private:
  struct State {
    int started = 0;
    int heartbeats = 0;
    // Some attempt was cancelled.
    bool woken = false;
    bool stubborn = false;
    std::optional<HandlerResult> result;
  };

  class Waker final : public AttemptObserver {
   public:
    explicit Waker(FakeHandler* handler) : handler_(handler) {}
    void OnCancel() override {
      cancelled_ = true;
      handler_->state_.Update([](State& state) { state.woken = true; });
    }
    void OnHeartbeat() override {
      handler_->state_.Update([](State& state) { ++state.heartbeats; });
    }

    bool cancelled() const { return cancelled_; }

   private:
    FakeHandler* const handler_;
    std::atomic<bool> cancelled_ = false;
  };

  HandlerResult Cancelled() {
    state_.Await([](const State& state) { return !state.stubborn; });
    return Stopped{};
  }

  testing::Watched<State> state_;
};

}  // namespace buzzer::worker

#endif  // TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_HANDLER_H_

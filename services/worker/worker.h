// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_WORKER_H_
#define SERVICES_WORKER_WORKER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "common/amqp/consumer.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/worker/config.h"
#include "services/worker/handler.h"
#include "services/worker/intake/intake.h"
#include "services/worker/lease_keeper.h"
#include "services/worker/progress.h"
#include "services/worker/readiness.h"
#include "services/worker/runner.h"
#include "services/worker/state_line.h"
#include "services/worker/state_session.h"
#include "services/worker/worker_events.h"

namespace buzzer::worker {

// The worker's core: its parts wired together, with the broker and the line to the state
// service given from outside. Thread-safe.
class Worker final : private StateSession::Listener {
 public:
  // By type. One that is replaced lives until its last attempt has returned.
  using Handlers = std::map<std::string, std::shared_ptr<Handler>>;

  struct Options {
    Config config;
    // Unique per process start.
    std::string name;
    std::string broker_queue_prefix = "buzzer";
    // One for each type in `config`.
    Handlers handlers;
    // Told of every change of readiness(), see there.
    std::function<void(bool ready)> on_readiness = [](bool) {};
    // Not owned.
    WorkerEvents* events = nullptr;
    const Clock* clock = Clock::Real();
  };

  explicit Worker(Options options);
  // Stops running handlers and waits for them; say Drain before. The line must have
  // ended.
  ~Worker() override;

  // The session that the line carries; the intake that hears the broker.
  StateSession* session() { return &session_; }
  Intake* intake() { return &intake_; }
  const Runner& runner() const { return runner_; }
  const Readiness& readiness() const { return readiness_; }
  // Most jobs at once, as the newest configuration says.
  int slots() const;

  // Before the line starts. Not owned.
  void Connect(StateLine* line) { session_.Connect(line, this); }

  // Begins to consume, as soon as the broker and the state service are there. `consumer`
  // must outlive the call of Drain.
  void Start(amqp::Consumer* consumer);

  // Goes on with another configuration and `handlers`, one for each type in it: consumes what it
  // names and no more, and claims by it. What runs, runs on under the handler and the limits that
  // it began with. Does nothing once Drain was called.
  void Reconfigure(Config config, Handlers handlers);

  // Takes no more jobs; lets running ones go on for Config::drain_timeout, or until HandBackNow;
  // stops the rest and hands them back; waits for that, and for outcomes to be taken, the longest
  // grace and 5 s. False if handlers still run after all that: then the process must end
  // without destroying the worker.
  bool Drain();

  // Ends the patience of a Drain that is under way on another thread, or comes later.
  void HandBackNow();

 private:
  void OnStateUp() override;
  void OnStateDown() override;
  void OnClaimAnswer(internal::v1::ClaimAnswer& answer) override;
  void OnLeaseStatus(const internal::v1::LeaseStatus& status) override;
  void OnOutcomeAnswer(const internal::v1::OutcomeAnswer& answer) override;
  void OnCancelNotice(const internal::v1::CancelNotice& notice) override;
  void OnOffer(const internal::v1::Offer& offer) override;
  void OnHelloAnswer(const internal::v1::HelloAnswer& answer) override;

  // What one configuration says: the file, and what it made.
  struct Served {
    Config config;
    Handlers handlers;
  };

  Intake::Options IntakeOptions();
  Runner::Options RunnerOptions();
  static std::shared_ptr<const Served> MakeServed(Config config, Handlers handlers);
  std::shared_ptr<const Served> served() const;
  void Run(const JobId& job, internal::v1::Granted granted);
  // Whether no claim waits for its answer and no attempt for its end.
  bool IsIdle();
  // While it drains: something has ended that it may wait for.
  void NoteProgress();
  // Waits until it is idle. False if that is not so after `patience`, or as HandBackNow is called.
  bool AwaitIdle(absl::Duration patience);

  const std::string name_;
  const std::string broker_queue_prefix_;
  WorkerEvents* const events_;
  const Clock* const clock_;

  mutable Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<const Served> served_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool hand_back_now_ ABSL_GUARDED_BY(mutex_) = false;

  Readiness readiness_;
  StateSession session_;
  LeaseKeeper leases_;
  ProgressPacer pacer_;
  Intake intake_;
  Runner runner_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_WORKER_H_

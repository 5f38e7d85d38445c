// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_INTAKE_INTAKE_H_
#define SERVICES_WORKER_INTAKE_INTAKE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/amqp/consumer.h"
#include "common/clock/clock.h"
#include "common/log/fault_counter.h"
#include "common/mutex/mutex.h"
#include "services/worker/config.h"
#include "services/worker/deadline_thread.h"
#include "services/worker/intake/idle_slots.h"
#include "services/worker/intake/queue_lane.h"
#include "services/worker/intake/slots.h"
#include "services/worker/readiness.h"
#include "services/worker/state_session.h"
#include "services/worker/worker_events.h"

namespace buzzer::worker {

// Turns what the broker offers into granted jobs (steps 4 and 5 of a job's life): takes a
// slot, claims the job, and acks the message once the state service has answered for
// each of its jobs. Takes turns between queues, and between a queue's priorities as
// PriorityTurns says. Tells the state service what it consumes, and which of its slots are idle.
// docs/intake.md states the whole rule.
//
// Thread-safe. Has a thread of its own for what is due later.
class Intake {
 public:
  struct Options {
    Config config;
    // Unique per process start.
    std::string worker;
    std::string broker_queue_prefix = "buzzer";
    // Not owned.
    StateSession* session = nullptr;
    Readiness* readiness = nullptr;
    WorkerEvents* events = nullptr;
    const Clock* clock = Clock::Real();
    // A job is ours: on any thread, with no lock held, must not block. Its type's slot is
    // taken until OnReturned.
    std::function<void(const JobId& job, internal::v1::Granted granted)> on_granted;
    // The same, but we are draining; no slot is taken. An outcome must follow.
    std::function<void(const JobId& job, internal::v1::Granted granted)> on_unwanted;
  };

  explicit Intake(Options options);

  // From now on channels may be opened on `consumer`, whose callbacks are the
  // OnBroker... below. It is not owned, and not used after Stop.
  void Start(amqp::Consumer* consumer);

  // Ends everything that Start began. Nothing is said to the broker: closing the
  // connection gives back what is not acked.
  void Stop();

  // Takes no more jobs: closes every channel and says so to the state service.
  void Drain();

  // Serves the handlers of another configuration, with its slots and limits. What was claimed
  // runs on. After Drain it changes nothing that matters.
  void Reconfigure(const Config& config);
  // Waits until every claim is answered and its grant handed on; false if some are after `limit`.
  bool AwaitNoClaims(absl::Duration limit);

  void OnBrokerUp();
  void OnBrokerDown();
  void OnBrokerUnreachable(absl::string_view why);
  void OnBrokerConsuming(amqp::ChannelId channel);
  void OnBrokerDelivery(const amqp::Delivery& delivery);
  void OnBrokerClosed(amqp::ChannelId channel, const absl::Status& why);

  void OnStateUp();
  void OnStateDown();
  void OnClaimAnswer(internal::v1::ClaimAnswer& answer);
  // A job that lies unclaimed at another worker: it is claimed if a slot is free for it, and
  // forgotten otherwise.
  void OnOffer(const internal::v1::Offer& offer);

  // What Runner::Options asks for.
  void OnReturned(const std::string& type, bool outcome_waits);
  void OnOutcomeSettled();

  int slots_busy() const;
  bool broker_up() const;

  // Does what is due and returns when the next is; the thread calls it, and tests do.
  absl::Duration Tick();

 private:
  struct PendingClaim {
    std::shared_ptr<OpenMessage> message;
    JobId job;
    std::string type;
    // A slot of the type is taken.
    bool holds_slot = false;
  };

  // After anything has changed: claims, opens and closes what there is to.
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ClaimWhatFits() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBackOverdue(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Claim(OfferedJob job, internal::v1::Claim::Intent intent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TendChannels(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CloseAll(QueueLane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayConsume(absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool TakesJobs() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When the thread has to look again.
  absl::Duration NextDecision() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Answered(OpenMessage& message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Brings a grant into a form that can be run; false if there is none.
  bool IsSound(internal::v1::ClaimAnswer& answer, const PendingClaim& claim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WarnOfNoHandler(const std::string& type) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  QueueLane* LaneOf(amqp::ChannelId channel) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  internal::v1::Hello MakeHello() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  // Thread-safe.
  log::FaultCounter types_without_handler_;
  log::FaultCounter unsound_answers_;

  mutable Mutex mutex_;
  CondVar answered_;
  amqp::Consumer* consumer_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Config config_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, HandlerConfig> handlers_ ABSL_GUARDED_BY(mutex_);  // by type
  bool broker_up_ ABSL_GUARDED_BY(mutex_) = false;
  // What is wrong with every queue while it is not.
  std::string broker_problem_ ABSL_GUARDED_BY(mutex_);
  bool state_up_ ABSL_GUARDED_BY(mutex_) = false;
  // Since when not, on the monotonic clock.
  absl::Duration state_down_since_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  Slots slots_ ABSL_GUARDED_BY(mutex_);
  IdleSlots idle_ ABSL_GUARDED_BY(mutex_);
  std::vector<QueueLane> lanes_ ABSL_GUARDED_BY(mutex_);
  // The lane whose turn it is.
  size_t turn_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, PendingClaim> claims_ ABSL_GUARDED_BY(mutex_);
  // Answered claims that on_granted and on_unwanted are being told of.
  int handing_on_ ABSL_GUARDED_BY(mutex_) = 0;
  // What Hello tells has changed.
  bool hello_is_stale_ ABSL_GUARDED_BY(mutex_) = true;
  DeadlineThread thread_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_INTAKE_INTAKE_H_

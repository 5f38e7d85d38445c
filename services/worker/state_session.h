// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_STATE_SESSION_H_
#define SERVICES_WORKER_STATE_SESSION_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/clock/clock.h"
#include "common/mutex/mutex.h"
#include "services/worker/lease_ref.h"
#include "services/worker/state_line.h"
#include "services/worker/unanswered.h"

namespace buzzer::worker {

// The worker's conversation with the state service, whatever happens to the line:
// claims and outcomes are kept and repeated until they are answered (a claim with the
// same claim id, so a grant that was committed before a break is not lost); renewals
// are lost with the line, since newer ones follow; of progress the newest is kept.
// What gathers while a message is being written goes out with the next.
//
// Thread-safe. What is kept is bounded by the worker's slots and prefetch.
class StateSession {
 public:
  // Hears what the state service says. Called on the line's threads, one call at a
  // time, with no lock held; must not block.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnStateUp() = 0;
    virtual void OnStateDown() = 0;
    virtual void OnClaimAnswer(internal::v1::ClaimAnswer& answer) = 0;
    virtual void OnLeaseStatus(const internal::v1::LeaseStatus& status) = 0;
    // Once for each outcome.
    virtual void OnOutcomeAnswer(const internal::v1::OutcomeAnswer& answer) = 0;
    virtual void OnCancelNotice(const internal::v1::CancelNotice& notice) = 0;
    virtual void OnOffer(const internal::v1::Offer& offer) = 0;
    virtual void OnHelloAnswer(const internal::v1::HelloAnswer& answer) = 0;
  };

  explicit StateSession(const Clock* clock) : clock_(clock), last_heard_(clock->Monotonic()) {}

  // Before the line starts. Not owned; `line` may be called until the session is gone.
  void Connect(StateLine* line, Listener* listener);

  // Who this worker is; sent when it changes, and first on every stream. `repeat`: sent again
  // though it is the same, since state may have counted on from it.
  void SetHello(internal::v1::Hello hello, bool repeat);

  void Claim(internal::v1::Claim claim);
  // From now on unanswered claims (repeated or new) ask for nothing but to be given
  // back. One that was granted before is still answered with its grant.
  void ReturnClaims();
  void Renew(const LeaseRef& lease);
  void ReportProgress(const LeaseRef& lease, v1::Progress progress);
  void Finish(internal::v1::Outcome outcome);

  // When the state service said something last, on the monotonic clock; the start
  // before it has.
  absl::Duration last_heard() const;
  bool up() const;

  // For the line.
  void OnUp();
  void OnDown();
  // Fills in the next message; false if there is nothing to send.
  bool NextRequest(internal::v1::WorkRequest* request);
  void OnResponse(internal::v1::WorkResponse& response);

 private:
  const Clock* const clock_;
  StateLine* line_ = nullptr;
  Listener* listener_ = nullptr;

  mutable Mutex mutex_;
  bool up_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration last_heard_ ABSL_GUARDED_BY(mutex_);
  internal::v1::Hello hello_ ABSL_GUARDED_BY(mutex_);
  bool hello_is_due_ ABSL_GUARDED_BY(mutex_) = false;
  bool returning_ ABSL_GUARDED_BY(mutex_) = false;
  // By claim id.
  Unanswered<std::string, internal::v1::Claim> claims_ ABSL_GUARDED_BY(mutex_);
  Unanswered<AttemptKey, internal::v1::Outcome> outcomes_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<AttemptKey, LeaseRef> renewals_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<AttemptKey, internal::v1::ProgressReport> progress_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_STATE_SESSION_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_STATE_DOUBTFUL_STORE_H_
#define TESTS_UNIT_SERVICES_STATE_DOUBTFUL_STORE_H_

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "common/errors/errors.h"
#include "common/mutex/mutex.h"
#include "tests/unit/services/state/forwarding_store.h"

namespace buzzer::state {

// A store whose disk fails during submits, as the test plans it. Thread-safe.
class DoubtfulStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  // What becomes of a call of Submit.
  enum class Fate {
    kKept,     // in doubt: it is stored, and the caller does not learn so
    kLost,     // in doubt: it is not stored
    kRefused,  // surely not stored, as a store says whose disk is still broken
  };

  // The fates of the next calls, in their order; those after them are as ever.
  void Plan(std::deque<Fate> fates) {
    MutexLock lock(&mutex_);
    fates_ = std::move(fates);
  }
  // How many calls there were.
  int submits() const {
    MutexLock lock(&mutex_);
    return submits_;
  }

  void Submit(std::vector<internal::v1::NewJob> jobs, Callback<Each<JobRecord>> done) override {
    const std::optional<Fate> fate = NextFate();
    if (!fate.has_value()) {
      ForwardingStore::Submit(std::move(jobs), std::move(done));
    } else if (*fate == Fate::kKept) {
      ForwardingStore::Submit(std::move(jobs),
                              [done = std::move(done)](const auto&) mutable { done(InDoubt()); });
    } else if (*fate == Fate::kLost) {
      done(InDoubt());
    } else {
      done(ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_BROKEN",
                        "cannot write to the disk; nothing was stored")
               .Build());
    }
  }

 private:
  static absl::Status InDoubt() {
    return ErrorBuilder(absl::StatusCode::kUnavailable, kCommitInDoubt,
                        "the disk failed; whether it kept this is unknown")
        .Build();
  }
  std::optional<Fate> NextFate() {
    MutexLock lock(&mutex_);
    ++submits_;
    if (fates_.empty()) return std::nullopt;
    const Fate fate = fates_.front();
    fates_.pop_front();
    return fate;
  }

  mutable Mutex mutex_;
  std::deque<Fate> fates_ ABSL_GUARDED_BY(mutex_);
  int submits_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::state

#endif  // TESTS_UNIT_SERVICES_STATE_DOUBTFUL_STORE_H_

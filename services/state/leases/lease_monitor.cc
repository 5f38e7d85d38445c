// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/leases/lease_monitor.h"

#include <future>
#include <utility>

#include "common/fault_points/fault_points.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kTickInterval = absl::Milliseconds(200);
// A tick this late means that the process stood still.
constexpr absl::Duration kStandstill = absl::Seconds(2);

}  // namespace

LeaseMonitor::LeaseMonitor(JobStore* store, const Clock* clock)
    : store_(store), clock_(clock), last_tick_(clock->Monotonic()) {}

LeaseMonitor::~LeaseMonitor() { Stop(); }

absl::Status LeaseMonitor::Start() {
  std::promise<absl::StatusOr<std::vector<JobRecord>>> read;
  store_->ReadActive([&read](auto active) { read.set_value(std::move(active)); });
  const auto active = read.get_future().get();
  if (!active.ok()) return active.status();
  TakeUp(*active);
  if (!active->empty()) {
    log::Info("leases_begin_anew", {{"jobs", active->size()}, {"why", "state started"}});
  }
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

void LeaseMonitor::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void LeaseMonitor::TakeUp(const std::vector<JobRecord>& active) {
  MutexLock lock(&mutex_);
  for (const JobRecord& job : active) {
    const auto it = leases_.find(job.id);
    if (it == leases_.end() || it->second.attempt < job.attempt) {
      Take(job);
    } else if (it->second.attempt == job.attempt && job.state == v1::Job::CANCELLING) {
      it->second.cancelling = true;
    }
  }
  last_tick_ = clock_->Monotonic();
  changed_.NotifyAll();
}

void LeaseMonitor::OnReopen() {
  MutexLock lock(&mutex_);
  unread_ = true;
  changed_.NotifyAll();
}

void LeaseMonitor::Take(const JobRecord& job) {
  const absl::Duration now = clock_->Monotonic();
  Lease& lease = leases_[job.id];
  lease = Lease();
  lease.attempt = job.attempt;
  lease.lease_id = job.lease_id;
  lease.length = job.lease();
  lease.grace = job.grace;
  lease.cancelling = job.state == v1::Job::CANCELLING;
  lease.expires = now + lease.length;
  if (job.attempt_timeout > absl::ZeroDuration()) {
    lease.overruns = now + job.attempt_timeout + job.grace;
  }
}

void LeaseMonitor::OnCommit(const std::vector<JobChange>& changes) {
  MutexLock lock(&mutex_);
  const bool was_empty = leases_.empty();
  for (const JobChange& change : changes) {
    if (change.kind != JobChange::Kind::kState) continue;
    const JobRecord& job = change.job;
    if (!IsActive(job.state)) {
      leases_.erase(job.id);
    } else if (job.state == v1::Job::CANCELLING && leases_.contains(job.id)) {
      leases_[job.id].cancelling = true;
    } else {
      Take(job);
    }
  }
  if (was_empty && !leases_.empty()) {
    last_tick_ = clock_->Monotonic();
    changed_.NotifyAll();
  }
}

LeaseMonitor::Renewal LeaseMonitor::Renew(const LeaseRef& ref) {
  MutexLock lock(&mutex_);
  const auto it = leases_.find(ref.job);
  if (it == leases_.end()) return {};
  Lease& lease = it->second;
  if (lease.attempt != ref.attempt || lease.lease_id != ref.lease_id || lease.lost) return {};
  lease.expires = clock_->Monotonic() + lease.length;
  return {true, lease.cancelling};
}

void LeaseMonitor::BeginAnewIfStoodStill(absl::Duration now) {
  const absl::Duration gap = now - last_tick_;
  last_tick_ = now;
  if (gap < kStandstill) return;
  for (auto& [id, lease] : leases_) {
    if (!lease.lost) lease.expires = now + lease.length;
    lease.overruns += gap;
  }
  log::Warning("leases_begin_anew", {{"jobs", leases_.size()},
                                     {"why", "state stood still"},
                                     {"seconds", absl::ToDoubleSeconds(gap)}});
}

void LeaseMonitor::Tick() {
  // Planted bug, never in a real build.
  if (BUZZER_PLANTED("lease_never_expires")) return;
  const absl::Duration now = clock_->Monotonic();
  std::vector<LeaseLoss> losses;
  bool read = false;
  {
    MutexLock lock(&mutex_);
    BeginAnewIfStoodStill(now);
    read = std::exchange(unread_, false);
    for (auto& [id, lease] : leases_) {
      if (lease.taking) continue;
      const LeaseRef ref{id, lease.attempt, lease.lease_id};
      if (now >= lease.expires) {
        if (lease.cancelling && !lease.lost) {
          // Its program gets one grace to end before the job counts as stopped.
          lease.expires = now + lease.grace;
        } else {
          losses.push_back({ref, LossCause::kLeaseExpired});
          lease.taking = true;
        }
        lease.lost = true;
      } else if (now >= lease.overruns && !lease.cancelling) {
        losses.push_back({ref, LossCause::kAttemptTimeout});
        lease.taking = true;
      }
    }
  }
  if (read) {
    store_->ReadActive([this](const absl::StatusOr<std::vector<JobRecord>>& active) {
      if (active.ok()) {
        TakeUp(*active);
      } else {
        OnReopen();
      }
    });
  }
  if (losses.empty()) return;
  store_->LoseLeases(
      losses, [this, losses](const absl::StatusOr<bool>& done) { OnTaken(losses, done.ok()); });
}

void LeaseMonitor::OnTaken(const std::vector<LeaseLoss>& losses, bool done) {
  MutexLock lock(&mutex_);
  for (const LeaseLoss& loss : losses) {
    const auto it = leases_.find(loss.lease.job);
    if (it == leases_.end() || it->second.lease_id != loss.lease.lease_id) continue;
    if (done) {
      leases_.erase(it);  // The store had another end of it, which was not told here.
    } else {
      it->second.taking = false;  // The next tick asks again.
    }
  }
}

void LeaseMonitor::Loop() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      while (leases_.empty() && !unread_ && !stopping_) changed_.Wait(&mutex_);
      if (stopping_) return;
      changed_.WaitFor(&mutex_, absl::ToChronoNanoseconds(kTickInterval));
      if (stopping_) return;
    }
    Tick();
  }
}

size_t LeaseMonitor::size() const {
  MutexLock lock(&mutex_);
  return leases_.size();
}

}  // namespace buzzer::state

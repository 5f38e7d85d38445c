// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/runner.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "common/log/log.h"
#include "services/worker/outcome.h"

namespace buzzer::worker {
namespace {

HandlerResult RunHandler(Handler& handler, JobContext& context) {
  // A team's handler may throw whatever the house rules say; it costs the attempt, not
  // the worker.
  try {
    return handler.Run(context);
  } catch (const std::exception& error) {
    return Failure{"HANDLER_FAILED", error.what(), true, ""};
  } catch (...) {
    return Failure{"HANDLER_FAILED", "the handler threw an exception", true, ""};
  }
}

}  // namespace

Runner::Runner(Options options)
    : options_(std::move(options)), max_threads_(options_.max_threads) {}

Runner::~Runner() {
  HandBackAll();
  std::vector<std::thread> threads;
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    work_.NotifyAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void Runner::Start(const JobId& job, internal::v1::Granted granted, absl::Duration grace,
                   std::shared_ptr<Handler> handler) {
  auto attempt = std::make_shared<Attempt>(job, std::move(granted), grace,
                                           options_.clock->Monotonic(), options_.pacer);
  if (!Keep({attempt, std::move(handler), true})) {
    options_.on_returned(attempt->job().type, false);
    return;
  }
  bool is_late = false;
  {
    MutexLock lock(&mutex_);
    is_late = handing_back_;
  }
  if (is_late) attempt->Stop(StopCause::kDraining);
}

bool Runner::Keep(const Entry& entry) {
  MutexLock lock(&mutex_);
  const AttemptKey& key = entry.attempt->lease().key;
  if (!entries_.try_emplace(key, entry).second) {
    if (const int64_t times = repeated_.Note(entry.attempt->job().type); times > 0) {
      log::Error("attempt_granted_twice", {{"job", key.job.ToString()},
                                           {"attempt", key.attempt},
                                           {"times", times},
                                           {"error", "the first grant of it goes on"}});
    }
    return false;
  }
  options_.leases->Add(entry.attempt);
  if (!entry.running) return true;
  waiting_.push_back(entry);
  ++running_;
  if (idle_threads_ >= waiting_.size()) {
    WakeOne();
  } else if (threads_.size() < std::max(max_threads_, static_cast<size_t>(running_))) {
    // Fewer slots than run now may have been configured since this one was claimed.
    threads_.emplace_back([this] { Loop(); });
  }  // Else a thread whose handler has just returned comes for it.
  return true;
}

void Runner::HandBack(const JobId& job, internal::v1::Granted granted) {
  auto attempt = std::make_shared<Attempt>(job, std::move(granted), absl::ZeroDuration(),
                                           options_.clock->Monotonic(), options_.pacer);
  const internal::v1::Outcome outcome = MakeHandedBack(attempt->lease());
  attempt->Close();
  if (!Keep({attempt, nullptr, false})) {
    options_.on_outcome_settled();
    return;
  }
  options_.events->OnAttemptEnded(attempt->job().type, OutcomeName(outcome), absl::ZeroDuration());
  options_.session->Finish(outcome);
}

void Runner::WakeOne() {
  if (std::exchange(waking_, true)) return;
  work_.NotifyOne();
}

void Runner::Loop() {
  while (true) {
    Entry entry;
    {
      MutexLock lock(&mutex_);
      ++idle_threads_;
      while (waiting_.empty() && !stopping_) {
        work_.Wait(&mutex_);
        waking_ = false;
      }
      --idle_threads_;
      if (waiting_.empty()) return;
      entry = std::move(waiting_.front());
      waiting_.pop_front();
      if (!waiting_.empty() && idle_threads_ > 0) WakeOne();
    }
    Run(entry);
  }
}

// Steps 6 and 7 of a job's life.
void Runner::Run(const Entry& entry) {
  Attempt& attempt = *entry.attempt;
  const Job& job = attempt.job();
  const AttemptKey key = attempt.lease().key;
  log::Info("attempt_started", {{"job", job.id.ToString()},
                                {"attempt", job.attempt},
                                {"tenant", job.tenant},
                                {"type", job.type}});
  HandlerResult result = RunHandler(*entry.handler, attempt);
  const StopCause cause = attempt.Close();
  auto outcome = MakeOutcome(attempt, std::move(result), cause);
  const bool outcome_waits = outcome.has_value();
  const absl::Duration ran = options_.clock->Monotonic() - attempt.started();
  log::Info("attempt_ended", {{"job", job.id.ToString()},
                              {"attempt", job.attempt},
                              {"tenant", job.tenant},
                              {"type", job.type},
                              {"outcome", OutcomeName(outcome)},
                              {"seconds", absl::ToDoubleSeconds(ran)}});
  options_.events->OnAttemptEnded(job.type, OutcomeName(outcome), ran);
  options_.pacer->Flush(attempt.lease());
  {
    MutexLock lock(&mutex_);
    Entry& kept = entries_[key];
    kept.running = false;
    kept.handler = nullptr;  // What its destructor does is done without the lock, by `entry`.
    --running_;
  }
  if (outcome_waits) {
    options_.session->Finish(*std::move(outcome));
  } else {
    Settle(key);
  }
  options_.on_returned(job.type, outcome_waits);
}

void Runner::StopOne(const AttemptKey& key, StopCause cause) {
  std::shared_ptr<Attempt> attempt;
  {
    MutexLock lock(&mutex_);
    const auto it = entries_.find(key);
    if (it == entries_.end() || !it->second.running) return;
    attempt = it->second.attempt;
  }
  attempt->Stop(cause);
}

absl::Duration Runner::HandBackAll() {
  std::vector<std::shared_ptr<Attempt>> attempts;
  absl::Duration longest_grace;
  {
    MutexLock lock(&mutex_);
    handing_back_ = true;
    for (const auto& [key, entry] : entries_) {
      if (entry.running) attempts.push_back(entry.attempt);
    }
  }
  for (const auto& attempt : attempts) {
    longest_grace = std::max(longest_grace, attempt->job().grace);
    attempt->Stop(StopCause::kDraining);
  }
  return longest_grace;
}

void Runner::SetMaxThreads(size_t threads) {
  MutexLock lock(&mutex_);
  max_threads_ = threads;
}

void Runner::OnLeaseStatus(const internal::v1::LeaseStatus& status) {
  // Of an attempt whose outcome is under way the outcome's answer tells: a lease that is
  // gone may be gone because the outcome was taken.
  if (!status.held()) {
    StopOne(KeyOf(status), StopCause::kLeaseLost);
  } else if (status.cancel_requested()) {
    StopOne(KeyOf(status), StopCause::kCancelRequested);
  }
}

void Runner::OnCancelNotice(const internal::v1::CancelNotice& notice) {
  StopOne(KeyOf(notice), StopCause::kCancelRequested);
}

void Runner::OnOutcomeAnswer(const internal::v1::OutcomeAnswer& answer) {
  const AttemptKey key = KeyOf(answer);
  if (!answer.accepted()) {
    std::string tenant;
    {
      MutexLock lock(&mutex_);
      const auto it = entries_.find(key);
      if (it != entries_.end()) tenant = it->second.attempt->job().tenant;
    }
    log::Warning("outcome_refused", {{"job", key.job.ToString()},
                                     {"attempt", key.attempt},
                                     {"tenant", tenant},
                                     {"error", "the lease is lost; the result was dropped"}});
  }
  Settle(key);
  options_.on_outcome_settled();
}

void Runner::Settle(const AttemptKey& key) {
  options_.leases->Remove(key);
  MutexLock lock(&mutex_);
  entries_.erase(key);
  settled_.NotifyAll();
}

bool Runner::AwaitEmpty(absl::Duration limit) const {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit);
  MutexLock lock(&mutex_);
  while (!entries_.empty()) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    settled_.WaitFor(&mutex_, left);
  }
  return true;
}

int Runner::running() const {
  MutexLock lock(&mutex_);
  return running_;
}

int Runner::unsettled() const {
  MutexLock lock(&mutex_);
  return static_cast<int>(entries_.size());
}

}  // namespace buzzer::worker

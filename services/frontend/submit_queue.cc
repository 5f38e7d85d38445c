// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/submit_queue.h"

#include <algorithm>
#include <utility>

#include "common/errors/errors.h"
#include "services/frontend/call_errors.h"

namespace buzzer::frontend {

namespace {

// Whether state says by it that it has looked for the job and has none. Other errors tell
// nothing of a first time that it was asked.
bool SaysNotStored(const absl::Status& error) {
  switch (error.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

absl::Status TakesTooLong() {
  return StateUnavailable("the state service takes too long, and the job is not stored");
}

}  // namespace

SubmitQueue::SubmitQueue(Limits limits, const Clock* clock, Hooks hooks)
    : limits_(limits),
      clock_(clock),
      hooks_(std::move(hooks)),
      batch_jobs_(limits.max_batch_jobs) {}

void SubmitQueue::Tell(std::vector<News>& news) {
  for (News& one : news) one.done(std::move(one.result));
}

void SubmitQueue::Add(internal::v1::NewJob job, Done done) {
  Entry entry;
  entry.id = JobId::FromBytes(job.id()).value_or(JobId());
  entry.bytes = job.ByteSizeLong();
  entry.start = clock_->Monotonic();
  entry.job = std::move(job);
  bool set_expiry = false;
  if (absl::Status refused = Enqueue(entry, done, &set_expiry); !refused.ok()) {
    done(refused);
    return;
  }
  if (set_expiry) hooks_.expire_after(limits_.answer_limit);
  hooks_.wake();
}

absl::Status SubmitQueue::Enqueue(Entry& entry, Done& done, bool* set_expiry) {
  MutexLock lock(&mutex_);
  if (!up_) {
    return StateUnavailable("the state service cannot be reached, and the job is not stored");
  }
  const bool late = !waiting_.empty() && entry.start - waiting_.front().start >= limits_.max_wait;
  if (late || jobs_ >= limits_.max_jobs || bytes_ + entry.bytes > limits_.max_bytes) {
    return StateUnavailable(
        "too many submits wait for the state service, and the job is not "
        "stored");
  }
  ++jobs_;
  bytes_ += entry.bytes;
  entry.done = std::move(done);
  waiting_.push_back(std::move(entry));
  *set_expiry = !std::exchange(expiry_is_set_, true);
  return absl::OkStatus();
}

bool SubmitQueue::NextBatch(internal::v1::SubmitRequest* request) {
  std::vector<News> news;
  bool filled = false;
  {
    MutexLock lock(&mutex_);
    news = DropLate();
    filled = RefillUnanswered(request) || FillNext(request);
  }
  Tell(news);
  if (filled) hooks_.on_batch(request->jobs_size());
  return filled;
}

std::vector<SubmitQueue::News> SubmitQueue::DropLate() {
  std::vector<News> news;
  const absl::Duration late = clock_->Monotonic() - limits_.drop_after;
  while (!waiting_.empty() && waiting_.front().start <= late) {
    news.push_back(Settle(waiting_.front(), TakesTooLong()));
    waiting_.pop_front();
  }
  return news;
}

bool SubmitQueue::FillNext(internal::v1::SubmitRequest* request) {
  if (waiting_.empty() || batches_.size() >= limits_.max_batches_in_flight) return false;
  Batch& batch = batches_[++last_batch_];
  batch = GatherBatch();
  request->set_batch(last_batch_);
  for (const Entry& entry : batch.entries) *request->add_jobs() = entry.job;
  return true;
}

bool SubmitQueue::RefillUnanswered(internal::v1::SubmitRequest* request) {
  for (auto it = batches_.begin(); it != batches_.end();) {
    auto& [id, batch] = *it;
    if (batch.sent) {
      ++it;
      continue;
    }
    // Those who were told "unknown" may have looked already: what they did not find must
    // not appear afterwards.
    batch.entries.erase(std::remove_if(batch.entries.begin(), batch.entries.end(),
                                       [](const Entry& entry) { return entry.done == nullptr; }),
                        batch.entries.end());
    if (batch.entries.empty()) {
      it = batches_.erase(it);
      continue;
    }
    batch.sent = true;
    batch.repeated = true;
    request->set_batch(id);
    for (const Entry& entry : batch.entries) *request->add_jobs() = entry.job;
    return true;
  }
  return false;
}

SubmitQueue::Batch SubmitQueue::GatherBatch() {
  Batch batch;
  batch.start = clock_->Monotonic();
  batch.sent = true;
  size_t bytes = 0;
  while (!waiting_.empty() && batch.entries.size() < static_cast<size_t>(batch_jobs_)) {
    bytes += waiting_.front().bytes;
    if (bytes > limits_.max_batch_bytes && !batch.entries.empty()) break;
    batch.entries.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return batch;
}

void SubmitQueue::FitBatches(const Batch& answered) {
  if (answered.repeated) return;  // What it took tells of the outage.
  const absl::Duration took = clock_->Monotonic() - answered.start;
  const auto jobs = static_cast<int>(answered.entries.size());
  if (took > limits_.slow_answer) {
    batch_jobs_ = std::max(jobs / 2, std::min(limits_.min_batch_jobs, batch_jobs_));
  } else if (took < limits_.slow_answer / 2 && jobs >= batch_jobs_) {
    batch_jobs_ = std::min(2 * batch_jobs_, limits_.max_batch_jobs);
  }
}

SubmitQueue::News SubmitQueue::Settle(Entry& entry, absl::StatusOr<v1::Job> result) {
  --jobs_;
  bytes_ -= entry.bytes;
  entry.job.Clear();
  return {std::exchange(entry.done, nullptr), std::move(result)};
}

void SubmitQueue::OnAnswer(internal::v1::SubmitResponse& response) {
  std::vector<News> news;
  bool more = false;
  {
    MutexLock lock(&mutex_);
    const auto it = batches_.find(response.batch());
    if (it == batches_.end()) return;
    FitBatches(it->second);
    std::vector<Entry>& entries = it->second.entries;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].done == nullptr) continue;
      const auto place = static_cast<int>(i);
      if (place >= response.results_size()) {
        news.push_back(Settle(entries[i], OutcomeUnknown(entries[i].id)));
      } else if (auto& result = *response.mutable_results(place); result.has_job()) {
        // One without a true id cannot be named to the caller.
        if (JobId::Parse(result.job().id()).has_value()) {
          news.push_back(Settle(entries[i], std::move(*result.mutable_job())));
        } else {
          news.push_back(Settle(entries[i], OutcomeUnknown(entries[i].id)));
        }
      } else {
        absl::Status error = FromState(FromRpcStatus(result.error()));
        const bool proves_nothing = it->second.repeated && !SaysNotStored(error);
        if (error.ok() || proves_nothing) error = OutcomeUnknown(entries[i].id);
        news.push_back(Settle(entries[i], std::move(error)));
      }
    }
    batches_.erase(it);
    more = !waiting_.empty();
  }
  // First what is next goes on its way.
  if (more) hooks_.wake();
  Tell(news);
}

void SubmitQueue::OnUp() {
  MutexLock lock(&mutex_);
  up_ = true;
}

void SubmitQueue::OnDown() {
  std::vector<News> news;
  {
    MutexLock lock(&mutex_);
    up_ = false;
    for (auto& [id, batch] : batches_) batch.sent = false;
    for (Entry& entry : waiting_) {
      news.push_back(Settle(entry, StateUnavailable("the state service cannot be reached, and the "
                                                    "job is not stored")));
    }
    waiting_.clear();
  }
  Tell(news);
}

void SubmitQueue::Expire() {
  std::vector<News> news;
  std::optional<absl::Duration> next;
  {
    MutexLock lock(&mutex_);
    const absl::Duration now = clock_->Monotonic();
    const absl::Duration expired = now - limits_.answer_limit;
    for (auto& [id, batch] : batches_) {
      for (Entry& entry : batch.entries) {
        if (entry.done != nullptr && entry.start <= expired) {
          news.push_back(Settle(entry, OutcomeUnknown(entry.id)));
        }
      }
    }
    while (!waiting_.empty() && waiting_.front().start <= expired) {
      news.push_back(Settle(waiting_.front(), TakesTooLong()));
      waiting_.pop_front();
    }
    next = NextExpiry(now);
    expiry_is_set_ = next.has_value();
  }
  if (next.has_value()) hooks_.expire_after(*next);
  Tell(news);
}

std::optional<absl::Duration> SubmitQueue::NextExpiry(absl::Duration now) {
  std::optional<absl::Duration> oldest;
  const auto consider = [&](const Entry& entry) {
    if (entry.done != nullptr) oldest = std::min(oldest.value_or(entry.start), entry.start);
  };
  for (const auto& [id, batch] : batches_) {
    for (const Entry& entry : batch.entries) consider(entry);
  }
  if (!waiting_.empty()) consider(waiting_.front());
  if (!oldest.has_value()) return std::nullopt;
  return std::max(*oldest + limits_.answer_limit - now, absl::ZeroDuration());
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/recent_jobs.h"

namespace buzzer::state {
namespace {

size_t BytesOf(const JobRecord& job) {
  size_t bytes = job.spec->ByteSizeLong();
  if (job.error.has_value()) bytes += job.error->ByteSizeLong();
  if (job.progress.has_value()) bytes += job.progress->data.size() + job.progress->message.size();
  return bytes;
}

}  // namespace

const JobRecord* RecentJobs::Find(const JobId& id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return nullptr;
  jobs_.splice(jobs_.begin(), jobs_, it->second);
  return &jobs_.front();
}

void RecentJobs::Put(const JobRecord& job) {
  if (IsTerminal(job.state) || BytesOf(job) > kMaxBytes) {
    Drop(job.id);
    return;
  }
  const auto it = by_id_.find(job.id);
  if (it != by_id_.end()) {
    *it->second = job;
    jobs_.splice(jobs_.begin(), jobs_, it->second);
    return;
  }
  if (jobs_.size() >= kMaxJobs) {
    by_id_.erase(jobs_.back().id);
    jobs_.pop_back();
  }
  jobs_.push_front(job);
  by_id_[job.id] = jobs_.begin();
}

void RecentJobs::Drop(const JobId& id) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end()) return;
  jobs_.erase(it->second);
  by_id_.erase(it);
}

void RecentJobs::Clear() {
  jobs_.clear();
  by_id_.clear();
}

}  // namespace buzzer::state

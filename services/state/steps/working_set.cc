// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/working_set.h"

#include <utility>

#include "common/job_state/job_state.h"

namespace buzzer::state {
namespace {

size_t BytesOf(const JobRow& row) {
  size_t bytes = row.job.spec->ByteSizeLong() + row.history.bytes().size();
  if (row.payload.has_value()) bytes += row.payload->size();
  if (row.job.error.has_value()) bytes += row.job.error->ByteSizeLong();
  if (row.job.progress.has_value()) {
    bytes += row.job.progress->data.size() + row.job.progress->message.size();
  }
  return bytes;
}

}  // namespace

void WorkingSet::Load(JobRows& rows, const std::vector<JobId>& jobs) {
  std::vector<JobId> unknown;
  for (const JobId& id : jobs) {
    if (!by_id_.contains(id) && absent_.insert(id).second) unknown.push_back(id);
  }
  if (unknown.empty()) return;
  rows.Load(unknown, [this](JobRow row) { Put(std::move(row)); });
}

WorkingSet::Entry* WorkingSet::Find(JobRows& rows, const JobId& id) {
  auto it = by_id_.find(id);
  if (it == by_id_.end()) {
    if (absent_.contains(id)) return nullptr;
    Load(rows, {id});
    it = by_id_.find(id);
    if (it == by_id_.end()) return nullptr;
  }
  return Use(it->second);
}

WorkingSet::Entry* WorkingSet::Insert(JobRow row) { return Use(Put(std::move(row))); }

WorkingSet::Entries::iterator WorkingSet::Put(JobRow row) {
  const JobId id = row.job.id;
  absent_.erase(id);
  entries_.push_front({std::move(row)});
  by_id_[id] = entries_.begin();
  // A batch may load what it then does not use.
  entries_.front().used = true;
  used_.push_back(entries_.begin());
  return entries_.begin();
}

WorkingSet::Entry* WorkingSet::Use(Entries::iterator entry) {
  entries_.splice(entries_.begin(), entries_, entry);
  if (!entry->used) {
    entry->used = true;
    used_.push_back(entry);
  }
  return &*entry;
}

void WorkingSet::Remove(Entry* entry) {
  const auto it = by_id_.find(entry->row.job.id);
  entry->removed = true;
  removed_.splice(removed_.begin(), entries_, it->second);
  absent_.insert(it->first);
  by_id_.erase(it);
}

void WorkingSet::EndBatch() {
  for (const Entries::iterator entry : used_) {
    if (entry->removed) continue;
    entry->write = -1;
    entry->used = false;
    if (!IsTerminal(entry->row.job.state) && BytesOf(entry->row) <= kMaxBytes) continue;
    by_id_.erase(entry->row.job.id);
    entries_.erase(entry);
  }
  while (entries_.size() > kMaxJobs) {
    by_id_.erase(entries_.back().row.job.id);
    entries_.pop_back();
  }
  used_.clear();
  absent_.clear();
  removed_.clear();
}

void WorkingSet::Clear() {
  entries_.clear();
  by_id_.clear();
  used_.clear();
  absent_.clear();
  removed_.clear();
}

}  // namespace buzzer::state

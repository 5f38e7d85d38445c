// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/watch/job_event_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/state_checks.h"

namespace buzzer::state {
namespace {

// One message carries the events of at most this many watches.
constexpr int kMaxItems = 1000;
// Reads of one session that are under way: each may bring a whole job.
constexpr int kMaxReads = 64;

absl::Status Deleted() {
  return ErrorBuilder(absl::StatusCode::kNotFound, "JOB_NOT_FOUND",
                      "the job was deleted while it was watched")
      .Build();
}

}  // namespace

std::shared_ptr<WatchSession> JobEventHub::Open(std::function<void()> wake) {
  return std::shared_ptr<WatchSession>(new WatchSession(this, std::move(wake)));
}

void JobEventHub::Add(const JobId& job, std::weak_ptr<WatchSession> session, int64_t watch) {
  MutexLock lock(&mutex_);
  watchers_[job].push_back({std::move(session), watch});
}

void JobEventHub::Remove(const JobId& job, const WatchSession* session, int64_t watch) {
  MutexLock lock(&mutex_);
  const auto it = watchers_.find(job);
  if (it == watchers_.end()) return;
  std::vector<Watcher>& list = it->second;
  list.erase(std::remove_if(list.begin(), list.end(),
                            [&](const Watcher& watcher) {
                              const auto owner = watcher.session.lock();
                              return owner == nullptr ||
                                     (owner.get() == session && watcher.watch == watch);
                            }),
             list.end());
  if (list.empty()) watchers_.erase(it);
}

size_t JobEventHub::size() const {
  MutexLock lock(&mutex_);
  size_t count = 0;
  for (const auto& [job, list] : watchers_) count += list.size();
  return count;
}

void JobEventHub::OnCommit(const std::vector<JobChange>& changes) {
  absl::flat_hash_set<std::shared_ptr<WatchSession>> to_wake;
  OfferChanges(changes, &to_wake);
  for (const auto& session : to_wake) session->wake_();
}

void JobEventHub::OnReopen() {
  absl::flat_hash_set<std::shared_ptr<WatchSession>> sessions;
  {
    MutexLock lock(&mutex_);
    for (const auto& [job, list] : watchers_) {
      for (const Watcher& watcher : list) {
        if (auto session = watcher.session.lock()) sessions.insert(std::move(session));
      }
    }
  }
  for (const auto& session : sessions) {
    session->MissAll();
    session->wake_();
  }
}

void JobEventHub::OfferChanges(const std::vector<JobChange>& changes,
                               absl::flat_hash_set<std::shared_ptr<WatchSession>>* to_wake) {
  MutexLock lock(&mutex_);
  if (watchers_.empty()) return;
  for (const JobChange& change : changes) {
    if (change.kind == JobChange::Kind::kReturned) continue;
    const auto it = watchers_.find(change.job.id);
    if (it == watchers_.end()) continue;
    const bool deleted = change.kind == JobChange::Kind::kDeleted;
    const v1::JobEvent event = deleted ? v1::JobEvent() : ToEvent(change);
    for (const Watcher& watcher : it->second) {
      auto session = watcher.session.lock();
      if (session != nullptr &&
          session->Offer(watcher.watch, change.job.id, deleted ? nullptr : &event,
                         deleted ? Deleted() : absl::OkStatus())) {
        to_wake->insert(std::move(session));
      }
    }
  }
}

absl::Status WatchSession::Start(const internal::v1::WatchRequest::Start& start) {
  const absl::Status checked = Check(start);
  JobId job;
  int64_t generation = 0;
  {
    MutexLock lock(&mutex_);
    if (watches_.size() >= kMaxWatchesOfAStream) {
      return absl::ResourceExhaustedError(
          absl::StrCat("`start`: a stream has at most ", kMaxWatchesOfAStream, " watches"));
    }
    const auto [it, is_new] = watches_.try_emplace(start.watch());
    if (!is_new) return InvalidField("watch", "must be a number that is not in use on the stream");
    Watch& watch = it->second;
    watch.generation = ++last_generation_;
    if (checked.ok()) {
      watch.tenant = start.tenant();
      watch.job = *JobId::FromBytes(start.job_id());
      watch.events = JobWatch(start.after_revision());
    } else {
      watch.events.Start(checked);
      MarkDirty(start.watch(), watch);
    }
    job = watch.job;
    generation = watch.generation;
  }
  if (!checked.ok()) {
    wake_();
    return absl::OkStatus();
  }
  // Hear of commits first, read then: what is committed between is in both, and
  // JobWatch tells it once.
  hub_->Add(job, weak_from_this(), start.watch());
  {
    MutexLock lock(&mutex_);
    const auto it = watches_.find(start.watch());
    if (it != watches_.end() && it->second.generation == generation) {
      QueueRead(start.watch(), it->second);
    }
  }
  StartReads();
  return absl::OkStatus();
}

void WatchSession::QueueRead(int64_t id, Watch& watch) {
  if (watch.waits_for_read || watch.reading) return;
  watch.waits_for_read = true;
  to_read_.emplace_back(id, watch.generation);
}

std::optional<std::pair<int64_t, WatchSession::Watch>> WatchSession::NextToRead() {
  while (!to_read_.empty() && reads_ < kMaxReads && untaken_bytes_ < kMaxUntakenBytes) {
    const auto [id, generation] = to_read_.front();
    to_read_.pop_front();
    const auto it = watches_.find(id);
    if (it == watches_.end() || it->second.generation != generation) continue;
    it->second.waits_for_read = false;
    it->second.reading = true;
    ++reads_;
    return std::pair(id, it->second);
  }
  return std::nullopt;
}

void WatchSession::StartReads() {
  {
    MutexLock lock(&mutex_);
    if (std::exchange(starting_reads_, true)) return;
  }
  while (true) {
    std::optional<std::pair<int64_t, Watch>> next;
    {
      MutexLock lock(&mutex_);
      next = NextToRead();
      if (!next.has_value()) {
        starting_reads_ = false;
        return;
      }
    }
    const auto& [id, watch] = *next;
    hub_->store_->GetForWatch(watch.tenant, watch.job, watch.events.told(),
                              [weak = weak_from_this(), id = id,
                               generation = watch.generation](absl::StatusOr<WatchStart> start) {
                                const auto self = weak.lock();
                                if (self == nullptr) return;
                                if (const auto* waits = self->hub_->waits_;
                                    start.ok() && waits != nullptr) {
                                  start->wait_reason = waits->Of(start->job);
                                }
                                if (self->FinishRead(id, generation, start)) self->wake_();
                                self->StartReads();
                              });
  }
}

bool WatchSession::FinishRead(int64_t id, int64_t generation,
                              const absl::StatusOr<WatchStart>& start) {
  MutexLock lock(&mutex_);
  --reads_;
  const auto it = watches_.find(id);
  if (it == watches_.end() || it->second.generation != generation) return false;
  Watch& watch = it->second;
  watch.reading = false;
  untaken_bytes_ -= watch.events.pending_bytes();
  watch.events.Start(start);
  untaken_bytes_ += watch.events.pending_bytes();
  return MarkDirty(id, watch);
}

bool WatchSession::Offer(int64_t id, const JobId& job, const v1::JobEvent* event,
                         const absl::Status& end) {
  MutexLock lock(&mutex_);
  const auto it = watches_.find(id);
  // The number may be another's by now.
  if (it == watches_.end() || it->second.job != job) return false;
  Watch& watch = it->second;
  if (watch.waits_for_read) return false;
  untaken_bytes_ -= watch.events.pending_bytes();
  if (event == nullptr) {
    watch.events.End(end);
  } else if (untaken_bytes_ < kMaxUntakenBytes) {
    watch.events.Offer(*event);
  } else {
    watch.events.Miss();
  }
  untaken_bytes_ += watch.events.pending_bytes();
  return MarkDirty(id, watch);
}

void WatchSession::MissAll() {
  MutexLock lock(&mutex_);
  for (auto& [id, watch] : watches_) {
    watch.events.Miss();
    MarkDirty(id, watch);
  }
}

bool WatchSession::MarkDirty(int64_t id, Watch& watch) {
  if (watch.dirty) return false;
  watch.dirty = true;
  dirty_.push_back(id);
  return true;
}

void WatchSession::Stop(int64_t id) {
  JobId job;
  {
    MutexLock lock(&mutex_);
    const auto it = watches_.find(id);
    if (it == watches_.end()) return;
    job = it->second.job;
    untaken_bytes_ -= it->second.events.pending_bytes();
    watches_.erase(it);
  }
  hub_->Remove(job, this, id);
}

void WatchSession::Close() {
  absl::flat_hash_map<int64_t, Watch> watches;
  {
    MutexLock lock(&mutex_);
    watches.swap(watches_);
    dirty_.clear();
    to_read_.clear();
    untaken_bytes_ = 0;
  }
  for (const auto& [id, watch] : watches) hub_->Remove(watch.job, this, id);
}

bool WatchSession::HasRoom() {
  MutexLock lock(&mutex_);
  return untaken_bytes_ < kMaxUntakenBytes;
}

bool WatchSession::Fill(internal::v1::WatchResponse* response) {
  std::vector<std::pair<int64_t, JobId>> ended;
  {
    MutexLock lock(&mutex_);
    size_t taken = 0;
    size_t bytes = 0;
    while (taken < dirty_.size() && response->items_size() < kMaxItems && bytes < kAnswerCutBytes) {
      const int64_t id = dirty_[taken++];
      const auto it = watches_.find(id);
      if (it == watches_.end()) continue;
      Watch& watch = it->second;
      watch.dirty = false;
      internal::v1::WatchResponse::Item item;
      std::optional<absl::Status> end;
      untaken_bytes_ -= watch.events.pending_bytes();
      const bool taken_any = watch.events.Take(item.mutable_events(), &end);
      untaken_bytes_ += watch.events.pending_bytes();
      if (taken_any) {
        item.set_watch(id);
        if (end.has_value()) {
          *item.mutable_end() = ToRpcStatus(*end);
          ended.emplace_back(id, watch.job);
          watches_.erase(it);
        }
        bytes += item.ByteSizeLong();
        *response->add_items() = std::move(item);
        if (end.has_value()) continue;
      }
      if (watch.events.needs_start()) QueueRead(id, watch);
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  for (const auto& [id, job] : ended) hub_->Remove(job, this, id);
  StartReads();
  return response->items_size() > 0;
}

}  // namespace buzzer::state

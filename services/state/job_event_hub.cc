// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job_event_hub.h"

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
  Watch copy;
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
      watch.reading = true;
    } else {
      watch.events.Start(checked);
      MarkDirty(start.watch(), watch);
    }
    copy = watch;
  }
  if (!checked.ok()) {
    wake_();
    return absl::OkStatus();
  }
  // Hear of commits first, read then: what is committed between is in both, and
  // JobWatch tells it once.
  hub_->Add(copy.job, weak_from_this(), start.watch());
  Read(start.watch(), copy);
  return absl::OkStatus();
}

void WatchSession::Read(int64_t id, const Watch& watch) {
  hub_->store_->GetForWatch(watch.tenant, watch.job, watch.events.told(),
                            [weak = weak_from_this(), id, generation = watch.generation](
                                const absl::StatusOr<WatchStart>& start) {
                              const auto self = weak.lock();
                              if (self != nullptr && self->FinishRead(id, generation, start))
                                self->wake_();
                            });
}

bool WatchSession::FinishRead(int64_t id, int64_t generation,
                              const absl::StatusOr<WatchStart>& start) {
  MutexLock lock(&mutex_);
  const auto it = watches_.find(id);
  if (it == watches_.end() || it->second.generation != generation) return false;
  it->second.reading = false;
  it->second.events.Start(start);
  return MarkDirty(id, it->second);
}

bool WatchSession::Offer(int64_t id, const JobId& job, const v1::JobEvent* event,
                         const absl::Status& end) {
  MutexLock lock(&mutex_);
  const auto it = watches_.find(id);
  // The number may be another's by now.
  if (it == watches_.end() || it->second.job != job) return false;
  if (event != nullptr) {
    it->second.events.Offer(*event);
  } else {
    it->second.events.End(end);
  }
  return MarkDirty(id, it->second);
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
  }
  for (const auto& [id, watch] : watches) hub_->Remove(watch.job, this, id);
}

bool WatchSession::Fill(internal::v1::WatchResponse* response) {
  std::vector<std::pair<int64_t, JobId>> ended;
  std::vector<std::pair<int64_t, Watch>> to_read;
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
      if (watch.events.Take(item.mutable_events(), &end)) {
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
      if (watch.events.needs_start() && !watch.reading) {
        watch.reading = true;
        to_read.emplace_back(id, watch);
      }
    }
    dirty_.erase(dirty_.begin(), dirty_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  for (const auto& [id, job] : ended) hub_->Remove(job, this, id);
  for (const auto& [id, watch] : to_read) Read(id, watch);
  return response->items_size() > 0;
}

}  // namespace buzzer::state

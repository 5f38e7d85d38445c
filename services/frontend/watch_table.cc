// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/watch_table.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/errors/errors.h"
#include "services/frontend/call_errors.h"
#include "services/frontend/limits.h"

namespace buzzer::frontend {
namespace {

// One message starts at most this many: about 100 KiB.
constexpr int kMaxStartsPerRequest = 1000;

using Events = google::protobuf::RepeatedPtrField<v1::JobEvent>;

// Leaves only what is newer than `told`, and raises that.
void DropTold(Events* events, int64_t* told) {
  int kept = 0;
  for (int i = 0; i < events->size(); ++i) {
    if ((*events)[i].revision() <= *told) continue;
    *told = (*events)[i].revision();
    if (kept != i) events->SwapElements(kept, i);
    ++kept;
  }
  events->DeleteSubrange(kept, events->size() - kept);
}

}  // namespace

int64_t WatchTable::Start(std::string tenant, const JobId& job, int64_t after_revision,
                          std::shared_ptr<Watcher> watcher) {
  MutexLock lock(&mutex_);
  if (watches_.size() >= kMaxWatches) return 0;
  const int64_t id = ++last_watch_;
  Watch& watch = watches_[id];
  watch.tenant = std::move(tenant);
  watch.job = job;
  watch.after_revision = after_revision;
  watch.watcher = std::move(watcher);
  if (up_) to_start_.push_back(id);
  return id;
}

void WatchTable::Stop(int64_t id) {
  std::shared_ptr<Watcher> dropped;  // Its last owner, perhaps: destroyed outside the lock.
  MutexLock lock(&mutex_);
  const auto it = watches_.find(id);
  if (it == watches_.end()) return;
  if (up_ && it->second.sent) to_stop_.push_back(id);
  dropped = std::move(it->second.watcher);
  watches_.erase(it);
}

bool WatchTable::NextRequest(internal::v1::WatchRequest* request) {
  MutexLock lock(&mutex_);
  request->mutable_stop()->Add(to_stop_.begin(), to_stop_.end());
  to_stop_.clear();
  size_t taken = 0;
  while (taken < to_start_.size() && request->start_size() < kMaxStartsPerRequest) {
    const int64_t id = to_start_[taken++];
    const auto it = watches_.find(id);
    if (it == watches_.end() || it->second.sent) continue;
    it->second.sent = true;
    auto* start = request->add_start();
    start->set_watch(id);
    start->set_tenant(it->second.tenant);
    start->set_job_id(std::string(it->second.job.bytes()));
    start->set_after_revision(it->second.after_revision);
  }
  to_start_.erase(to_start_.begin(), to_start_.begin() + static_cast<std::ptrdiff_t>(taken));
  return request->start_size() > 0 || request->stop_size() > 0;
}

bool WatchTable::OnResponse(internal::v1::WatchResponse& response) {
  bool retry = false;
  for (auto& item : *response.mutable_items()) {
    std::shared_ptr<Watcher> watcher;
    std::optional<absl::Status> end;
    {
      MutexLock lock(&mutex_);
      const auto it = watches_.find(item.watch());
      if (it == watches_.end()) continue;
      Watch& watch = it->second;
      watcher = watch.watcher;
      DropTold(item.mutable_events(), &watch.told);
      if (watch.told > 0) watch.after_revision = watch.told;
      if (item.has_end()) {
        const absl::Status status = FromRpcStatus(item.end());
        if (absl::IsUnavailable(status)) {
          // State comes or goes; the watcher need not know. Once: it is not told to end what it
          // has not been told of again.
          if (std::exchange(watch.sent, false)) {
            // One retry at a time is under way, however often watches end meanwhile.
            retry = retry || to_retry_.empty();
            to_retry_.push_back(item.watch());
          }
        } else {
          end = FromState(status);
          watches_.erase(it);
        }
      }
    }
    if (!item.events().empty() || end.has_value()) {
      watcher->OnUpdate(*item.mutable_events(), end);
    }
  }
  return retry;
}

void WatchTable::Retry() {
  MutexLock lock(&mutex_);
  if (up_) to_start_.insert(to_start_.end(), to_retry_.begin(), to_retry_.end());
  to_retry_.clear();
}

void WatchTable::OnUp() {
  MutexLock lock(&mutex_);
  up_ = true;
  to_start_.clear();
  to_stop_.clear();
  to_retry_.clear();
  for (auto& [id, watch] : watches_) {
    watch.sent = false;
    to_start_.push_back(id);
  }
  // The longest waiting first.
  std::sort(to_start_.begin(), to_start_.end());
}

void WatchTable::OnDown() {
  MutexLock lock(&mutex_);
  up_ = false;
}

size_t WatchTable::size() {
  MutexLock lock(&mutex_);
  return watches_.size();
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/type_registry.h"

#include <algorithm>
#include <functional>
#include <future>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors/errors.h"
#include "common/log/log.h"
#include "common/names/names.h"
#include "services/state/boundary/limits.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kSaveInterval = absl::Hours(1);
// An error message lists no more names than this.
constexpr size_t kMaxListed = 30;
// At least this long without a worker before another may have the place: those of a worker that
// is connected are announced anew every 10 to 20 min.
constexpr absl::Duration kIdle = absl::Minutes(30);
// Between two log lines about the limits.
constexpr absl::Duration kLogInterval = absl::Minutes(1);

bool HasJobs(const QueueCounts& counts) {
  return std::any_of(std::begin(counts.by_state), std::end(counts.by_state),
                     [](int64_t jobs) { return jobs > 0; });
}

bool HasUnfinishedJobs(const QueueCounts& counts) {
  for (const JobState job_state :
       {v1::Job::SCHEDULED, v1::Job::QUEUED, v1::Job::RUNNING, v1::Job::CANCELLING}) {
    if (counts.by_state[job_state] > 0) return true;
  }
  return false;
}

absl::Status InUse(absl::string_view reason, const std::string& message) {
  return ErrorBuilder(absl::StatusCode::kFailedPrecondition, reason, message).Build();
}

using Refusals = std::vector<internal::v1::HelloAnswer::Refusal>;

// Adds what a worker is told of one that found no place; a queue is told once.
void Refuse(const TypeRecord& type, bool for_queue, Refusals* refusals, size_t* untold) {
  if (for_queue && std::any_of(refusals->begin(), refusals->end(), [&](const auto& refusal) {
        return refusal.queue() == type.queue;
      })) {
    return;
  }
  if (refusals->size() + 1 >= static_cast<size_t>(kMaxRefusals)) {
    ++*untold;
    return;
  }
  auto& refusal = refusals->emplace_back();
  if (for_queue) {
    refusal.set_queue(type.queue);
    refusal.set_message(absl::StrCat("the limit of ", kMaxQueues,
                                     " queues is reached; 'buzzer queues delete' forgets one that "
                                     "nobody needs"));
  } else {
    refusal.set_type(type.type);
    refusal.set_message(absl::StrCat("the limit of ", kMaxTypes,
                                     " job types is reached; 'buzzer types delete' forgets one "
                                     "that nobody needs"));
  }
}

template <typename Names>
std::string ListNames(const Names& names) {
  if (names.empty()) return "(none yet: start a worker, or declare types in state's config)";
  std::vector<std::string> listed;
  for (const auto& name : names) {
    if (listed.size() == kMaxListed) {
      listed.push_back(absl::StrCat("and ", names.size() - kMaxListed, " more"));
      break;
    }
    listed.push_back(name);
  }
  return absl::StrJoin(listed, ", ");
}

absl::Status Unknown(absl::string_view reason, absl::string_view field,
                     const std::string& description) {
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, reason,
                      absl::StrCat("`", field, "`: ", description))
      .Field(field, description)
      .Build();
}

}  // namespace

TypeRegistry::TypeRegistry(JobStore* store, const Clock* clock,
                           std::function<void(std::string)> on_queue,
                           std::function<void(std::string)> on_forgotten)
    : store_(store),
      clock_(clock),
      on_queue_(std::move(on_queue)),
      on_forgotten_(std::move(on_forgotten)) {}

bool TypeRegistry::Add(const std::string& type, const std::string& queue) {
  const bool is_new = !types_by_queue_.contains(queue);
  queues_by_type_[type].insert(queue);
  types_by_queue_[queue].insert(type);
  return is_new;
}

void TypeRegistry::Declare(const std::vector<TypeRecord>& types) {
  Changes changes;
  {
    MutexLock lock(&mutex_);
    for (const TypeRecord& type : types) {
      declared_.insert({type.type, type.queue});
      if (Add(type.type, type.queue)) changes.new_queues.push_back(type.queue);
    }
  }
  Tell(std::move(changes));
}

void TypeRegistry::DeclareQueue(const std::string& queue) {
  bool is_new = false;
  {
    MutexLock lock(&mutex_);
    declared_queues_.insert(queue);
    is_new = types_by_queue_.try_emplace(queue).second;
  }
  if (is_new) on_queue_(queue);
}

void TypeRegistry::TakeUpQueuesWithJobs() {
  store_->ReadCounts([this](const absl::StatusOr<std::vector<QueueCounts>>& counts) {
    if (!counts.ok()) return;  // The next housekeeping asks again.
    Changes changes;
    for (const QueueCounts& row : *counts) {
      if (!HasUnfinishedJobs(row)) continue;
      changes.new_queues.push_back(row.queue);
      MutexLock lock(&mutex_);
      types_by_queue_.try_emplace(row.queue);
    }
    Tell(std::move(changes));
  });
}

absl::Status TypeRegistry::Load() {
  std::promise<absl::StatusOr<std::vector<TypeRecord>>> read;
  store_->ReadTypes([&read](auto types) { read.set_value(std::move(types)); });
  auto types = read.get_future().get();
  if (!types.ok()) return types.status();
  std::promise<absl::StatusOr<std::vector<std::string>>> read_paused;
  store_->ReadPausedQueues(
      [&read_paused](auto queues) { read_paused.set_value(std::move(queues)); });
  const auto paused = read_paused.get_future().get();
  if (!paused.ok()) return paused.status();
  {
    MutexLock lock(&mutex_);
    paused_.insert(paused->begin(), paused->end());
  }
  TakeUpSaved(*std::move(types));
  return absl::OkStatus();
}

void TypeRegistry::TakeUpSaved(std::vector<TypeRecord> types) {
  const absl::Time now = clock_->Now();
  std::sort(types.begin(), types.end(), [](const TypeRecord& a, const TypeRecord& b) {
    return std::tie(b.last_seen, a.type, a.queue) < std::tie(a.last_seen, b.type, b.queue);
  });
  std::optional<absl::Time> newest;
  size_t no_names = 0;
  size_t beyond_limits = 0;
  Changes changes;
  {
    MutexLock lock(&mutex_);
    for (const TypeRecord& type : types) {
      // What gave its place to another lies there as very old until the store forgets it.
      if (type.last_seen < now - kTypeRetention) break;
      // An earlier version saved any text.
      if (!IsName(type.type) || !IsName(type.queue)) {
        ++no_names;
        continue;
      }
      const bool fits = announced_.size() < kMaxTypes && (types_by_queue_.contains(type.queue) ||
                                                          types_by_queue_.size() < kMaxQueues);
      if (!fits) {
        ++beyond_limits;
        continue;
      }
      if (!newest.has_value()) newest = std::min(type.last_seen, now);
      // Idle as long as it was when state went. An announcement is saved once an hour, so one
      // whose worker is connected may have been seen an hour later than its row says.
      const absl::Duration unseen =
          std::max(*newest - type.last_seen - kSaveInterval, absl::ZeroDuration());
      announced_[{type.type, type.queue}] = {type.last_seen, clock_->Monotonic() - unseen};
      if (Add(type.type, type.queue)) changes.new_queues.push_back(type.queue);
    }
  }
  if (no_names + beyond_limits > 0) {
    log::Warning("saved_types_not_taken_up", {{"no_names", no_names},
                                              {"beyond_limits", beyond_limits},
                                              {"max_queues", kMaxQueues},
                                              {"max_types", kMaxTypes}});
  }
  Tell(std::move(changes));
}

void TypeRegistry::FindOccupiedQueues() {
  store_->ReadCounts([this](const absl::StatusOr<std::vector<QueueCounts>>& counts) {
    if (!counts.ok()) return;
    std::set<std::string> occupied;
    for (const QueueCounts& row : *counts) {
      if (HasJobs(row)) occupied.insert(row.queue);
    }
    MutexLock lock(&mutex_);
    occupied_queues_ = std::move(occupied);
  });
}

bool TypeRegistry::NeedsPlaces(const std::vector<TypeRecord>& types) const {
  MutexLock lock(&mutex_);
  std::set<absl::string_view> new_queues;
  for (const TypeRecord& type : types) {
    if (!types_by_queue_.contains(type.queue)) new_queues.insert(type.queue);
  }
  return !new_queues.empty() && types_by_queue_.size() + new_queues.size() > kMaxQueues;
}

Refusals TypeRegistry::Announce(const std::vector<TypeRecord>& types) {
  // Where the store answers later, what it says counts for the next announcement.
  if (NeedsPlaces(types)) FindOccupiedQueues();
  const absl::Time now = clock_->Now();
  Changes changes;
  std::vector<std::pair<Entry, absl::Time>> before;
  Refusals refusals;
  size_t untold = 0;
  {
    MutexLock lock(&mutex_);
    size_t refused = 0;
    const TypeRecord* first_refused = nullptr;
    for (const TypeRecord& type : types) {
      const Entry entry(type.type, type.queue);
      if (const Place place = FindPlace(entry, &changes); place != Place::kIsThere) {
        if (++refused == 1) first_refused = &type;
        Refuse(type, place == Place::kNoneForQueue, &refusals, &untold);
        continue;
      }
      if (Add(type.type, type.queue)) changes.new_queues.push_back(type.queue);
      Announced& announced = announced_[entry];
      announced.at = clock_->Monotonic();
      if (now - announced.saved >= kSaveInterval) {
        before.emplace_back(entry, announced.saved);
        changes.to_save.push_back({type.type, type.queue, now});
        announced.saved = now;
      }
    }
    if (refused > 0 && clock_->Monotonic() - refused_at_ >= kLogInterval) {
      refused_at_ = clock_->Monotonic();
      log::Error("type_limit_reached", {{"type", first_refused->type},
                                        {"queue", first_refused->queue},
                                        {"refused", refused},
                                        {"queues", types_by_queue_.size()},
                                        {"max_queues", kMaxQueues},
                                        {"max_types", kMaxTypes}});
    }
  }
  if (untold > 0) {
    refusals.emplace_back().set_message(
        absl::StrCat("and ", untold, " more, for which there is no place either"));
  }
  const std::vector<TypeRecord> to_save = std::exchange(changes.to_save, {});
  Tell(std::move(changes));
  if (to_save.empty()) return refusals;
  store_->SaveTypes(to_save, [this, before](const absl::StatusOr<bool>& done) {
    if (done.ok()) return;
    // The next announcement saves them.
    MutexLock lock(&mutex_);
    for (const auto& [entry, saved] : before) {
      const auto it = announced_.find(entry);
      if (it != announced_.end()) it->second.saved = saved;
    }
  });
  return refusals;
}

void TypeRegistry::Tell(Changes changes) {
  for (std::string& queue : changes.forgotten_queues) {
    log::Warning("queue_forgotten", {{"queue", queue}, {"why", "another takes its place"}});
    if (on_forgotten_) on_forgotten_(std::move(queue));
  }
  for (std::string& queue : changes.new_queues) on_queue_(std::move(queue));
  if (!changes.to_save.empty()) {
    store_->SaveTypes(std::move(changes.to_save), [](const absl::StatusOr<bool>&) {});
  }
}

TypeRegistry::Place TypeRegistry::FindPlace(const Entry& entry, Changes* changes) {
  const auto queue = types_by_queue_.find(entry.second);
  const bool is_new_queue = queue == types_by_queue_.end();
  if (!is_new_queue && queue->second.contains(entry.first)) return Place::kIsThere;

  // Nothing is given up before there is room for both.
  std::optional<std::string> old_queue;
  if (is_new_queue && types_by_queue_.size() >= kMaxQueues) {
    old_queue = IdleQueue(changes);
    if (!old_queue.has_value()) return Place::kNoneForQueue;
  }
  const bool frees_a_type = old_queue.has_value() && !types_by_queue_[*old_queue].empty();
  if (announced_.size() >= kMaxTypes && !frees_a_type) {
    const std::optional<Entry> old_type = IdleType(changes);
    if (!old_type.has_value()) return Place::kNoneForType;
    Drop(*old_type, changes);
  }
  if (old_queue.has_value()) GiveUp(*old_queue, changes);
  return Place::kIsThere;
}

bool TypeRegistry::IsIdle(const Entry& entry) const {
  const auto it = announced_.find(entry);
  return it != announced_.end() && clock_->Monotonic() - it->second.at >= kIdle;
}

bool TypeRegistry::HasIdleTypesOnly(const std::string& queue) const {
  const auto it = types_by_queue_.find(queue);
  if (it == types_by_queue_.end()) return false;
  for (const std::string& type : it->second) {
    if (!IsIdle({type, queue})) return false;
  }
  return true;
}

std::optional<std::string> TypeRegistry::IdleQueue(Changes* changes) const {
  if (!changes->idle_queues.has_value()) changes->idle_queues = IdleQueues();
  auto& idle = *changes->idle_queues;
  // A type of it may have been announced since, or it gave its place already.
  while (!idle.empty() && !HasIdleTypesOnly(idle.back().second)) idle.pop_back();
  if (idle.empty()) return std::nullopt;
  return idle.back().second;
}

std::optional<TypeRegistry::Entry> TypeRegistry::IdleType(Changes* changes) const {
  if (!changes->idle_types.has_value()) changes->idle_types = IdleTypes();
  auto& idle = *changes->idle_types;
  // It may have been announced since, or gone with its queue.
  while (!idle.empty() && !IsIdle(idle.back().second)) idle.pop_back();
  if (idle.empty()) return std::nullopt;
  return idle.back().second;
}

TypeRegistry::OldestLast<std::string> TypeRegistry::IdleQueues() const {
  // The newest announcement of each that may go.
  std::map<std::string, absl::Duration> idle;
  for (const auto& [queue, types] : types_by_queue_) idle[queue] = -absl::InfiniteDuration();
  for (const auto& queue : declared_queues_) idle.erase(queue);
  for (const auto& queue : paused_) idle.erase(queue);
  for (const auto& [type, queue] : declared_) idle.erase(queue);
  const absl::Duration now = clock_->Monotonic();
  for (const auto& [entry, announced] : announced_) {
    const auto it = idle.find(entry.second);
    if (it == idle.end()) continue;
    if (now - announced.at < kIdle) {
      idle.erase(it);
    } else {
      it->second = std::max(it->second, announced.at);
    }
  }
  // Not before the store has said which have jobs.
  if (!occupied_queues_.has_value()) return {};
  for (const auto& queue : *occupied_queues_) idle.erase(queue);
  OldestLast<std::string> queues;
  for (const auto& [queue, at] : idle) queues.emplace_back(at, queue);
  std::sort(queues.begin(), queues.end(), std::greater<>());
  return queues;
}

TypeRegistry::OldestLast<TypeRegistry::Entry> TypeRegistry::IdleTypes() const {
  const absl::Duration now = clock_->Monotonic();
  OldestLast<Entry> types;
  for (const auto& [entry, announced] : announced_) {
    if (now - announced.at < kIdle || declared_.contains(entry)) continue;
    types.emplace_back(announced.at, entry);
  }
  std::sort(types.begin(), types.end(), std::greater<>());
  return types;
}

void TypeRegistry::GiveUp(const std::string& queue, Changes* changes) {
  const std::set<std::string> types = types_by_queue_[queue];
  for (const std::string& type : types) Drop({type, queue}, changes);
  types_by_queue_.erase(queue);
  changes->forgotten_queues.push_back(queue);
}

void TypeRegistry::Drop(const Entry& entry, Changes* changes) {
  const auto& [type, queue] = entry;
  announced_.erase(entry);
  types_by_queue_[queue].erase(type);
  const auto queues = queues_by_type_.find(type);
  if (queues != queues_by_type_.end()) {
    queues->second.erase(queue);
    if (queues->second.empty()) queues_by_type_.erase(queues);
  }
  // So long ago that the store forgets it, as it does with old ones.
  changes->to_save.push_back({type, queue, absl::UnixEpoch()});
}

void TypeRegistry::Forget() {
  const absl::Time oldest = clock_->Now() - kTypeRetention;
  Changes none;
  MutexLock lock(&mutex_);
  for (auto it = announced_.begin(); it != announced_.end();) {
    const auto current = it++;
    if (current->second.saved >= oldest) continue;
    if (declared_.contains(current->first)) {
      announced_.erase(current);
    } else {
      Drop(Entry(current->first), &none);  // The store forgets it by itself.
    }
  }
}

void TypeRegistry::RemoveQueue(const std::string& queue, JobStore::Callback<bool> done) {
  store_->ReadCounts([this, queue, done = std::move(done)](
                         const absl::StatusOr<std::vector<QueueCounts>>& counts) mutable {
    if (!counts.ok()) return done(counts.status());
    const bool has_jobs = std::any_of(counts->begin(), counts->end(), [&](const QueueCounts& row) {
      return row.queue == queue && HasUnfinishedJobs(row);
    });
    if (!has_jobs) return RemoveEmptyQueue(queue, std::move(done));
    // They may be another tenant's: no more is said of them.
    done(InUse("QUEUE_IN_USE", absl::StrCat("queue ", queue, " has jobs that are not finished")));
  });
}

void TypeRegistry::RemoveEmptyQueue(const std::string& queue, JobStore::Callback<bool> done) {
  Changes changes;
  bool was_paused = false;
  absl::Status refused;
  {
    MutexLock lock(&mutex_);
    const bool has_declared_type =
        std::any_of(declared_.begin(), declared_.end(),
                    [&](const Entry& entry) { return entry.second == queue; });
    if (!types_by_queue_.contains(queue)) {
      refused = ErrorBuilder(absl::StatusCode::kNotFound, "QUEUE_NOT_FOUND",
                             absl::StrCat("no such queue: ", queue))
                    .Build();
    } else if (has_declared_type || declared_queues_.contains(queue)) {
      refused = InUse("QUEUE_IN_USE", absl::StrCat("queue ", queue,
                                                   " is declared in the state service's --config"));
    } else {
      GiveUp(queue, &changes);
      was_paused = paused_.erase(queue) > 0;
    }
  }
  if (!refused.ok()) return done(refused);
  if (on_forgotten_) on_forgotten_(queue);
  if (was_paused) store_->SetPaused(queue, false, [](const absl::StatusOr<bool>&) {});
  store_->SaveTypes(std::move(changes.to_save), std::move(done));
}

void TypeRegistry::RemoveType(const std::string& type, JobStore::Callback<bool> done) {
  Changes changes;
  absl::Status refused;
  {
    MutexLock lock(&mutex_);
    const auto queues = queues_by_type_.find(type);
    const bool is_declared = std::any_of(declared_.begin(), declared_.end(),
                                         [&](const Entry& entry) { return entry.first == type; });
    if (queues == queues_by_type_.end()) {
      refused = ErrorBuilder(absl::StatusCode::kNotFound, "TYPE_NOT_FOUND",
                             absl::StrCat("no such job type: ", type))
                    .Build();
    } else if (is_declared) {
      refused = InUse("TYPE_IN_USE",
                      absl::StrCat("type ", type, " is declared in the state service's --config"));
    } else {
      const std::set<std::string> all = queues->second;
      for (const std::string& queue : all) Drop({type, queue}, &changes);
    }
  }
  if (!refused.ok()) return done(refused);
  store_->SaveTypes(std::move(changes.to_save), std::move(done));
}

absl::StatusOr<std::string> TypeRegistry::ResolveQueue(const std::string& type,
                                                       const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_by_type_.find(type);
  if (it == queues_by_type_.end()) {
    std::vector<std::string> known;
    for (const auto& [name, queues] : queues_by_type_) known.push_back(name);
    return Unknown(
        "UNKNOWN_TYPE", "type",
        absl::StrCat("\"", type, "\" is not a known job type; known are: ", ListNames(known)));
  }
  const std::set<std::string>& queues = it->second;
  if (queue.empty()) return queues.contains(type) ? type : *queues.begin();
  if (queues.contains(queue)) return queue;
  return Unknown("UNKNOWN_QUEUE", "queue",
                 absl::StrCat("no handler of type ", type, " serves queue \"", queue,
                              "\"; queues of this type are: ", ListNames(queues)));
}

void TypeRegistry::SetPaused(const std::string& queue, bool paused) {
  MutexLock lock(&mutex_);
  if (paused) {
    paused_.insert(queue);
  } else {
    paused_.erase(queue);
  }
}

bool TypeRegistry::IsPaused(const std::string& queue) const {
  MutexLock lock(&mutex_);
  return paused_.contains(queue);
}

std::vector<std::string> TypeRegistry::PausedQueues() const {
  MutexLock lock(&mutex_);
  return {paused_.begin(), paused_.end()};
}

bool TypeRegistry::KnowsQueue(const std::string& queue) const {
  MutexLock lock(&mutex_);
  return types_by_queue_.contains(queue);
}

bool TypeRegistry::KnowsType(const std::string& type) const {
  MutexLock lock(&mutex_);
  return queues_by_type_.contains(type);
}

std::vector<std::string> TypeRegistry::Queues() const {
  MutexLock lock(&mutex_);
  std::vector<std::string> names;
  for (const auto& [queue, types] : types_by_queue_) names.push_back(queue);
  return names;
}

std::vector<std::string> TypeRegistry::TypesOf(const std::string& queue, size_t limit) const {
  MutexLock lock(&mutex_);
  const auto it = types_by_queue_.find(queue);
  if (it == types_by_queue_.end()) return {};
  const auto count = static_cast<std::ptrdiff_t>(std::min(limit, it->second.size()));
  return {it->second.begin(), std::next(it->second.begin(), count)};
}

}  // namespace buzzer::state

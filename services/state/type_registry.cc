// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/type_registry.h"

#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/errors/errors.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kSaveInterval = absl::Hours(1);
// An error message lists no more names than this.
constexpr size_t kMaxListed = 30;

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
                           std::function<void(std::string)> on_queue)
    : store_(store), clock_(clock), on_queue_(std::move(on_queue)) {}

bool TypeRegistry::Add(const std::string& type, const std::string& queue) {
  const bool is_new = !types_by_queue_.contains(queue);
  queues_by_type_[type].insert(queue);
  types_by_queue_[queue].insert(type);
  return is_new;
}

void TypeRegistry::Declare(const std::vector<TypeRecord>& types) {
  {
    MutexLock lock(&mutex_);
    for (const TypeRecord& type : types) declared_.insert({type.type, type.queue});
  }
  AddAll(types);
}

void TypeRegistry::AddAll(const std::vector<TypeRecord>& types) {
  for (const TypeRecord& type : types) {
    bool is_new = false;
    {
      MutexLock lock(&mutex_);
      is_new = Add(type.type, type.queue);
    }
    if (is_new) on_queue_(type.queue);
  }
}

void TypeRegistry::DeclareQueue(const std::string& queue) {
  bool is_new = false;
  {
    MutexLock lock(&mutex_);
    is_new = types_by_queue_.try_emplace(queue).second;
  }
  if (is_new) on_queue_(queue);
}

absl::Status TypeRegistry::Load() {
  std::promise<absl::StatusOr<std::vector<TypeRecord>>> read;
  store_->ReadTypes([&read](auto types) { read.set_value(std::move(types)); });
  const auto types = read.get_future().get();
  if (!types.ok()) return types.status();
  std::promise<absl::StatusOr<std::vector<std::string>>> read_paused;
  store_->ReadPausedQueues(
      [&read_paused](auto queues) { read_paused.set_value(std::move(queues)); });
  const auto paused = read_paused.get_future().get();
  if (!paused.ok()) return paused.status();
  {
    MutexLock lock(&mutex_);
    paused_.insert(paused->begin(), paused->end());
    for (const TypeRecord& type : *types) saved_[{type.type, type.queue}] = type.last_seen;
  }
  AddAll(*types);
  return absl::OkStatus();
}

void TypeRegistry::Announce(const std::vector<TypeRecord>& types) {
  const absl::Time now = clock_->Now();
  std::vector<TypeRecord> to_save;
  std::vector<TypeRecord> before;
  std::vector<std::string> new_queues;
  {
    MutexLock lock(&mutex_);
    for (const TypeRecord& type : types) {
      if (!types_by_queue_.contains(type.queue) && types_by_queue_.size() >= kMaxQueues) {
        log::Error("queue_limit_reached",
                   {{"queue", type.queue}, {"type", type.type}, {"limit", kMaxQueues}});
        continue;
      }
      if (Add(type.type, type.queue)) new_queues.push_back(type.queue);
      absl::Time& saved = saved_[{type.type, type.queue}];
      if (now - saved >= kSaveInterval) {
        before.push_back({type.type, type.queue, saved});
        to_save.push_back({type.type, type.queue, now});
        saved = now;
      }
    }
  }
  for (std::string& queue : new_queues) on_queue_(std::move(queue));
  if (to_save.empty()) return;
  store_->SaveTypes(to_save, [this, before](const absl::StatusOr<bool>& done) {
    if (done.ok()) return;
    // The next announcement saves them.
    MutexLock lock(&mutex_);
    for (const TypeRecord& type : before) saved_[{type.type, type.queue}] = type.last_seen;
  });
}

void TypeRegistry::Forget() {
  const absl::Time oldest = clock_->Now() - kTypeRetention;
  MutexLock lock(&mutex_);
  for (auto it = saved_.begin(); it != saved_.end();) {
    const auto& [entry, seen] = *it;
    if (seen >= oldest) {
      ++it;
      continue;
    }
    if (!declared_.contains(entry)) {
      const auto& [type, queue] = entry;
      types_by_queue_[queue].erase(type);
      const auto queues = queues_by_type_.find(type);
      queues->second.erase(queue);
      if (queues->second.empty()) queues_by_type_.erase(queues);
    }
    it = saved_.erase(it);
  }
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

std::vector<std::string> TypeRegistry::Queues() const {
  MutexLock lock(&mutex_);
  std::vector<std::string> names;
  for (const auto& [queue, types] : types_by_queue_) names.push_back(queue);
  return names;
}

std::vector<std::string> TypeRegistry::TypesOf(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = types_by_queue_.find(queue);
  if (it == types_by_queue_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

}  // namespace buzzer::state

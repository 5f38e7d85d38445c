// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_UNANSWERED_H_
#define SERVICES_WORKER_UNANSWERED_H_

#include <cstdint>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace buzzer::worker {

// Messages that are kept until they are answered, and sent again after a break, in the
// order in which they were added. Not thread-safe.
template <typename Key, typename Message>
class Unanswered {
 public:
  // A key that is kept already keeps its first message.
  void Add(const Key& key, Message message) {
    if (!places_.try_emplace(key, last_place_ + 1).second) return;
    messages_.emplace(++last_place_, std::make_pair(key, std::move(message)));
  }

  // Whether it was kept.
  bool Remove(const Key& key) {
    const auto it = places_.find(key);
    if (it == places_.end()) return false;
    messages_.erase(it->second);
    places_.erase(it);
    return true;
  }

  void SendAllAgain() { sent_through_ = 0; }

  // Calls `send(message)` for what was not sent yet, oldest first, until it returns
  // false; that message is not counted as sent.
  template <typename Send>
  void SendUnsent(Send send) {
    for (auto it = messages_.upper_bound(sent_through_); it != messages_.end(); ++it) {
      if (!send(it->second.second)) return;
      sent_through_ = it->first;
    }
  }

  template <typename Change>
  void ForEach(Change change) {
    for (auto& [place, entry] : messages_) change(entry.second);
  }

  size_t size() const { return messages_.size(); }

 private:
  std::map<uint64_t, std::pair<Key, Message>> messages_;
  absl::flat_hash_map<Key, uint64_t> places_;
  uint64_t last_place_ = 0;
  uint64_t sent_through_ = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_UNANSWERED_H_

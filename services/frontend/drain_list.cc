// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/drain_list.h"

namespace buzzer::frontend {

bool DrainList::Add(const std::shared_ptr<Member>& member) {
  MutexLock lock(&mutex_);
  if (draining_) return false;
  members_.emplace(member.get(), member);
  return true;
}

void DrainList::Remove(Member* member) {
  MutexLock lock(&mutex_);
  members_.erase(member);
}

void DrainList::Drain() {
  absl::flat_hash_map<Member*, std::weak_ptr<Member>> members;
  {
    MutexLock lock(&mutex_);
    draining_ = true;
    members.swap(members_);
  }
  for (const auto& [address, weak] : members) {
    if (const auto member = weak.lock(); member != nullptr) member->OnDrain();
  }
}

}  // namespace buzzer::frontend

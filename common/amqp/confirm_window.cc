// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/confirm_window.h"

#include <utility>

namespace buzzer::amqp {

void ConfirmWindow::Add(Done done) { entries_.push_back({std::move(done)}); }

void ConfirmWindow::MarkReturned(uint64_t tag) {
  if (tag >= first_tag_ && tag < next_tag()) entries_[tag - first_tag_].returned = true;
}

void ConfirmWindow::Settle(uint64_t tag, bool multiple, Fate fate) {
  if (multiple && tag == 0) tag = next_tag() - 1;
  if (tag < first_tag_ || tag >= next_tag()) return;
  const uint64_t first = multiple ? first_tag_ : tag;
  for (uint64_t t = first; t <= tag; ++t) {
    Entry& entry = entries_[t - first_tag_];
    if (!entry.done) continue;
    Done done = std::exchange(entry.done, nullptr);
    std::move(done)(entry.returned ? Fate::kReturned : fate);
  }
  while (!entries_.empty() && !entries_.front().done) {
    entries_.pop_front();
    ++first_tag_;
  }
}

void ConfirmWindow::Abandon() {
  std::deque<Entry> lost = std::exchange(entries_, {});
  first_tag_ = 1;
  for (Entry& entry : lost) {
    if (entry.done) std::move(entry.done)(Fate::kUnknown);
  }
}

}  // namespace buzzer::amqp

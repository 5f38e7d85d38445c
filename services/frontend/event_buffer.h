// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_EVENT_BUFFER_H_
#define SERVICES_FRONTEND_EVENT_BUFFER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "buzzer/v1/job.pb.h"

namespace buzzer::frontend {

// What one watcher has still to be sent: the state changes, which are few, and of
// progress the newest. Bounded: when more gathers than a slow watcher takes, the rest is
// dropped, and its watch is to be started anew from where it stands. Not thread-safe;
// pure.
class EventBuffer {
 public:
  // `after_revision`: what the watcher has seen; 0 if nothing.
  explicit EventBuffer(int64_t after_revision) : last_taken_(after_revision) {}

  // Takes the events over, in order of their revisions. Passes them over once some were
  // dropped.
  void Push(google::protobuf::RepeatedPtrField<v1::JobEvent>& events);

  // The next one to send, or nullopt.
  std::optional<v1::JobEvent> Take();

  bool empty() const { return events_.empty(); }

  // Events were dropped since the last restart. The watch is of no more use; once the
  // buffer is empty a new one is to be started after last_taken().
  bool missed() const { return missed_; }
  void Restarted() { missed_ = false; }

  // Revision of the last event taken, or what the watcher had seen before.
  int64_t last_taken() const { return last_taken_; }

 private:
  std::vector<v1::JobEvent> events_;
  int64_t last_taken_;
  bool missed_ = false;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_EVENT_BUFFER_H_

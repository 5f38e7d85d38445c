// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_SUPERVISOR_CHILDREN_H_
#define SERVICES_WORKER_HANDLERS_SUPERVISOR_CHILDREN_H_

#include <sys/types.h>

#include <set>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/mutex/mutex.h"
#include "services/worker/supervisor/process_tree.h"

namespace buzzer::worker {

// The supervisors that are children of this process, and what one leaves behind that is
// itself killed (kill -9, the kernel out of memory). This process is a child subreaper too:
// such a tree's orphans become its children. They are told by what they are not: supervisors,
// or children that it had before. Thread-safe.
class SupervisorChildren {
 public:
  // This process's; the first call, early in main, takes note of the children that it has
  // already. Never destroyed.
  static SupervisorChildren& Get();

  // Starts one by `spawn`, under the lock: no child may appear that is not known.
  absl::StatusOr<pid_t> Start(absl::FunctionRef<absl::StatusOr<pid_t>()> spawn);

  // Signals one that is known, that is: was not waited for yet.
  void Signal(pid_t supervisor, int signal);

  // Kills it and everything that it has started, as far as that is still below it; what is
  // not is left to EndOrphans.
  void Kill(pid_t supervisor);

  // Waits until it has ended; one that has not within `limit` is killed. One that does not
  // even die (stuck in the kernel) or that a debugger holds on to is left to later ones.
  void Await(pid_t supervisor, absl::Duration limit);

  // Kills every tree whose supervisor has ended, and returns when nothing of them runs any
  // more. Says so in the log if that takes long.
  void EndOrphans();

 private:
  SupervisorChildren();

  // True once there was nothing to end, not even what had just died: that one's own
  // children may have come to us after we looked.
  bool KillOrphans();

  // Reaps those that were left, and can be now.
  void ReapLeft() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  absl::flat_hash_set<pid_t> supervisors_ ABSL_GUARDED_BY(mutex_);
  // Of supervisors_: those that nobody awaits any more.
  absl::flat_hash_set<pid_t> left_ ABSL_GUARDED_BY(mutex_);
  // Orphans that are dead, and that we cannot reap since a debugger has not let go of them.
  std::set<Process> held_ ABSL_GUARDED_BY(mutex_);
  const std::set<Process> earlier_children_;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_SUPERVISOR_CHILDREN_H_

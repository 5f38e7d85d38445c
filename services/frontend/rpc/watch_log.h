// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_WATCH_LOG_H_
#define SERVICES_FRONTEND_RPC_WATCH_LOG_H_

#include "absl/strings/str_cat.h"
#include "common/log/fault_counter.h"
#include "common/log/log.h"
#include "services/frontend/rpc/call_metadata.h"

namespace buzzer::frontend {

// The line of a client that does not take what its watch has to tell, which it may do as often as
// it likes: for each event and tenant one line with a count.
inline void LogSlowWatcher(const char* event, const JobTarget& target) {
  static auto* const faults = new log::FaultCounter;
  if (const int64_t times = faults->Note(absl::StrCat(event, " ", target.tenant)); times > 0) {
    log::Warning(event,
                 {{"job", target.id.ToString()}, {"tenant", target.tenant}, {"times", times}});
  }
}

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_WATCH_LOG_H_

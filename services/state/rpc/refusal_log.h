// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_REFUSAL_LOG_H_
#define SERVICES_STATE_RPC_REFUSAL_LOG_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/log/fault_counter.h"
#include "common/log/log.h"

namespace buzzer::state {

// The line of a peer whose message, or a part of it, is refused, which may happen as often as the
// peer likes: for each event, kind of part and host one line with a count. `peer` is gRPC's.
// Thread-safe.
inline void LogRefusal(absl::string_view event, absl::string_view peer, absl::string_view part,
                       const absl::Status& why) {
  static auto* const faults = new log::FaultCounter;
  // Each connection has a port of its own.
  const absl::string_view host = peer.substr(0, peer.rfind(':'));
  if (const int64_t times = faults->Note(absl::StrCat(event, " ", part, " ", host)); times > 0) {
    log::Warning(event,
                 {{"peer", peer}, {"part", part}, {"error", why.message()}, {"times", times}});
  }
}

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_REFUSAL_LOG_H_

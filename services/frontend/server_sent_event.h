// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_SERVER_SENT_EVENT_H_
#define SERVICES_FRONTEND_SERVER_SENT_EVENT_H_

#include <string>

#include "absl/status/statusor.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer::frontend {

// How a job's events look as server-sent events (WHATWG HTML, 9.2).

inline constexpr char kEventStreamContentType[] = "text/event-stream";

// First of a stream: asks the browser to come back 1 s after a break.
inline constexpr char kRetryField[] = "retry: 1000\n\n";

// Comments, which clients pass over.
inline constexpr char kKeepAliveComment[] = ": keep-alive\n\n";
// Last of a stream whose server shuts down. A browser that comes back before there is a
// server again gives up for good, so it is asked to take its time.
inline constexpr char kShutdownComment[] = ": this server shuts down; come back\nretry: 5000\n\n";

// `id:` is the revision, `data:` the event as JSON in one line, in the style of the
// gateway's transcoder. INTERNAL if it cannot be said in JSON.
absl::StatusOr<std::string> ToServerSentEvent(const v1::JobEvent& event);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_SERVER_SENT_EVENT_H_

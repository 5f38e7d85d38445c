// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_CONFIG_H_
#define SERVICES_FRONTEND_CONFIG_H_

#include <string>

#include "absl/time/time.h"
#include "common/grpc/credentials.h"

namespace buzzer::frontend {

// How long things may take. Not flags: tests shorten them.
struct Timing {
  // From a submit to its answer, however often its batch has to be sent.
  absl::Duration submit_limit = absl::Seconds(5);
  // One call to the state service.
  absl::Duration state_deadline = absl::Seconds(5);
  // A server-sent stream is never silent for longer.
  absl::Duration keep_alive = absl::Seconds(15);
  // A watcher that does not take one message in this time is cut off.
  absl::Duration write_limit = absl::Seconds(60);
  // What unary calls get at shutdown.
  absl::Duration shutdown_grace = absl::Seconds(5);
};

// What buzzer-frontend is started with; the flags in main.cc say more.
struct Config {
  std::string listen_address = "127.0.0.1:50051";
  std::string state_address = "127.0.0.1:50052";
  // Empty: no metrics endpoint.
  std::string metrics_address = "127.0.0.1:9101";
  bool reflection = true;
  TlsFiles tls;
  Timing timing;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_CONFIG_H_

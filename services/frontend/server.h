// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_SERVER_H_
#define SERVICES_FRONTEND_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "services/frontend/config.h"

namespace buzzer::frontend {

// The frontend with all its parts wired together.
class Server {
 public:
  // Serves. Does not wait for the state service. The error says what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Config& config);

  // As Shutdown.
  virtual ~Server() = default;

  virtual int port() const = 0;
  // 0 without an endpoint.
  virtual int metrics_port() const = 0;

  // Takes no more calls, ends the watchers with a word on how to go on, answers the
  // calls under way within the grace.
  virtual void Shutdown() = 0;

  // Has a Shutdown that is under way on another thread, or comes later, cancel the calls that
  // it would wait for. Thread-safe.
  virtual void EndNow() = 0;
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_SERVER_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_SERVER_H_
#define SERVICES_WORKER_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/amqp/address.h"
#include "common/grpc/credentials.h"
#include "services/worker/config.h"

namespace buzzer::worker {

// The worker process: its core on a real broker and a real line to the state service.
class Server {
 public:
  struct Options {
    Config config;
    std::string state_address = "127.0.0.1:50052";
    amqp::Address broker;
    std::string broker_queue_prefix = "buzzer";
    std::string metrics_address = "127.0.0.1:9103";
    // Where grpc.health.v1.Health answers, without TLS: SERVING for "" while the process lives,
    // for "state" and "broker" while it is connected to them, for "ready" while it takes jobs (see
    // Readiness). Empty: nowhere.
    std::string health_address;
    TlsFiles tls;
    // The buzzer-supervisor program; used if a handler is of kind exec.
    std::string supervisor;
  };

  // Does not wait for the broker or the state service. The error says what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options);
  virtual ~Server() = default;

  // Unique per process start.
  virtual const std::string& name() const = 0;
  virtual int metrics_port() const = 0;
  // 0 without one.
  virtual int health_port() const = 0;

  // Goes on with another configuration (see Worker::Reconfigure), on the thread that calls
  // Shutdown. Nothing has changed after an error, which says what to do.
  virtual absl::Status Reconfigure(const Config& config) = 0;

  // Has a Shutdown that is under way on another thread, or comes later, hand back what runs
  // without waiting for it. Thread-safe.
  virtual void HandBackNow() = 0;

  // Drains (see Worker::Drain), then leaves the broker and the state service. False if
  // handlers still run: the process must end without destroying the server.
  virtual bool Shutdown() = 0;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_SERVER_H_

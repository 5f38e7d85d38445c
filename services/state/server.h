// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_SERVER_H_
#define SERVICES_STATE_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/amqp/address.h"
#include "common/grpc/credentials.h"
#include "services/state/config.h"

namespace buzzer::state {

// The state service with all its parts wired together.
class Server {
 public:
  struct Options {
    std::string listen_address = "127.0.0.1:50052";
    std::string metrics_address = "127.0.0.1:9102";
    std::string data_directory;
    amqp::Address broker;
    std::string broker_queue_prefix = "buzzer";
    // Jobs QUEUED or SCHEDULED in all, before a submit answers 503.
    int64_t max_waiting = 2'000'000;
    // Bytes that stay free on the data directory's disk.
    int64_t min_free_disk = 256 << 20;
    TlsFiles tls;
    Config config;
  };

  // Opens the store, takes up where the last process left, and serves. Does not wait for
  // the broker. The error says what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options);
  virtual ~Server() = default;

  virtual int port() const = 0;
  virtual int metrics_port() const = 0;

  // Takes no more calls, answers those under way, stops every part.
  virtual void Shutdown() = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_SERVER_H_

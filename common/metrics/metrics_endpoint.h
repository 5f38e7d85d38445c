// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_METRICS_METRICS_ENDPOINT_H_
#define COMMON_METRICS_METRICS_ENDPOINT_H_

#include <prometheus/collectable.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace prometheus {
class Exposer;
}

namespace buzzer {

// Serves GET /metrics in Prometheus' text format, with `buzzer_build_info` added. Connections
// that send nothing, or slowly, are cut after a second; a crowd of them can still delay a scrape,
// so no probe should ask here. Thread-safe.
class MetricsEndpoint {
 public:
  // Listens on `address` (host:port; port 0 takes a free one) and serves
  // `registry` and, if there is one, `collector`, which makes its metrics when it is
  // asked; shares both. UNAVAILABLE if the address cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address, std::shared_ptr<prometheus::Registry> registry,
      std::shared_ptr<prometheus::Collectable> collector = nullptr);

  // Stops listening.
  ~MetricsEndpoint();

  // The port it listens on.
  int port() const;

 private:
  MetricsEndpoint(std::string host, std::unique_ptr<prometheus::Exposer> exposer,
                  std::vector<std::shared_ptr<prometheus::Collectable>> collectables);

  const std::string host_;
  // The exposer holds them weakly.
  const std::vector<std::shared_ptr<prometheus::Collectable>> collectables_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace buzzer

#endif  // COMMON_METRICS_METRICS_ENDPOINT_H_

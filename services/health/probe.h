// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_HEALTH_PROBE_H_
#define SERVICES_HEALTH_PROBE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/grpc/credentials.h"

namespace buzzer::health {

struct GrpcProbe {
  // host:port, dns:///NAME:PORT or unix:PATH.
  std::string address;
  TlsFiles tls;
  // The name that the certificate must have; empty: that of the address.
  std::string tls_server_name;
};

// Asks grpc.health.v1.Health of a service. OK if it is SERVING; the message says what it
// is otherwise.
absl::Status ProbeGrpc(const GrpcProbe& probe, absl::Duration timeout);

// Asks a worker at its --health_address. OK if it is connected to state and to the broker, and
// takes jobs.
absl::Status ProbeWorker(const std::string& address, absl::Duration timeout);

}  // namespace buzzer::health

#endif  // SERVICES_HEALTH_PROBE_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-health: whether a part is well, for probes that run in its container. Exits with
// 0 if so; otherwise says on standard error why not, and exits with 1.

#include <cstdlib>
#include <string>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "common/command_line/command_line.h"
#include "services/health/probe.h"

ABSL_FLAG(std::string, address, "",
          "Asks this gRPC service whether it is serving: host:port, dns:///NAME:PORT or "
          "unix:PATH.");
ABSL_FLAG(std::string, worker, "",
          "Asks the worker with this --health_address, such as 127.0.0.1:9105, whether it is "
          "connected to state and to the broker, and takes jobs.");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(2), "Longest wait for the answer.");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file; with --tls_key and --tls_ca: mutual TLS.");
ABSL_FLAG(std::string, tls_key, "", "PEM file.");
ABSL_FLAG(std::string, tls_ca, "", "PEM file.");
ABSL_FLAG(std::string, tls_server_name, "",
          "The name that the service's certificate must have. Unset: that of --address.");

namespace {

constexpr char kProgram[] = "buzzer-health";
constexpr char kUsage[] =
    "Tells whether a part of Buzzer is well.\n"
    "  buzzer-health --address=HOST:PORT\n"
    "  buzzer-health --worker=HOST:PORT";

}  // namespace

int main(int argc, char** argv) {
  // gRPC's own log repeats, for developers, what the error says.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  if (const absl::Status flags = buzzer::ParseFlags({kProgram, kUsage}, argc, argv); !flags.ok()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError, flags);
  }
  const std::string address = absl::GetFlag(FLAGS_address);
  const std::string worker = absl::GetFlag(FLAGS_worker);
  if (address.empty() == worker.empty()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError,
                        absl::InvalidArgumentError("name one of --address and --worker"));
  }
  const absl::Duration timeout = absl::GetFlag(FLAGS_timeout);
  if (timeout <= absl::ZeroDuration() || timeout > absl::Minutes(10)) {
    return buzzer::Fail(kProgram, buzzer::kUsageError,
                        absl::InvalidArgumentError("--timeout must be above 0 and at most 10m"));
  }
  const absl::Status status =
      worker.empty()
          ? buzzer::health::ProbeGrpc({address,
                                       {absl::GetFlag(FLAGS_tls_certificate),
                                        absl::GetFlag(FLAGS_tls_key), absl::GetFlag(FLAGS_tls_ca)},
                                       absl::GetFlag(FLAGS_tls_server_name)},
                                      timeout)
          : buzzer::health::ProbeWorker(worker, timeout);
  if (!status.ok()) return buzzer::Fail(kProgram, EXIT_FAILURE, status);
  return EXIT_SUCCESS;
}

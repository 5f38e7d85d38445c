// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-frontend: the public API. Stateless: validates, forwards to the state service,
// and streams what happens to jobs.

#include <cstdlib>
#include <string>

#include "absl/flags/flag.h"
#include "common/command_line/command_line.h"
#include "common/foreign_log/foreign_log.h"
#include "common/grpc/wakeful_threads.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "common/shutdown/service_signals.h"
#include "common/version/version.h"
#include "services/frontend/server.h"

ABSL_FLAG(std::string, listen_address, "127.0.0.1:50051",
          "Where clients and the gateway reach this service: host:port (port 0: a free one) or "
          "unix:PATH.");
ABSL_FLAG(std::string, state_address, "127.0.0.1:50052",
          "The state service: host:port, dns:///name:port or unix:PATH.");
ABSL_FLAG(std::string, metrics_address, "127.0.0.1:9101",
          "Where Prometheus finds /metrics: host:port. Empty: nowhere.");
ABSL_FLAG(bool, reflection, true, "Serves gRPC reflection, so that grpcurl needs no protos.");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file; with --tls_key and --tls_ca: mutual TLS.");
ABSL_FLAG(std::string, tls_key, "", "PEM file.");
ABSL_FLAG(std::string, tls_ca, "", "PEM file.");

namespace {

constexpr char kProgram[] = "buzzer-frontend";
constexpr char kUsage[] =
    "Buzzer's public API over gRPC.\n"
    "  buzzer-frontend [--state_address=HOST:PORT]";

}  // namespace

int main(int argc, char** argv) {
  buzzer::CloseProcessToOthers();
  buzzer::DropSecretsFromEnvironment();
  buzzer::BlockServiceSignals();
  if (const absl::Status flags = buzzer::ParseFlags({kProgram, kUsage}, argc, argv); !flags.ok()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError, flags);
  }
  buzzer::log::SetService("frontend");
  buzzer::TakeForeignLogs();

  buzzer::frontend::Config config;
  config.listen_address = absl::GetFlag(FLAGS_listen_address);
  config.state_address = absl::GetFlag(FLAGS_state_address);
  config.metrics_address = absl::GetFlag(FLAGS_metrics_address);
  config.reflection = absl::GetFlag(FLAGS_reflection);
  config.tls = {absl::GetFlag(FLAGS_tls_certificate), absl::GetFlag(FLAGS_tls_key),
                absl::GetFlag(FLAGS_tls_ca)};

  const buzzer::WakefulThreads wakeful;
  auto server = buzzer::frontend::Server::Start(config);
  if (!server.ok()) return buzzer::Fail(kProgram, EXIT_FAILURE, server.status());
  const buzzer::log::Gathering gathering;
  buzzer::log::Info("serving", {{"port", (*server)->port()},
                                {"metrics_port", (*server)->metrics_port()},
                                {"state", config.state_address},
                                {"version", buzzer::kVersionText}});
  const auto on_hangup = [] {
    buzzer::log::Warning("hangup_ignored", {{"why", "the frontend has no file to read again"}});
  };
  buzzer::ServiceSignals signals;
  const int signal = signals.AwaitEnd(on_hangup);
  buzzer::log::Info("shutting_down", {{"signal", signal}});
  signals.Listen(
      [&](int further) {
        buzzer::log::Warning(
            "ending_now", {{"signal", further}, {"why", "a further signal ends calls under way"}});
        (*server)->EndNow();
      },
      on_hangup);
  (*server)->Shutdown();
  buzzer::log::Info("stopped");
  return EXIT_SUCCESS;
}

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-state: owns every job record, its history, its outbox and its timers.

#include <cstdlib>

#include "absl/flags/flag.h"
#include "absl/flags/usage.h"
#include "common/command_line/command_line.h"
#include "common/grpc/wakeful_threads.h"
#include "common/log/log.h"
#include "common/shutdown/shutdown.h"
#include "services/state/server.h"

ABSL_FLAG(std::string, listen_address, "127.0.0.1:50052",
          "Where frontends and workers reach this service: host:port (port 0: a free one) or "
          "unix:PATH.");
ABSL_FLAG(std::string, metrics_address, "127.0.0.1:9102",
          "Where Prometheus finds /metrics: host:port.");
ABSL_FLAG(std::string, data_directory, "",
          "Required. Holds the database; one process at a time. Created if need be.");
ABSL_FLAG(std::string, broker_url, "",
          "RabbitMQ: amqp://user:password@host:port/vhost. Unset: the environment variable "
          "BUZZER_BROKER_URL (better for the password), else amqp://guest:guest@127.0.0.1:5672/.");
ABSL_FLAG(std::string, broker_tls_ca, "", "PEM file to check an amqps:// broker against.");
ABSL_FLAG(std::string, broker_queue_prefix, "buzzer",
          "First part of the broker queues' names; workers must have the same.");
ABSL_FLAG(std::string, config, "", "YAML file with queues' limits and declared types. Optional.");
ABSL_FLAG(int64_t, max_waiting, 2'000'000,
          "Jobs that may wait in all before a submit answers 503.");
ABSL_FLAG(int64_t, min_free_disk_mib, 256,
          "MiB that must stay free on the data directory's disk; below it a submit answers 503.");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file; with --tls_key and --tls_ca: mutual TLS.");
ABSL_FLAG(std::string, tls_key, "", "PEM file.");
ABSL_FLAG(std::string, tls_ca, "", "PEM file.");

namespace {

constexpr char kProgram[] = "buzzer-state";

}  // namespace

int main(int argc, char** argv) {
  buzzer::BlockShutdownSignals();
  absl::SetProgramUsageMessage(
      "Buzzer's state service: every job record, its history, outbox and timers.\n"
      "  buzzer-state --data_directory=DIR [--broker_url=amqp://...]");
  if (const absl::Status flags = buzzer::ParseFlags(argc, argv); !flags.ok()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError, flags);
  }
  buzzer::log::SetService("state");

  buzzer::state::Server::Options options;
  options.listen_address = absl::GetFlag(FLAGS_listen_address);
  options.metrics_address = absl::GetFlag(FLAGS_metrics_address);
  options.data_directory = absl::GetFlag(FLAGS_data_directory);
  options.broker_queue_prefix = absl::GetFlag(FLAGS_broker_queue_prefix);
  options.max_waiting = absl::GetFlag(FLAGS_max_waiting);
  options.min_free_disk = absl::GetFlag(FLAGS_min_free_disk_mib) << 20;
  options.tls = {absl::GetFlag(FLAGS_tls_certificate), absl::GetFlag(FLAGS_tls_key),
                 absl::GetFlag(FLAGS_tls_ca)};
  if (options.data_directory.empty()) {
    return buzzer::Fail(
        kProgram, buzzer::kUsageError,
        absl::InvalidArgumentError("--data_directory is missing: name a directory on a disk that "
                                   "outlives this process"));
  }
  auto broker =
      buzzer::amqp::ParseAddress(buzzer::amqp::BrokerUrl(absl::GetFlag(FLAGS_broker_url)));
  if (!broker.ok()) return buzzer::Fail(kProgram, buzzer::kUsageError, broker.status());
  broker->tls_ca = absl::GetFlag(FLAGS_broker_tls_ca);
  options.broker = *std::move(broker);
  if (const std::string path = absl::GetFlag(FLAGS_config); !path.empty()) {
    auto config = buzzer::state::LoadConfig(path);
    if (!config.ok()) return buzzer::Fail(kProgram, buzzer::kUsageError, config.status());
    options.config = *std::move(config);
  }

  const buzzer::WakefulThreads wakeful;
  auto server = buzzer::state::Server::Start(options);
  if (!server.ok()) return buzzer::Fail(kProgram, EXIT_FAILURE, server.status());
  buzzer::log::Info("serving", {{"port", (*server)->port()},
                                {"metrics_port", (*server)->metrics_port()},
                                {"broker", options.broker.ToString()}});
  const int signal = buzzer::WaitForShutdownSignal();
  buzzer::log::Info("shutting_down", {{"signal", signal}});
  (*server)->Shutdown();
  buzzer::log::Info("stopped");
  return EXIT_SUCCESS;
}

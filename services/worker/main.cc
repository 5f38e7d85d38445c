// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-worker: takes jobs from the broker, claims them at the state service, and runs
// their handlers.

#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "common/command_line/command_line.h"
#include "common/foreign_log/foreign_log.h"
#include "common/grpc/wakeful_threads.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "common/shutdown/service_signals.h"
#include "common/version/version.h"
#include "services/worker/config.h"
#include "services/worker/handlers/supervisor_children.h"
#include "services/worker/server.h"

ABSL_FLAG(std::string, config, "",
          "Required. YAML file with the handlers; worker.example.yaml shows every key.");
ABSL_FLAG(int32_t, slots, 0, "Most jobs at once; replaces `slots` of the file. 0: as it says.");
ABSL_FLAG(std::string, state_address, "127.0.0.1:50052",
          "The state service: host:port, dns:///NAME:PORT or unix:PATH.");
ABSL_FLAG(
    std::string, broker_url, "",
    "RabbitMQ: amqp://user:password@host:port/vhost, with commas between the hosts of a cluster. "
    "Unset: the environment variable BUZZER_BROKER_URL (better for the password), else "
    "amqp://guest:guest@127.0.0.1:5672/.");
ABSL_FLAG(std::string, broker_tls_ca, "", "PEM file to check an amqps:// broker against.");
ABSL_FLAG(std::string, broker_queue_prefix, "buzzer",
          "First part of the broker queues' names; the state service must have the same.");
ABSL_FLAG(std::string, metrics_address, "127.0.0.1:9103",
          "Where Prometheus finds /metrics: host:port (port 0: a free one).");
ABSL_FLAG(std::string, health_address, "",
          "Where probes find grpc.health.v1.Health, without TLS: host:port. The name \"\" tells "
          "that the process lives, \"state\" and \"broker\" that it is connected, \"ready\" "
          "that it takes jobs. Empty: nowhere.");
ABSL_FLAG(std::string, supervisor, "",
          "The program buzzer-supervisor, which exec handlers run under. Unset: the one beside "
          "this program.");
ABSL_FLAG(std::string, tls_certificate, "", "PEM file; with --tls_key and --tls_ca: mutual TLS.");
ABSL_FLAG(std::string, tls_key, "", "PEM file.");
ABSL_FLAG(std::string, tls_ca, "", "PEM file.");

namespace {

constexpr char kProgram[] = "buzzer-worker";
constexpr char kUsage[] =
    "Buzzer's worker: takes jobs from the broker and runs their handlers.\n"
    "  buzzer-worker --config=worker.yaml [--state_address=...] [--broker_url=amqp://...]";

std::string SupervisorPath() {
  if (std::string path = absl::GetFlag(FLAGS_supervisor); !path.empty()) return path;
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return (self.parent_path() / "buzzer-supervisor").string();
}

// On a busy CPU, has this process's threads wait for their turn when they wake up instead of
// interrupting whoever runs, so that a state service in the middle of its work hands out a batch
// and not one job after the other. Threads, handlers and programs inherit it. Another policy than
// the default was chosen by someone, and stays. Without leave to change it, nothing is worse.
void RunAsBatch() {
  const sched_param none{};
  if (sched_getscheduler(0) == SCHED_OTHER) sched_setscheduler(0, SCHED_BATCH, &none);
}

// SIGHUP: takes the file as it is now; one with a fault is said, and the last one stays.
void Reload(const std::string& path, buzzer::worker::Server& server) {
  auto config = buzzer::worker::LoadConfig(path, absl::GetFlag(FLAGS_slots));
  const absl::Status taken = config.ok() ? server.Reconfigure(*config) : config.status();
  if (!taken.ok()) {
    buzzer::log::Error("reload_refused", {{"config", path},
                                          {"error", taken.message()},
                                          {"why", "the worker goes on with the file as it was"}});
    return;
  }
  buzzer::log::Info(
      "reloaded",
      {{"config", path}, {"slots", config->slots}, {"handlers", config->handlers.size()}});
}

}  // namespace

int main(int argc, char** argv) {
  buzzer::CloseProcessToOthers();
  buzzer::BlockServiceSignals();
  RunAsBatch();
  if (const absl::Status flags = buzzer::ParseFlags({kProgram, kUsage}, argc, argv); !flags.ok()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError, flags);
  }
  buzzer::log::SetService("worker");
  buzzer::TakeForeignLogs();
  buzzer::HidePasswordsOfCommandLine(argc, argv);
  buzzer::worker::SupervisorChildren::Get();

  buzzer::worker::Server::Options options;
  options.state_address = absl::GetFlag(FLAGS_state_address);
  options.broker_queue_prefix = absl::GetFlag(FLAGS_broker_queue_prefix);
  options.metrics_address = absl::GetFlag(FLAGS_metrics_address);
  options.health_address = absl::GetFlag(FLAGS_health_address);
  options.supervisor = SupervisorPath();
  options.tls = {absl::GetFlag(FLAGS_tls_certificate), absl::GetFlag(FLAGS_tls_key),
                 absl::GetFlag(FLAGS_tls_ca)};
  const std::string path = absl::GetFlag(FLAGS_config);
  if (path.empty()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError,
                        absl::InvalidArgumentError("--config is missing: name a YAML file with the "
                                                   "handlers, such as worker.example.yaml"));
  }
  if (absl::GetFlag(FLAGS_slots) < 0) {
    return buzzer::Fail(kProgram, buzzer::kUsageError,
                        absl::InvalidArgumentError("--slots must be 1 or more, or 0"));
  }
  auto config = buzzer::worker::LoadConfig(path, absl::GetFlag(FLAGS_slots));
  if (!config.ok()) return buzzer::Fail(kProgram, buzzer::kUsageError, config.status());
  options.config = *std::move(config);
  auto broker =
      buzzer::amqp::ParseAddress(buzzer::amqp::BrokerUrl(absl::GetFlag(FLAGS_broker_url)));
  if (!broker.ok()) return buzzer::Fail(kProgram, buzzer::kUsageError, broker.status());
  if (const std::string ca = absl::GetFlag(FLAGS_broker_tls_ca); !ca.empty()) broker->tls_ca = ca;
  options.broker = *std::move(broker);

  const buzzer::WakefulThreads wakeful;
  auto server = buzzer::worker::Server::Start(options);
  if (!server.ok()) return buzzer::Fail(kProgram, EXIT_FAILURE, server.status());
  const buzzer::log::Gathering gathering;
  buzzer::log::Info("serving", {{"worker", (*server)->name()},
                                {"metrics_port", (*server)->metrics_port()},
                                {"health_port", (*server)->health_port()},
                                {"slots", options.config.slots},
                                {"state", options.state_address},
                                {"broker", options.broker.ToString()},
                                {"version", buzzer::kVersionText}});
  buzzer::ServiceSignals signals;
  const int signal = signals.AwaitEnd([&] { Reload(path, **server); });
  buzzer::log::Info("shutting_down", {{"signal", signal}});
  signals.Listen(
      [&](int further) {
        buzzer::log::Warning("handing_back",
                             {{"signal", further},
                              {"why",
                               "a further signal ends the wait for jobs that run: they are "
                               "stopped, each within its grace, to run elsewhere"}});
        (*server)->HandBackNow();
      },
      [] {
        buzzer::log::Warning("reload_ignored", {{"why", "the worker ends"}});
      });
  const bool all_returned = (*server)->Shutdown();
  buzzer::log::Info("stopped");
  if (!all_returned) {
    // A thread that does not come back cannot be joined.
    buzzer::log::Flush();
    _exit(EXIT_SUCCESS);
  }
  return EXIT_SUCCESS;
}

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-state: owns every job record, its history, its outbox and its timers; and takes and
// restores backups of them.

#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/command_line/command_line.h"
#include "common/foreign_log/foreign_log.h"
#include "common/grpc/wakeful_threads.h"
#include "common/log/log.h"
#include "common/secrets/secrets.h"
#include "common/shutdown/service_signals.h"
#include "common/version/version.h"
#include "services/state/backup_commands.h"
#include "services/state/server.h"
#include "services/state/store/sqlite/file/private_directory.h"

ABSL_FLAG(std::string, listen_address, "127.0.0.1:50052",
          "Where frontends and workers reach this service: host:port (port 0: a free one) or "
          "unix:PATH.");
ABSL_FLAG(std::string, metrics_address, "127.0.0.1:9102",
          "Where Prometheus finds /metrics: host:port.");
ABSL_FLAG(std::string, data_directory, "",
          "Required. Holds the database; one process at a time. Created if need be.");
ABSL_FLAG(
    std::string, broker_url, "",
    "RabbitMQ: amqp://user:password@host:port/vhost, with commas between the hosts of a cluster. "
    "Unset: the environment variable BUZZER_BROKER_URL (better for the password), else "
    "amqp://guest:guest@127.0.0.1:5672/.");
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
ABSL_FLAG(std::string, state_address, "127.0.0.1:50052",
          "backup: the state service that runs, host:port or unix:PATH.");
ABSL_FLAG(std::string, tls_server_name, "",
          "backup: the name that its certificate must have. Unset: that of --state_address.");
ABSL_FLAG(bool, replace, false,
          "restore: moves the database that is in --data_directory already aside.");

namespace {

constexpr char kProgram[] = "buzzer-state";
constexpr char kUsage[] =
    "Buzzer's state service: every job record, its history, outbox and timers.\n"
    "  buzzer-state --data_directory=DIR [--broker_url=amqp://...]\n"
    "  buzzer-state backup FILE [--state_address=HOST:PORT]   of the service that runs there\n"
    "  buzzer-state restore FILE --data_directory=DIR         before a service starts on it\n"
    "FILE may be - for standard output or input.";

buzzer::TlsFiles Tls() {
  return {absl::GetFlag(FLAGS_tls_certificate), absl::GetFlag(FLAGS_tls_key),
          absl::GetFlag(FLAGS_tls_ca)};
}

absl::Status CheckDataDirectory() {
  if (!absl::GetFlag(FLAGS_data_directory).empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "--data_directory is missing: name a directory on a disk that outlives this process");
}

int RunCommand(const std::vector<std::string>& words) {
  if (words.size() != 2 || (words[0] != "backup" && words[0] != "restore")) {
    return buzzer::Fail(
        kProgram, buzzer::kUsageError,
        absl::InvalidArgumentError(absl::StrCat(
            "'", absl::StrJoin(words, " "), "' is neither a flag, which is --NAME=VALUE, nor ",
            "'backup FILE' or 'restore FILE'; --help tells more")));
  }
  absl::Status done;
  if (words[0] == "backup") {
    // gRPC's own log repeats, for developers, what the error says.
    setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
    done = buzzer::state::BackUp(
        {absl::GetFlag(FLAGS_state_address), Tls(), absl::GetFlag(FLAGS_tls_server_name)},
        words[1]);
  } else {
    if (const absl::Status named = CheckDataDirectory(); !named.ok()) {
      return buzzer::Fail(kProgram, buzzer::kUsageError, named);
    }
    done = buzzer::state::Restore(words[1], absl::GetFlag(FLAGS_data_directory),
                                  absl::GetFlag(FLAGS_replace));
  }
  return done.ok() ? EXIT_SUCCESS : buzzer::Fail(kProgram, EXIT_FAILURE, done);
}

}  // namespace

int main(int argc, char** argv) {
  buzzer::CloseProcessToOthers();
  umask(077);  // The database, its backups and what SQLite makes beside them are nobody else's.
  const auto words = buzzer::ParseFlagsAndWords({kProgram, kUsage}, argc, argv);
  buzzer::log::SetService("state");
  if (!words.empty()) {
    // A backup needs no broker, but may be taken in a container that has its password.
    buzzer::DropSecretsFromEnvironment();
    buzzer::HidePasswordsOfCommandLine(argc, argv);
    return RunCommand(words);
  }
  buzzer::BlockServiceSignals();
  buzzer::TakeForeignLogs();
  buzzer::HidePasswordsOfCommandLine(argc, argv);

  buzzer::state::Server::Options options;
  options.listen_address = absl::GetFlag(FLAGS_listen_address);
  options.metrics_address = absl::GetFlag(FLAGS_metrics_address);
  options.data_directory = absl::GetFlag(FLAGS_data_directory);
  options.broker_queue_prefix = absl::GetFlag(FLAGS_broker_queue_prefix);
  options.max_waiting = absl::GetFlag(FLAGS_max_waiting);
  options.min_free_disk = absl::GetFlag(FLAGS_min_free_disk_mib) << 20;
  options.tls = Tls();
  if (const absl::Status named = CheckDataDirectory(); !named.ok()) {
    return buzzer::Fail(kProgram, buzzer::kUsageError, named);
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

  buzzer::state::KeepPrivate(options.data_directory);
  const buzzer::WakefulThreads wakeful;
  auto server = buzzer::state::Server::Start(options);
  if (!server.ok()) return buzzer::Fail(kProgram, EXIT_FAILURE, server.status());
  const buzzer::log::Gathering gathering;
  buzzer::log::Info("serving", {{"port", (*server)->port()},
                                {"metrics_port", (*server)->metrics_port()},
                                {"broker", options.broker.ToString()},
                                {"version", buzzer::kVersionText}});
  const auto on_hangup = [] {
    buzzer::log::Warning("hangup_ignored", {{"why", "--config is read at start only"}});
  };
  buzzer::ServiceSignals signals;
  const int signal = signals.AwaitEnd(on_hangup);
  buzzer::log::Info("shutting_down", {{"signal", signal}});
  // It ends as fast as it can already: what it waits for is its disk.
  signals.Listen(
      [](int further) {
        buzzer::log::Info("shutting_down_already", {{"signal", further}});
      },
      on_hangup);
  (*server)->Shutdown();
  buzzer::log::Info("stopped");
  return EXIT_SUCCESS;
}

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/commands_table.h"

#include <algorithm>
#include <numeric>

namespace buzzer::cli {
namespace {

// Levenshtein's: insertions, deletions and replacements that turn `a` into `b`.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

const std::vector<OptionSpec>& GlobalOptions() {
  static const auto& options = *new std::vector<OptionSpec>{
      {"address", "HOST:PORT",
       "the frontend or the gateway, port 50051 unless named; unset: $BUZZER_ADDRESS, else "
       "127.0.0.1:50051"},
      {"output", "FORMAT", "text (default) or json: the API's messages, one a line"},
      {"timeout", "DURATION",
       "give up after this long, with exit code 5; unset: 30s for a call, no limit for a watch"},
      {"tls-certificate", "FILE", "PEM; with --tls-key and --tls-ca: mutual TLS"},
      {"tls-key", "FILE", "PEM"},
      {"tls-ca", "FILE", "PEM; the server is checked against it"},
      {"help", "", "explain the command"},
  };
  return options;
}

const std::vector<CommandSpec>& Commands() {
  static const auto& commands = *new std::vector<CommandSpec>{
      {"submit",
       "TYPE",
       "Submit a job of TYPE; prints its id once it is accepted.",
       {
           {"payload", "JSON", "the payload: JSON, @FILE with JSON in it, or - for standard input"},
           {"payload-file", "FILE", "the payload as bytes; - for standard input"},
           {"content-type", "TYPE", "of --payload-file; unset: application/octet-stream"},
           {"queue", "NAME", "wait in this queue; unset: that of the type"},
           {"priority", "CLASS", "high, normal (default) or low"},
           {"label", "KEY=VALUE", "a label; up to 32 of them", true},
           {"key", "KEY", "idempotency key: a repeat of the same submit gives the same job"},
           {"delay", "DURATION", "not before this long from now"},
           {"run-at", "TIME", "not before this time, like 2026-01-31T08:00:00Z"},
           {"deadline", "DURATION", "fail if it has not ended this long from now"},
           {"attempt-timeout", "DURATION", "fail an attempt that runs for longer"},
           {"max-attempts", "N",
            "failed attempts that end the job, 1 to 100; unset: as the handler says, else 10"},
           {"retry-initial", "DURATION",
            "from the first failed attempt to the next, 100ms to 1d; unset: as the handler says, "
            "else 2s"},
           {"retry-factor", "X",
            "how many times longer each later wait is, 1 to 10; unset: as the handler says, else "
            "2"},
           {"retry-max", "DURATION",
            "no wait is longer, up to 7d; unset: as the handler says, else 10m"},
           {"retry-jitter", "SHARE",
            "how much of a wait is drawn at random, 0 to 1; unset: as the handler says, else 0.25"},
           {"retry-final", "REASON",
            "fail for good if an attempt fails for it, such as "
            "PROGRAM_KILLED; up to 16 of them",
            true},
           {"lease", "DURATION", "how long its worker may be silent; unset: 30s"},
           {"retention", "DURATION", "keep it this long after its end; unset: 24h"},
           {"watch", "", "then watch it to its end, as the command watch does"},
       }},
      {"get", "ID", "Show a job.", {{"full", "", "with its payload and its history"}}},
      {"watch",
       "ID",
       "Show a job's progress until its end. Ctrl-C leaves the job running.",
       {{"after", "REVISION", "only what is newer than this revision"}}},
      {"result",
       "ID",
       "Write a job's result to standard output.",
       {{"output-file", "FILE", "write it there instead, once it is all there"}}},
      {"list",
       "",
       "List jobs, newest first.",
       {
           {"state", "STATE", "only those in it: scheduled, queued, running, ..."},
           {"type", "TYPE", "only those of this type"},
           {"queue", "NAME", "only those of this queue"},
           {"label", "KEY=VALUE", "only those with this label", true},
           {"filter", "FILTER",
            "only those that fit, like 'create_time >= \"2026-01-31T00:00:00Z\"'"},
           {"limit", "N", "at most so many, 1 to 10000; unset: 50"},
       }},
      {"cancel",
       "ID",
       "Ask a job to stop.",
       {{"force", "",
         "end it now, without its worker, for one that is dead: if it lives, the handler runs on "
         "until it hears of it, and what it did is not known"}}},
      {"retry", "ID", "Queue a FAILED or CANCELLED job again.", {}},
      {"delete", "ID", "Delete a job that has ended, its payload and its result.", {}},
      {"release-key", "KEY", "Free the idempotency key of a job that has ended.", {}},
      {"queues", "", "List the queues and their counts.", {}},
      {"queues get", "NAME", "Show a queue.", {}},
      {"queues pause", "NAME", "Stop handing out a queue's jobs; new ones are still accepted.", {}},
      {"queues resume", "NAME", "Hand out a queue's jobs again.", {}},
      {"queues delete", "NAME", "Forget a queue that nobody needs, and its types.", {}},
      {"types delete", "NAME", "Forget a job type for which no worker has a handler.", {}},
  };
  return commands;
}

const CommandSpec* FindCommand(absl::string_view name) {
  const auto& commands = Commands();
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const CommandSpec& spec) { return spec.name == name; });
  return found == commands.end() ? nullptr : &*found;
}

const OptionSpec* FindOption(const CommandSpec* command, absl::string_view name) {
  static const auto& none = *new std::vector<OptionSpec>;
  for (const auto* options : {command == nullptr ? &none : &command->options, &GlobalOptions()}) {
    for (const OptionSpec& option : *options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

std::string Nearest(absl::string_view word, const std::vector<absl::string_view>& candidates) {
  // Further away than this it is another word, not a mistyped one.
  size_t nearest = std::max<size_t>(1, word.size() / 3) + 1;
  absl::string_view found;
  for (const absl::string_view candidate : candidates) {
    const size_t distance = EditDistance(word.substr(0, 64), candidate);
    if (distance < nearest) {
      nearest = distance;
      found = candidate;
    }
  }
  return std::string(found);
}

}  // namespace buzzer::cli

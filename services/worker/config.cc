// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/duration/duration.h"
#include "common/limits/limits.h"
#include "common/names/names.h"
#include "common/retry_policy/retry_policy.h"
#include "common/yaml_file/yaml_file.h"
#include "services/worker/durations.h"

namespace buzzer::worker {
namespace {

constexpr int kMaxSlots = 10'000;
// Longer ones are a slip of the pen.
constexpr absl::Duration kMaxDuration = absl::Hours(24 * 365);

constexpr std::pair<absl::string_view, HandlerConfig::Kind> kKinds[] = {
    {"demo.echo", HandlerConfig::Kind::kEcho},
    {"demo.sleep", HandlerConfig::Kind::kSleep},
    {"demo.fail", HandlerConfig::Kind::kFail},
    {"exec", HandlerConfig::Kind::kExec},
};

bool IsExecutableFile(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

bool IsEnvironmentName(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

// Walks the file.
class Reader {
 public:
  Reader(std::string path, int slots, YamlFaults* faults)
      : path_(std::move(path)), slots_override_(slots), faults_(faults) {}

  Config Read(const YAML::Node& root) {
    Config config;
    if (!IsMapOf(root, {"slots", "drain_timeout", "state_outage_limit", "handlers"}, "the file")) {
      return config;
    }
    config.slots = ReadCount(root, "slots", config.slots, kMaxSlots);
    if (slots_override_ > 0) config.slots = slots_override_;
    config.drain_timeout = ReadDuration(root, "drain_timeout", config.drain_timeout, true);
    config.state_outage_limit =
        ReadDuration(root, "state_outage_limit", config.state_outage_limit, false);
    const YAML::Node handlers = root["handlers"];
    if (!handlers.IsDefined() || !handlers.IsSequence() || handlers.size() == 0) {
      Fault(handlers.IsDefined() ? handlers : root,
            "\"handlers\" must be a list of at least one handler");
      return config;
    }
    for (const auto& node : handlers) ReadHandler(node, config);
    return config;
  }

 private:
  void Fault(const YAML::Node& node, absl::string_view what) { faults_->Add(node, what); }

  // Whether it is a map; keys that are not known, or that stand there twice, are faults.
  bool IsMapOf(const YAML::Node& node, const std::set<std::string>& known, absl::string_view what) {
    if (!node.IsMap()) {
      Fault(node, absl::StrCat(what, " must be a map with the keys ", absl::StrJoin(known, ", ")));
      return false;
    }
    std::set<std::string> seen;
    for (const auto& pair : node) {
      const auto key = pair.first.as<std::string>("");
      if (!known.contains(key)) {
        Fault(pair.first,
              absl::StrCat("unknown key \"", key, "\"; known are: ", absl::StrJoin(known, ", ")));
      } else if (!seen.insert(key).second) {
        Fault(pair.first, absl::StrCat("\"", key, "\" stands here twice; keep one"));
      }
    }
    return true;
  }

  int ReadCount(const YAML::Node& parent, const char* key, int otherwise, int max) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) return otherwise;
    int count = 0;
    if (!node.IsScalar() || !absl::SimpleAtoi(node.Scalar(), &count) || count < 1 || count > max) {
      Fault(node, absl::StrCat("\"", key, "\" must be a whole number from 1 to ", max));
      return otherwise;
    }
    return count;
  }

  absl::Duration ReadDuration(const YAML::Node& parent, const char* key, absl::Duration otherwise,
                              bool may_be_zero, absl::Duration max = kMaxDuration) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) return otherwise;
    const auto duration = node.IsScalar() ? ParseDuration(node.Scalar()) : std::nullopt;
    if (!duration.has_value()) {
      Fault(node, absl::StrCat("\"", key, "\" must be ", kDurationRule));
      return otherwise;
    }
    if (*duration > max || (*duration == absl::ZeroDuration() && !may_be_zero)) {
      Fault(node,
            absl::StrCat("\"", key, "\" must be ",
                         may_be_zero ? "at most " : "above 0 and at most ", DurationText(max)));
      return otherwise;
    }
    return *duration;
  }

  // A name of a type or queue, or "" after a fault.
  std::string ReadName(const YAML::Node& parent, const char* key) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) {
      Fault(parent, absl::StrCat("\"", key, "\" is missing; it must be ", kNameRule));
      return "";
    }
    if (!node.IsScalar() || !IsName(node.Scalar())) {
      Fault(node, absl::StrCat("\"", key, "\" must be ", kNameRule));
      return "";
    }
    return node.Scalar();
  }

  std::string ReadText(const YAML::Node& parent, const char* key, std::string otherwise) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) return otherwise;
    if (!node.IsScalar() || node.Scalar().empty()) {
      Fault(node, absl::StrCat("\"", key, "\" must be a text that is not empty"));
      return otherwise;
    }
    return node.Scalar();
  }

  void ReadHandler(const YAML::Node& node, Config& config) {
    static const std::set<std::string> kForAll = {"type",  "queue",           "kind", "concurrency",
                                                  "grace", "attempt_timeout", "retry"};
    static const std::set<std::string> kForExec = {"program", "content_type", "environment",
                                                   "working_directory"};
    std::set<std::string> known = kForAll;
    known.insert(kForExec.begin(), kForExec.end());
    if (!IsMapOf(node, known, "a handler")) return;

    HandlerConfig handler;
    handler.type = ReadName(node, "type");
    handler.queue = node["queue"].IsDefined() ? ReadName(node, "queue") : handler.type;
    handler.concurrency = ReadCount(node, "concurrency", config.slots, kMaxSlots);
    if (handler.concurrency > config.slots) {
      Fault(
          node["concurrency"],
          absl::StrCat("\"concurrency\" must be at most the worker's slots (", config.slots, ")"));
    }
    handler.grace = ReadDuration(node, "grace", handler.grace, true, kMaxGrace);
    handler.attempt_timeout = ReadDuration(node, "attempt_timeout", absl::ZeroDuration(), false);
    if (node["retry"].IsDefined()) ReadRetry(node["retry"], handler);
    if (const auto kind = ReadKind(node); kind.has_value()) {
      handler.kind = *kind;
      if (*kind == HandlerConfig::Kind::kExec) {
        ReadProgram(node, handler.program);
      } else {
        for (const std::string& key : kForExec) {
          if (node[key].IsDefined()) {
            Fault(node[key], absl::StrCat("\"", key, "\" is for handlers of kind exec only"));
          }
        }
      }
    }
    for (const HandlerConfig& other : config.handlers) {
      if (!handler.type.empty() && other.type == handler.type) {
        Fault(node, absl::StrCat("type ", handler.type, " has a handler already; keep one"));
      }
    }
    config.handlers.push_back(std::move(handler));
  }

  // What stands there may still be out of its limits: FindFaults says so, by the proto's names.
  void ReadRetry(const YAML::Node& node, HandlerConfig& handler) {
    if (!IsMapOf(node, {"initial", "factor", "max", "jitter", "attempts", "final"}, "\"retry\"")) {
      return;
    }
    v1::RetryPolicy& policy = handler.retry;
    handler.max_attempts = ReadCount(node, "attempts", 0, kMaxMaxAttempts);
    if (node["initial"].IsDefined()) {
      *policy.mutable_initial_delay() = ToProto(
          ReadDuration(node, "initial", kDefaultInitialRetryDelay, true, absl::InfiniteDuration()));
    }
    if (node["max"].IsDefined()) {
      *policy.mutable_max_delay() =
          ToProto(ReadDuration(node, "max", kMaxRetryDelay, true, absl::InfiniteDuration()));
    }
    if (const auto factor = ReadNumber(node, "factor")) policy.set_factor(*factor);
    if (const auto jitter = ReadNumber(node, "jitter")) policy.set_jitter(*jitter);
    ReadReasons(node["final"], policy);
    static const std::map<absl::string_view, const char*> kKeys = {{"initial_delay", "initial"},
                                                                   {"factor", "factor"},
                                                                   {"max_delay", "max"},
                                                                   {"jitter", "jitter"},
                                                                   {"final_reasons", "final"}};
    for (const RetryPolicyFault& fault : FindFaults(policy)) {
      const char* key = kKeys.at(fault.field);
      Fault(node[key], absl::StrCat("\"", key, "\" must be ", fault.rule));
    }
  }

  // What is no number at all is a fault, and 1 then.
  std::optional<double> ReadNumber(const YAML::Node& parent, const char* key) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) return std::nullopt;
    double number = 1;
    if (!node.IsScalar() || !absl::SimpleAtod(node.Scalar(), &number)) {
      Fault(node, absl::StrCat("\"", key, "\" must be a number"));
      return 1;
    }
    return number;
  }

  void ReadReasons(const YAML::Node& node, v1::RetryPolicy& policy) {
    if (!node.IsDefined()) return;
    if (!node.IsSequence()) {
      return Fault(node, "\"final\" must be a list of reasons such as PROGRAM_FAILED");
    }
    for (const auto& reason : node) {
      policy.add_final_reasons(reason.IsScalar() ? reason.Scalar() : "");
    }
  }

  std::optional<HandlerConfig::Kind> ReadKind(const YAML::Node& handler) {
    const YAML::Node node = handler["kind"];
    const std::string text = node.IsDefined() && node.IsScalar() ? node.Scalar() : "";
    for (const auto& [name, kind] : kKinds) {
      if (text == name) return kind;
    }
    const auto names = absl::StrJoin(
        kKinds, ", ", [](std::string* out, const auto& kind) { absl::StrAppend(out, kind.first); });
    Fault(node.IsDefined() ? node : handler, absl::StrCat("\"kind\" must be one of ", names));
    return std::nullopt;
  }

  void ReadProgram(const YAML::Node& handler, ProgramConfig& program) {
    const YAML::Node argv = handler["program"];
    if (!argv.IsDefined() || !argv.IsSequence() || argv.size() == 0) {
      Fault(argv.IsDefined() ? argv : handler,
            "\"program\" must be a list: the program, then its arguments");
    } else {
      for (const auto& node : argv) {
        if (!node.IsScalar()) Fault(node, "an argument of \"program\" must be a text");
        program.argv.push_back(node.IsScalar() ? node.Scalar() : "");
      }
      ResolveProgram(argv[0], program.argv[0]);
    }
    program.content_type = ReadText(handler, "content_type", program.content_type);
    program.working_directory = ReadText(handler, "working_directory", "");
    if (!program.working_directory.empty()) {
      program.working_directory = Absolute(program.working_directory);
      if (!std::filesystem::is_directory(program.working_directory)) {
        Fault(handler["working_directory"],
              absl::StrCat("\"working_directory\" must be a directory, and ",
                           program.working_directory, " is none"));
      }
    }
    ReadEnvironment(handler["environment"], program.environment);
  }

  // A name without a slash is looked for in PATH, others next to the file.
  void ResolveProgram(const YAML::Node& node, std::string& program) {
    const std::string asked = program;
    if (asked.find('/') != std::string::npos) {
      program = Absolute(asked);
      if (!IsExecutableFile(program)) {
        Fault(node, absl::StrCat("\"program\" must be an executable file, and ", program, " is ",
                                 access(program.c_str(), F_OK) == 0 ? "none" : "missing"));
      }
      return;
    }
    const char* path = std::getenv("PATH");
    for (const absl::string_view directory : absl::StrSplit(path != nullptr ? path : "", ':')) {
      if (asked.empty() || directory.empty()) continue;
      const std::string candidate = absl::StrCat(directory, "/", asked);
      if (IsExecutableFile(candidate)) {
        program = candidate;
        return;
      }
    }
    Fault(node, absl::StrCat("\"program\": there is no executable \"", asked,
                             "\" in PATH; name one that is, or its path"));
  }

  void ReadEnvironment(const YAML::Node& node, std::map<std::string, std::string>& environment) {
    if (!node.IsDefined()) return;
    if (!node.IsMap()) return Fault(node, "\"environment\" must be a map of names and texts");
    for (const auto& pair : node) {
      const auto name = pair.first.as<std::string>("");
      if (!IsEnvironmentName(name) || absl::StartsWith(name, "BUZZER_")) {
        Fault(pair.first,
              absl::StrCat("\"", name,
                           "\" cannot be set: a variable has letters, digits and '_', and "
                           "BUZZER_ is kept for Buzzer's own"));
      } else if (!pair.second.IsScalar()) {
        Fault(pair.second, absl::StrCat("variable \"", name, "\" must be a text"));
      } else {
        environment[name] = pair.second.Scalar();
      }
    }
  }

  std::string Absolute(const std::string& path) const {
    std::error_code ignored;
    const auto directory = std::filesystem::absolute(path_, ignored).parent_path();
    return (directory / path).lexically_normal().string();
  }

  const std::string path_;
  const int slots_override_;
  YamlFaults* const faults_;
};

}  // namespace

absl::StatusOr<Config> LoadConfig(const std::string& path, int slots) {
  Config config;
  absl::Status read = ReadYamlFile(path, [&](const YAML::Node& root, YamlFaults& faults) {
    config = Reader(path, slots, &faults).Read(root);
  });
  if (!read.ok()) return read;
  return config;
}

}  // namespace buzzer::worker

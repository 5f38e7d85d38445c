// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/config.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/names/names.h"
#include "common/yaml_file/yaml_file.h"

namespace buzzer::state {
namespace {

// Finds what is wrong with a node.
class Checker {
 public:
  explicit Checker(YamlFaults* faults) : faults_(faults) {}

  void Fault(const YAML::Node& node, absl::string_view what) { faults_->Add(node, what); }

  // Whether it is a map; every key that is not among `known` is a fault.
  bool CheckMap(const YAML::Node& node, const std::set<std::string>& known,
                absl::string_view what) {
    if (!node.IsMap()) {
      Fault(node, absl::StrCat(what, " must be a map with the keys ", absl::StrJoin(known, ", ")));
      return false;
    }
    for (const auto& pair : node) {
      const auto key = pair.first.as<std::string>("");
      if (!known.contains(key)) {
        Fault(pair.first,
              absl::StrCat("unknown key \"", key, "\"; known are: ", absl::StrJoin(known, ", ")));
      }
    }
    return true;
  }

  // A name of a type or queue, or "" after a fault.
  std::string Name(const YAML::Node& parent, const char* key) {
    const YAML::Node node = parent[key];
    if (!node.IsDefined()) {
      Fault(parent, absl::StrCat("\"", key, "\" is missing"));
      return "";
    }
    auto name = node.IsScalar() ? node.as<std::string>() : "";
    if (!IsName(name)) {
      Fault(node, absl::StrCat("\"", key, "\" must be ", kNameRule));
      return "";
    }
    return name;
  }

 private:
  YamlFaults* const faults_;
};

void ReadQueues(const YAML::Node& queues, Checker& checker, Config& config) {
  if (!queues.IsDefined()) return;
  if (!queues.IsSequence()) return checker.Fault(queues, "\"queues\" must be a list");
  for (const auto& queue : queues) {
    if (!checker.CheckMap(queue, {"name", "max_waiting"}, "a queue")) continue;
    const std::string name = checker.Name(queue, "name");
    int64_t limit = 0;
    const YAML::Node max_waiting = queue["max_waiting"];
    if (!max_waiting.IsDefined() || !YAML::convert<int64_t>::decode(max_waiting, limit) ||
        limit < 1) {
      checker.Fault(max_waiting.IsDefined() ? max_waiting : queue,
                    "\"max_waiting\" must be a whole number of at least 1");
      continue;
    }
    if (name.empty()) continue;
    if (!config.max_waiting_by_queue.emplace(name, limit).second) {
      checker.Fault(queue, absl::StrCat("queue ", name, " stands here twice"));
    }
  }
}

void ReadTypes(const YAML::Node& types, Checker& checker, Config& config) {
  if (!types.IsDefined()) return;
  if (!types.IsSequence()) return checker.Fault(types, "\"types\" must be a list");
  for (const auto& type : types) {
    if (!checker.CheckMap(type, {"type", "queue"}, "a type")) continue;
    const std::string name = checker.Name(type, "type");
    const std::string queue = type["queue"].IsDefined() ? checker.Name(type, "queue") : name;
    if (!name.empty() && !queue.empty()) config.types.push_back({name, queue, {}});
  }
}

}  // namespace

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  Config config;
  absl::Status read = ReadYamlFile(path, [&](const YAML::Node& root, YamlFaults& faults) {
    Checker checker(&faults);
    if (root.IsNull() || !checker.CheckMap(root, {"queues", "types"}, "the file")) return;
    ReadQueues(root["queues"], checker, config);
    ReadTypes(root["types"], checker, config);
  });
  if (!read.ok()) return read;
  return config;
}

}  // namespace buzzer::state

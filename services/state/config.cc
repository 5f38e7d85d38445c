// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/config.h"

#include <yaml-cpp/yaml.h>

#include <exception>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/names/names.h"
#include "common/utf8/utf8.h"

namespace buzzer::state {
namespace {

// Of a fault, which may repeat what stands in the file.
constexpr size_t kMaxFaultBytes = 512;
constexpr size_t kMaxFaults = 50;

// Gathers every fault of a file before giving up on it.
class Checker {
 public:
  explicit Checker(std::string path) : path_(std::move(path)) {}

  void Fault(const YAML::Node& node, absl::string_view what) {
    if (faults_.size() == kMaxFaults) {
      ++further_faults_;
      return;
    }
    faults_.push_back(
        absl::StrCat(path_, ":", node.Mark().line + 1, ": ", OneLine(what, kMaxFaultBytes)));
  }

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

  absl::Status status() const {
    if (faults_.empty()) return absl::OkStatus();
    std::string text = absl::StrJoin(faults_, "\n");
    if (further_faults_ > 0)
      absl::StrAppend(&text, "\n", path_, ": and ", further_faults_, " more");
    return absl::InvalidArgumentError(text);
  }

 private:
  const std::string path_;
  std::vector<std::string> faults_;
  int further_faults_ = 0;
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
  // yaml-cpp reports by throwing, when a node is looked at too; it stops here.
  try {
    const YAML::Node root = YAML::LoadFile(path);
    Config config;
    if (root.IsNull()) return config;
    Checker checker(path);
    if (checker.CheckMap(root, {"queues", "types"}, "the file")) {
      ReadQueues(root["queues"], checker, config);
      ReadTypes(root["types"], checker, config);
    }
    if (absl::Status status = checker.status(); !status.ok()) return status;
    return config;
  } catch (const YAML::BadFile&) {
    return absl::NotFoundError(absl::StrCat("cannot read the configuration file ", path));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ":", error.mark.line + 1, ": not YAML: ", OneLine(error.msg, kMaxFaultBytes)));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": cannot be read: ", OneLine(error.what(), kMaxFaultBytes)));
  }
}

}  // namespace buzzer::state

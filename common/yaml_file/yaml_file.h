// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_YAML_FILE_YAML_FILE_H_
#define COMMON_YAML_FILE_YAML_FILE_H_

#include <yaml-cpp/yaml.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace buzzer {

// Gathers every fault of a file before it is given up: each with its line, on a line of its own,
// and no more than people read.
class YamlFaults {
 public:
  explicit YamlFaults(std::string path) : path_(std::move(path)) {}

  void Add(const YAML::Node& node, absl::string_view what);
  absl::Status status() const;

 private:
  const std::string path_;
  std::vector<std::string> faults_;
  int further_faults_ = 0;
};

// Reads a YAML file and lets `read` walk it; yaml-cpp reports by throwing, when a node is looked at
// too, and all of that ends here. NOT_FOUND: it cannot be read; INVALID_ARGUMENT: it is not YAML,
// or has the faults that `read` found.
absl::Status ReadYamlFile(const std::string& path,
                          absl::FunctionRef<void(const YAML::Node& root, YamlFaults& faults)> read);

}  // namespace buzzer

#endif  // COMMON_YAML_FILE_YAML_FILE_H_

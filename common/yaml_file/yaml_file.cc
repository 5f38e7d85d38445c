// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/yaml_file/yaml_file.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/utf8/utf8.h"

namespace buzzer {
namespace {

// Of a fault, which may repeat what stands in the file.
constexpr size_t kMaxFaultBytes = 512;
constexpr size_t kMaxFaults = 50;

}  // namespace

void YamlFaults::Add(const YAML::Node& node, absl::string_view what) {
  if (faults_.size() == kMaxFaults) {
    ++further_faults_;
    return;
  }
  faults_.push_back(
      absl::StrCat(path_, ":", node.Mark().line + 1, ": ", OneLine(what, kMaxFaultBytes)));
}

absl::Status YamlFaults::status() const {
  if (faults_.empty()) return absl::OkStatus();
  std::string text = absl::StrJoin(faults_, "\n");
  if (further_faults_ > 0) absl::StrAppend(&text, "\n", path_, ": and ", further_faults_, " more");
  return absl::InvalidArgumentError(text);
}

absl::Status ReadYamlFile(
    const std::string& path,
    absl::FunctionRef<void(const YAML::Node& root, YamlFaults& faults)> read) {
  try {
    const YAML::Node root = YAML::LoadFile(path);
    YamlFaults faults(path);
    read(root, faults);
    return faults.status();
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

}  // namespace buzzer

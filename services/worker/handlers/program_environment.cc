// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/program_environment.h"

#include <google/protobuf/util/json_util.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace buzzer::worker {

std::vector<std::string> MakeProgramEnvironment(
    const std::map<std::string, std::string>& configured, const Job& job) {
  std::map<std::string, std::string> variables = configured;
  for (const char* name : {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}) {
    const char* value = std::getenv(name);
    if (value != nullptr) variables.emplace(name, value);
  }
  variables["BUZZER_JOB_ID"] = job.id.ToString();
  variables["BUZZER_JOB_TYPE"] = job.type;
  variables["BUZZER_ATTEMPT"] = absl::StrCat(job.attempt);
  variables["BUZZER_TENANT"] = job.tenant;
  std::string json;
  if (job.checkpoint.has_value() &&
      google::protobuf::util::MessageToJsonString(*job.checkpoint, &json).ok()) {
    variables["BUZZER_CHECKPOINT"] = json;
  }
  std::vector<std::string> environment;
  environment.reserve(variables.size());
  for (const auto& [name, value] : variables) {
    environment.push_back(absl::StrCat(name, "=", value));
  }
  return environment;
}

}  // namespace buzzer::worker

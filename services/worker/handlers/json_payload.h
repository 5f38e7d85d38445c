// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_JSON_PAYLOAD_H_
#define SERVICES_WORKER_HANDLERS_JSON_PAYLOAD_H_

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "services/worker/handler.h"

namespace buzzer::worker {

// Reads a payload that must be a JSON object of known fields. Each getter notes the
// first fault; ask `status` at the end. Not thread-safe.
class JsonPayload {
 public:
  JsonPayload(absl::string_view payload, const std::set<std::string>& known);

  // `otherwise` if the field is not there.
  double Number(const char* field, double min, double max, double otherwise);
  int64_t Integer(const char* field, int64_t min, int64_t max, int64_t otherwise);
  bool Bool(const char* field, bool otherwise);
  std::string Text(const char* field, std::string otherwise);

  // INVALID_ARGUMENT: names the field and what would be right.
  const absl::Status& status() const { return status_; }

 private:
  // The field's value; nullptr if it is not there.
  const nlohmann::json* Find(const char* field) const;
  void Fault(absl::string_view field, absl::string_view rule);

  nlohmann::json object_;
  absl::Status status_;
};

// A final failure that says so.
Failure BadPayload(const absl::Status& status);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_JSON_PAYLOAD_H_

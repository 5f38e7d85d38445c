// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/server_sent_event.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace buzzer::frontend {

absl::StatusOr<std::string> ToServerSentEvent(const v1::JobEvent& event) {
  google::protobuf::util::JsonPrintOptions options;
  // As `print_options` in the gateway's envoy.yaml.
  options.always_print_primitive_fields = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(event, &json, options).ok()) {
    return absl::InternalError("an event of the job cannot be said in JSON");
  }
  return absl::StrCat("id: ", event.revision(), "\ndata: ", json, "\n\n");
}

}  // namespace buzzer::frontend

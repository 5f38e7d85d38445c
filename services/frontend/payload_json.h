// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_PAYLOAD_JSON_H_
#define SERVICES_FRONTEND_PAYLOAD_JSON_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/struct.pb.h"

namespace buzzer::frontend {

// The compact JSON text of a value: keys sorted, so equal values have equal text;
// whole numbers without a fraction or exponent (45, never 45.0), others as short as
// they can be read back. INVALID_ARGUMENT: NaN or infinite, which JSON cannot say, or
// nested deeper than `max_depth` objects and arrays. OUT_OF_RANGE: longer than
// `max_bytes`.
absl::StatusOr<std::string> ToJson(const google::protobuf::Value& value, int max_depth,
                                   size_t max_bytes);

// The value of a text that ToJson made. INTERNAL if it is not JSON.
absl::StatusOr<google::protobuf::Value> FromJson(absl::string_view json);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_PAYLOAD_JSON_H_

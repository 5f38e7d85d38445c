// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/boundary/values.h"

#include <algorithm>
#include <cmath>

namespace buzzer::state {

bool IsTellable(const google::protobuf::Value& value, int depth) {
  using google::protobuf::Value;
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return std::isfinite(value.number_value());
    case Value::kListValue:
      return depth > 0 &&
             std::all_of(value.list_value().values().begin(), value.list_value().values().end(),
                         [&](const Value& one) { return IsTellable(one, depth - 1); });
    case Value::kStructValue:
      return depth > 0 &&
             std::all_of(value.struct_value().fields().begin(), value.struct_value().fields().end(),
                         [&](const auto& one) { return IsTellable(one.second, depth - 1); });
    case Value::KIND_NOT_SET:
      return false;
    default:
      return true;
  }
}

}  // namespace buzzer::state

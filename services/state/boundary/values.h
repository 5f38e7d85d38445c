// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_BOUNDARY_VALUES_H_
#define SERVICES_STATE_BOUNDARY_VALUES_H_

#include <google/protobuf/struct.pb.h>

namespace buzzer::state {

// Whether every answer that has the value in it can be read by the other side and be made JSON
// of: it is nested at most `depth` deep (Protobuf parses 100 messages in each other), every
// number in it is finite, and nothing in it is unset. One that cannot would take a whole list
// of jobs along.
bool IsTellable(const google::protobuf::Value& value, int depth);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_BOUNDARY_VALUES_H_

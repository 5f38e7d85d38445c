// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_LIST_FILTER_H_
#define SERVICES_FRONTEND_LIST_FILTER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "buzzer/internal/v1/state_service.pb.h"

namespace buzzer::frontend {

// Parses ListJobsRequest.filter into the fields that restrict a list:
//
//   filter    = [ condition { "AND" condition } ]
//   condition = ( "state" | "type" | "queue" | "labels." KEY ) "=" value
//             | "create_time" ( ">=" | ">" | "<=" | "<" ) value
//   value     = characters without a space, or a string in double quotes with \" and \\ in it
//
// Each condition stands once at most; of create_time one lower and one upper bound.
// INVALID_ARGUMENT (INVALID_FILTER): what is wrong, the position (from 1) and what would
// be right.
absl::StatusOr<internal::v1::ListJobsRequest> ParseListFilter(absl::string_view filter);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_LIST_FILTER_H_

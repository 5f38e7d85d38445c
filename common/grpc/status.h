// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_STATUS_H_
#define COMMON_GRPC_STATUS_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"

namespace buzzer {

// The one mapping between absl::Status inside and grpc::Status at the edge.
// Details (see ErrorBuilder) travel as a google.rpc.Status. The message is cut, and
// details are left out, ErrorInfo last, to fit into gRPC's metadata limit.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace buzzer

#endif  // COMMON_GRPC_STATUS_H_

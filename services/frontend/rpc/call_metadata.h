// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_CALL_METADATA_H_
#define SERVICES_FRONTEND_RPC_CALL_METADATA_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/job_id/job_id.h"

namespace buzzer::frontend {

// The value of a key that the caller sent; of several, joined by ", " as HTTP does.
std::optional<std::string> FindMetadata(const grpc::CallbackServerContext& context,
                                        absl::string_view key);

// Whom the call is made for: `x-buzzer-tenant`, which the gateway sets. INVALID_ARGUMENT.
absl::StatusOr<std::string> CallerTenant(const grpc::CallbackServerContext& context);

// One job of the caller's.
struct JobTarget {
  std::string tenant;
  JobId id;
};

// From the metadata and `jobs/{id}`. Errors: those of ParseTenant and ParseJobName.
absl::StatusOr<JobTarget> FindTarget(const grpc::CallbackServerContext& context,
                                     absl::string_view name);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_CALL_METADATA_H_

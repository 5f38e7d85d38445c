// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_CALL_METADATA_H_
#define SERVICES_FRONTEND_RPC_CALL_METADATA_H_

#include <grpcpp/grpcpp.h>

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/grpc/raw_messages.h"
#include "common/job_id/job_id.h"
#include "services/frontend/limits.h"

namespace buzzer::frontend {

// Makes a message of the bytes of a request that carries no payload. Errors as ParseMessage's.
template <typename Request>
absl::StatusOr<Request> ParsePlainRequest(const grpc::ByteBuffer& bytes) {
  Request request;
  if (absl::Status status = ParseMessage(bytes, kMaxRequestFields, &request); !status.ok()) {
    return status;
  }
  return request;
}

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

// One queue, as the caller sees it.
struct QueueTarget {
  std::string tenant;
  std::string queue;
};

// From the metadata and `jobs/{id}`. Errors: those of ParseTenant and ParseJobName.
absl::StatusOr<JobTarget> FindTarget(const grpc::CallbackServerContext& context,
                                     absl::string_view name);

// From the metadata and `queues/{queue}`. Errors: those of ParseTenant and ParseQueueName.
absl::StatusOr<QueueTarget> FindQueue(const grpc::CallbackServerContext& context,
                                      absl::string_view name);

// The same of a request whose bytes hold the name. Errors: those of ParsePlainRequest too.
template <typename Request>
absl::StatusOr<JobTarget> FindTarget(const grpc::CallbackServerContext& context,
                                     const grpc::ByteBuffer& bytes) {
  const auto request = ParsePlainRequest<Request>(bytes);
  if (!request.ok()) return request.status();
  return FindTarget(context, request->name());
}

template <typename Request>
absl::StatusOr<QueueTarget> FindQueue(const grpc::CallbackServerContext& context,
                                      const grpc::ByteBuffer& bytes) {
  const auto request = ParsePlainRequest<Request>(bytes);
  if (!request.ok()) return request.status();
  return FindQueue(context, request->name());
}

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_CALL_METADATA_H_

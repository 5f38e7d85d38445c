// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_FETCH_JOB_H_
#define SERVICES_FRONTEND_RPC_FETCH_JOB_H_

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "buzzer/v1/job.pb.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/parts.h"
#include "services/frontend/rpc/unary_call.h"

namespace buzzer::frontend {

// Reads the job as it stands, with `full` payload and history too. `done` runs on a gRPC
// thread. Errors as StateClient's.
void FetchJob(const Parts& parts, const JobTarget& target, bool full,
              std::function<void(absl::StatusOr<v1::Job>)> done);

// Answers with the job as it stands, or with the error. Its headers are ETag, and Retry-After
// until it is terminal. The gateway says that no answer may be kept.
void AnswerJob(const std::shared_ptr<UnaryCall>& call, absl::StatusOr<v1::Job> job,
               grpc::ByteBuffer* response);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_FETCH_JOB_H_

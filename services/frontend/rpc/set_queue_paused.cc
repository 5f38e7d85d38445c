// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/rpc/set_queue_paused.h"

#include <utility>

#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {

void SetQueuePaused(const Parts& parts, const grpc::CallbackServerContext& context,
                    const std::string& name, bool paused, const std::shared_ptr<UnaryCall>& call,
                    v1::Queue* response) {
  const auto tenant = CallerTenant(context);
  const auto queue = ParseQueueName(name);
  if (!tenant.ok() || !queue.ok()) {
    call->Finish(tenant.ok() ? queue.status() : tenant.status());
    return;
  }
  internal::v1::SetQueuePausedRequest request;
  request.set_tenant(*tenant);
  request.set_queue(*queue);
  request.set_paused(paused);
  parts.state->SetQueuePaused(
      std::move(request),
      [call, response](absl::StatusOr<internal::v1::SetQueuePausedResponse> answer) {
        if (answer.ok()) *response = std::move(*answer->mutable_queue());
        call->Finish(answer.status());
      });
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_ECHO_H_
#define SERVICES_WORKER_HANDLERS_ECHO_H_

#include "services/worker/handler.h"

namespace buzzer::worker {

// `demo.echo`: the result is the payload, with its content type. Thread-safe.
class EchoHandler final : public Handler {
 public:
  HandlerResult Run(JobContext& context) override;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_ECHO_H_

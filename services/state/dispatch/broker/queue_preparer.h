// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_BROKER_QUEUE_PREPARER_H_
#define SERVICES_STATE_DISPATCH_BROKER_QUEUE_PREPARER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/amqp/publisher.h"
#include "services/state/dispatch/broker/broker_queues.h"
#include "services/state/dispatch/broker/publisher_gate.h"

namespace buzzer::state {

// Carries out at the broker what BrokerQueues says: deletes a queue if it is to be made anew,
// declares it, and empties it if it holds something. Remembers nothing between the calls, so
// several steps may be under way at once.
//
// Thread-safe. Must outlive the publisher of the gate, whose threads bring the broker's answers.
class QueuePreparer {
 public:
  // How the step went, as for BrokerQueues::OnPrepared. Runs on any thread, also before Prepare
  // has returned.
  using Done = std::function<void(const BrokerQueues::Step& step, const absl::Status& status)>;

  // `publisher` is not owned.
  QueuePreparer(PublisherGate* publisher, Done done);

  // Done follows, unless the gate closes meanwhile.
  void Prepare(const BrokerQueues::Step& step);
  // Deletes a queue that nobody needs any more. Nobody hears how that went: what stays is empty,
  // and is declared again if it is needed.
  void Delete(const std::string& queue);

 private:
  void Declare(const BrokerQueues::Step& step);
  void OnDeclared(const BrokerQueues::Step& step, const absl::StatusOr<amqp::QueueInfo>& info);

  PublisherGate* const publisher_;
  const Done done_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_BROKER_QUEUE_PREPARER_H_

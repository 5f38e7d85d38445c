// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/broker/queue_preparer.h"

#include <utility>

#include "common/log/log.h"

namespace buzzer::state {
namespace {

amqp::Line LineOf(const BrokerQueues::Step& step) {
  return step.alone ? amqp::Line::kAlone : amqp::Line::kShared;
}

}  // namespace

QueuePreparer::QueuePreparer(PublisherGate* publisher, Done done)
    : publisher_(publisher), done_(std::move(done)) {}

void QueuePreparer::Prepare(const BrokerQueues::Step& step) {
  if (!step.remake) {
    Declare(step);
    return;
  }
  const auto publisher = publisher_->Enter();
  if (!publisher) return;
  log::Warning("broker_queue_remade",
               {{"broker_queue", step.queue},
                {"why",
                 "asking for it alone has lost the connection every time; what it "
                 "held is dispatched again"}});
  publisher->Delete(step.queue, amqp::Line::kAlone, [this, step](const absl::Status& deleted) {
    if (deleted.ok()) {
      Declare(step);
    } else {
      done_(step, deleted);
    }
  });
}

void QueuePreparer::Declare(const BrokerQueues::Step& step) {
  const auto publisher = publisher_->Enter();
  if (!publisher) return;
  publisher->Declare(
      step.queue, LineOf(step),
      [this, step](const absl::StatusOr<amqp::QueueInfo>& info) { OnDeclared(step, info); });
}

void QueuePreparer::OnDeclared(const BrokerQueues::Step& step,
                               const absl::StatusOr<amqp::QueueInfo>& info) {
  // One that is empty needs no purge; nor does one without a leader get one, which would cost the
  // connection: the broker says that it is empty.
  if (!info.ok() || info->ready == 0 || step.check) {
    done_(step, info.status());
    return;
  }
  const auto publisher = publisher_->Enter();
  if (!publisher) return;
  publisher->Purge(step.queue, LineOf(step), [this, step](const absl::Status& purged) {
    if (!purged.ok() && !absl::IsNotFound(purged)) {
      // It has lost its leader since it was declared. What it holds twice then
      // is harmless, since the claim decides.
      log::Warning("broker_queue_not_purged",
                   {{"broker_queue", step.queue}, {"error", purged.message()}});
    }
    done_(step, absl::IsNotFound(purged) ? purged : absl::OkStatus());
  });
}

void QueuePreparer::Delete(const std::string& queue) {
  const auto publisher = publisher_->Enter();
  if (publisher) publisher->Delete(queue, amqp::Line::kShared, [](const absl::Status&) {});
}

}  // namespace buzzer::state

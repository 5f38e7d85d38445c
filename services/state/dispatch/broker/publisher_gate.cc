// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/broker/publisher_gate.h"

#include <utility>

namespace buzzer::state {

PublisherGate::Use::Use(Use&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)),
      publisher_(std::exchange(other.publisher_, nullptr)) {}

PublisherGate::Use::~Use() {
  if (gate_ != nullptr) gate_->Leave();
}

void PublisherGate::Open(std::unique_ptr<amqp::Publisher> publisher) {
  MutexLock lock(&mutex_);
  publisher_ = std::move(publisher);
  open_ = true;
}

PublisherGate::Use PublisherGate::Enter() {
  MutexLock lock(&mutex_);
  if (!open_) return {nullptr, nullptr};
  ++uses_;
  return {this, publisher_.get()};
}

void PublisherGate::Leave() {
  MutexLock lock(&mutex_);
  if (--uses_ == 0) left_.NotifyAll();
}

void PublisherGate::Close() {
  std::unique_ptr<amqp::Publisher> publisher;
  {
    MutexLock lock(&mutex_);
    open_ = false;
    while (uses_ > 0) left_.Wait(&mutex_);
    publisher = std::move(publisher_);
  }
  publisher.reset();
}

}  // namespace buzzer::state

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_DISPATCH_BROKER_PUBLISHER_GATE_H_
#define SERVICES_STATE_DISPATCH_BROKER_PUBLISHER_GATE_H_

#include <memory>

#include "common/amqp/publisher.h"
#include "common/mutex/mutex.h"

namespace buzzer::state {

// Owns the publisher, and lets nobody in any more before it is destroyed: its callbacks come on
// threads of its own, and call it again.
//
// Thread-safe. Its lock is not held while the publisher is called, nor while it is destroyed.
class PublisherGate {
 public:
  // Keeps the publisher alive as long as it lives itself. It converts to false if there is no
  // publisher to use.
  class Use {
   public:
    Use(Use&& other) noexcept;
    Use& operator=(Use&&) = delete;
    ~Use();

    explicit operator bool() const { return gate_ != nullptr; }
    amqp::Publisher* operator->() const { return publisher_; }

   private:
    friend class PublisherGate;
    Use(PublisherGate* gate, amqp::Publisher* publisher) : gate_(gate), publisher_(publisher) {}

    PublisherGate* gate_;
    amqp::Publisher* publisher_;
  };

  PublisherGate() = default;
  ~PublisherGate() { Close(); }
  PublisherGate(const PublisherGate&) = delete;
  PublisherGate& operator=(const PublisherGate&) = delete;

  void Open(std::unique_ptr<amqp::Publisher> publisher);
  // False before Open and from Close on.
  Use Enter();
  // Waits for every use to end, then destroys the publisher. Not to be called by whoever has one.
  void Close();

 private:
  void Leave();

  Mutex mutex_;
  CondVar left_;
  std::unique_ptr<amqp::Publisher> publisher_ ABSL_GUARDED_BY(mutex_);
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  int uses_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_DISPATCH_BROKER_PUBLISHER_GATE_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_INTEGRATION_SUPPORT_BROKER_NODE_H_
#define TESTS_INTEGRATION_SUPPORT_BROKER_NODE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "common/amqp/address.h"

namespace buzzer::testing {

// A real RabbitMQ node of the test's own, through tools/broker, in a new temporary
// directory and on free ports. Every step that fails ends the test program: nothing
// after it would mean anything. Not thread-safe.
class BrokerNode {
 public:
  // Starts the node and waits until it takes logins (seconds).
  BrokerNode();
  // Stops it and deletes the directory.
  ~BrokerNode();
  BrokerNode(const BrokerNode&) = delete;
  BrokerNode& operator=(const BrokerNode&) = delete;

  const amqp::Address& address() const { return address_; }
  // `amqp://...`, password included.
  const std::string& url() const { return url_; }

  // Keeps the data; the same port again after Start.
  void Start();
  void Stop();
  // kill -9.
  void Kill();
  // SIGSTOP and SIGCONT.
  void Freeze();
  void Thaw();

  // Runs rabbitmqctl against the node and returns what it printed.
  std::string Ctl(absl::string_view arguments);
  // While the alarm is on the broker takes no messages.
  void SetMemoryAlarm(bool on);

 private:
  void Signal(int signal);

  std::string directory_;
  std::string url_;
  amqp::Address address_;
};

}  // namespace buzzer::testing

#endif  // TESTS_INTEGRATION_SUPPORT_BROKER_NODE_H_

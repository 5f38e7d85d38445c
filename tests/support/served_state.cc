// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/served_state.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/limits/message_limits.h"

namespace buzzer::state {

ServedState::ServedState(JobStore* store, const Clock* clock)
    : clock_(clock),
      waits_(&types_, &workers_),
      dispatcher_(DispatcherOptions(store, clock)),
      hub_(store, &waits_),
      rates_(clock),
      types_(
          store, clock, [this](const std::string& queue) { dispatcher_.AddQueue(queue); },
          [this](const std::string& queue) { dispatcher_.RemoveQueue(queue); }),
      queues_({store, &types_, &workers_, &rates_, clock, {}}),
      service_({store, &types_, &hub_, &dispatcher_, &queues_, &workers_, &waits_}) {
  for (CommitObserver* observer :
       std::initializer_list<CommitObserver*>{&dispatcher_, &hub_, &rates_, &workers_}) {
    store->AddObserver(observer);
  }
  dispatcher_.Start();
  broker_.SetUp(true);
  GrpcServer::Options options;
  options.address = "127.0.0.1:0";
  options.credentials = grpc::InsecureServerCredentials();
  options.services = {&service_};
  options.max_receive_bytes = kMaxStateRequestBytes;
  auto server = GrpcServer::Start(options);
  if (!server.ok()) std::abort();
  server_ = *std::move(server);
}

ServedState::~ServedState() { StopServing(); }

std::string ServedState::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

void ServedState::StopServing() {
  server_->Shutdown(absl::ZeroDuration());
  dispatcher_.Stop();
}

void ServedState::Announce(const std::string& type, const std::string& queue) {
  types_.Announce({{type, queue, clock_->Now()}});
}

void ServedState::Connect(int64_t worker, const std::string& type, const std::string& queue) {
  Announce(type, queue);
  internal::v1::Hello hello;
  hello.set_worker(absl::StrCat("worker-", worker));
  auto* handled = hello.add_types();
  handled->set_type(type);
  handled->set_queue(queue);
  auto* served = hello.add_queues();
  served->set_queue(queue);
  served->set_slots(1);
  workers_.Put(worker, hello, [](const internal::v1::CancelNotice&) {});
}

Dispatcher::Options ServedState::DispatcherOptions(JobStore* store, const Clock* clock) {
  Dispatcher::Options options;
  options.store = store;
  options.clock = clock;
  options.workers_of = [this](const std::string& queue) { return workers_.Of(queue); };
  options.start_publisher = [this](amqp::Publisher::Options publisher) {
    return broker_.Start(std::move(publisher));
  };
  return options;
}

}  // namespace buzzer::state

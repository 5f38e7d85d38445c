// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/wakeful_threads.h"

#include <grpcpp/grpcpp.h>

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace buzzer {
namespace {

// Well below the second after which a callback thread sleeps.
constexpr absl::Duration kInterval = absl::Milliseconds(400);

// A call that fails at once, and is told to a callback thread as every call is.
void CallNowhere(grpc::GenericStub* nowhere) {
  struct Call {
    grpc::ClientContext context;
    grpc::Slice nothing;
    grpc::ByteBuffer request{&nothing, 1};
    grpc::ByteBuffer response;
  };
  auto call = std::make_shared<Call>();
  absl::Notification done;
  nowhere->UnaryCall(&call->context, "/nowhere", grpc::StubOptions(), &call->request,
                     &call->response, [call, &done](const grpc::Status&) { done.Notify(); });
  done.WaitForNotification();
}

}  // namespace

// Without credentials gRPC makes a channel on which every call fails at once.
WakefulThreads::WakefulThreads()
    : nowhere_(grpc::CreateChannel("", nullptr)), thread_([this] {
        while (!stop_.WaitForNotificationWithTimeout(kInterval)) CallNowhere(&nowhere_);
      }) {}

WakefulThreads::~WakefulThreads() {
  stop_.Notify();
  thread_.join();
}

}  // namespace buzzer

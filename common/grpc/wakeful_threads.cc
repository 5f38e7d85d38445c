// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/wakeful_threads.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "common/clock/clock.h"
#include "common/grpc/channel.h"

// gRPC's own: runs the timers that are due. Exported by its library, in none of its headers,
// so weak: a gRPC without it is one whose timers are made otherwise.
[[gnu::weak]] void grpc_timer_manager_tick();

namespace buzzer {
namespace {

// Well below the second after which a callback thread sleeps.
constexpr std::chrono::milliseconds kInterval(400);
// A look in this many; 2 s, as the longest backoff of a channel.
constexpr int kLooksPerReconnect = 5;

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

// gRPC reads this as it starts, with the first channel.
constexpr char kBackupPoll[] = "GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS";

// Without credentials gRPC makes a channel on which every call fails at once.
std::shared_ptr<grpc::Channel> StartGrpc() {
  // Debian's Abseil looks for lock cycles at each lock that gRPC takes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // A timer that polls, and may wait for a time of the wall clock in that. It is for programs
  // that do not always poll; callback threads do.
  const bool ours = std::getenv(kBackupPoll) == nullptr;
  if (ours) setenv(kBackupPoll, "0", 0);
  auto nowhere = grpc::CreateChannel("", nullptr);
  if (ours) unsetenv(kBackupPoll);  // What the process starts is not meant.
  return nowhere;
}

}  // namespace

WakefulThreads::WakefulThreads()
    : nowhere_(StartGrpc()), steps_(Clock::Real()), thread_([this] { Loop(); }) {}

WakefulThreads::~WakefulThreads() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

bool WakefulThreads::MayBeStuck() {
  const absl::Duration now = Clock::Real()->Monotonic();
  // Either way: libfaketime, with which this is tested, moves a process's clock and not the
  // kernel's, which then is behind after a step forward.
  const absl::Duration step = absl::AbsDuration(steps_.Look());
  // A second step makes it longer for whoever waits since before the first.
  if (step > absl::ZeroDuration()) stuck_until_ = std::max(stuck_until_, now) + step;
  return now < stuck_until_;
}

void WakefulThreads::Loop() {
  for (int look = 0;; ++look) {
    {
      MutexLock lock(&mutex_);
      if (!stopping_) changed_.WaitFor(&mutex_, kInterval);
      if (stopping_) return;
    }
    if (grpc_timer_manager_tick != nullptr) grpc_timer_manager_tick();
    if (MayBeStuck() && look % kLooksPerReconnect == 0) ReconnectChannels();
    CallNowhere(&nowhere_);
  }
}

}  // namespace buzzer

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/channel.h"

#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/limits/message_limits.h"
#include "common/mutex/mutex.h"

namespace buzzer {
namespace {

// The channels of this process that are in use.
class Channels {
 public:
  static Channels& Get() {
    static auto* const channels = new Channels;
    return *channels;
  }

  void Add(const std::shared_ptr<grpc::Channel>& channel) {
    MutexLock lock(&mutex_);
    std::erase_if(channels_, [](const auto& old) { return old.expired(); });
    channels_.push_back(channel);
  }

  std::vector<std::shared_ptr<grpc::Channel>> InUse() {
    std::vector<std::shared_ptr<grpc::Channel>> in_use;
    MutexLock lock(&mutex_);
    for (const auto& weak : channels_) {
      if (auto channel = weak.lock(); channel != nullptr) in_use.push_back(std::move(channel));
    }
    return in_use;
  }

 private:
  Mutex mutex_;
  std::vector<std::weak_ptr<grpc::Channel>> channels_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(
    const std::string& target, const std::shared_ptr<grpc::ChannelCredentials>& credentials,
    const std::string& tls_server_name) {
  grpc::ChannelArguments arguments;
  if (!tls_server_name.empty()) arguments.SetSslTargetNameOverride(tls_server_name);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // Buzzer decides what may be repeated.
  // Inner addresses are never behind a web proxy, whatever the environment says.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  // As at the server: see there.
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetMaxReceiveMessageSize(kMaxAnswerBytes);
  // As the server does: nothing that a peer answers is unpacked.
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE);
  arguments.SetInt(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  auto channel = grpc::CreateCustomChannel(target, credentials, arguments);
  Channels::Get().Add(channel);
  return channel;
}

void ReconnectChannels() {
  for (const auto& channel : Channels::Get().InUse()) {
    if (channel->GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      grpc::experimental::ChannelResetConnectionBackoff(channel.get());
    }
  }
}

}  // namespace buzzer

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_CONSUMER_H_
#define TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_CONSUMER_H_

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "buzzer/internal/v1/dispatch.pb.h"
#include "common/amqp/consumer.h"
#include "common/job_id/job_id.h"
#include "common/mutex/mutex.h"

namespace buzzer::worker {

// A broker that notes what is asked of it. Thread-safe.
class FakeConsumer final : public amqp::Consumer {
 public:
  struct Channel {
    std::vector<std::string> queues;
    int prefetch = 0;
  };

  amqp::ChannelId Open(std::vector<std::string> queues, int prefetch) override {
    MutexLock lock(&mutex_);
    channels_[++last_] = {std::move(queues), prefetch};
    return last_;
  }
  void Ack(amqp::ChannelId channel, uint64_t tag) override {
    MutexLock lock(&mutex_);
    if (channels_.contains(channel)) acks_.push_back(tag);
  }
  void Close(amqp::ChannelId channel) override {
    MutexLock lock(&mutex_);
    channels_.erase(channel);
  }
  bool up() const override { return true; }

  // The open channel that consumes from this broker queue; 0: none.
  amqp::ChannelId ChannelOf(const std::string& broker_queue) const {
    MutexLock lock(&mutex_);
    for (const auto& [id, channel] : channels_) {
      if (std::count(channel.queues.begin(), channel.queues.end(), broker_queue) > 0) return id;
    }
    return 0;
  }
  int PrefetchOf(const std::string& broker_queue) const {
    const amqp::ChannelId id = ChannelOf(broker_queue);
    MutexLock lock(&mutex_);
    return id == 0 ? 0 : channels_.at(id).prefetch;
  }
  std::vector<uint64_t> acks() const {
    MutexLock lock(&mutex_);
    return acks_;
  }
  // The broker drops a channel, or all.
  void Lose(amqp::ChannelId channel) { Close(channel); }
  void LoseAll() {
    MutexLock lock(&mutex_);
    channels_.clear();
  }

  // A message for `jobs`, all of `type`, from the open channel of `broker_queue`.
  amqp::Delivery Message(const std::string& broker_queue, uint64_t tag,
                         const std::vector<JobId>& jobs, const std::string& type) const {
    internal::v1::DispatchMessage body;
    for (const JobId& job : jobs) {
      auto* entry = body.add_jobs();
      entry->set_job_id(std::string(job.bytes()));
      entry->set_type(type);
    }
    return {ChannelOf(broker_queue), tag, broker_queue, body.SerializeAsString(), false};
  }

 private:
  mutable Mutex mutex_;
  amqp::ChannelId last_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<amqp::ChannelId, Channel> channels_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> acks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace buzzer::worker

#endif  // TESTS_UNIT_SERVICES_WORKER_SUPPORT_FAKE_CONSUMER_H_

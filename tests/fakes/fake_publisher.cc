// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_publisher.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "buzzer/internal/v1/dispatch.pb.h"

namespace buzzer::testing {
namespace {

void AddJobs(const std::string& body, std::vector<JobId>* jobs) {
  internal::v1::DispatchMessage message;
  if (!message.ParseFromString(body) || message.jobs().empty()) jobs->push_back(JobId());
  for (const auto& entry : message.jobs()) {
    jobs->push_back(JobId::FromBytes(entry.job_id()).value_or(JobId()));
  }
}

absl::Status NotConnected() { return absl::UnavailableError("not connected"); }
absl::Status NoSuchQueue() { return absl::NotFoundError("no such queue"); }

}  // namespace

class FakePublisher final : public amqp::Publisher {
 public:
  explicit FakePublisher(FakeBroker* broker) : broker_(broker) {}
  ~FakePublisher() override { broker_->Close(); }

  void Publish(std::string queue, std::string body,
               absl::AnyInvocable<void(amqp::Fate) &&> done) override {
    broker_->Publish(std::move(queue), std::move(body), std::move(done));
  }
  void Declare(std::string queue, amqp::Line line,
               absl::AnyInvocable<void(absl::StatusOr<amqp::QueueInfo>) &&> done) override {
    broker_->Declare(queue, line, std::move(done));
  }
  void Inspect(std::string queue,
               absl::AnyInvocable<void(absl::StatusOr<amqp::QueueInfo>) &&> done) override {
    broker_->Inspect(queue, std::move(done));
  }
  void Delete(std::string queue, amqp::Line,
              absl::AnyInvocable<void(absl::Status) &&> done) override {
    if (broker_->up()) {
      broker_->DeleteQueue(queue);
      std::move(done)(absl::OkStatus());
    } else {
      std::move(done)(NotConnected());
    }
  }
  void Purge(std::string queue, amqp::Line,
             absl::AnyInvocable<void(absl::Status) &&> done) override {
    broker_->Purge(queue, std::move(done));
  }
  bool up() const override { return broker_->up(); }
  bool blocked() const override { return broker_->blocked(); }
  absl::Duration unconfirmed_for() const override { return absl::ZeroDuration(); }

 private:
  FakeBroker* const broker_;
};

std::unique_ptr<amqp::Publisher> FakeBroker::Start(amqp::Publisher::Options options) {
  MutexLock lock(&mutex_);
  on_up_ = std::move(options.on_up);
  on_down_ = std::move(options.on_down);
  return std::make_unique<FakePublisher>(this);
}

void FakeBroker::Close() {
  std::deque<Unconfirmed> lost;
  {
    MutexLock lock(&mutex_);
    up_ = false;
    on_up_ = nullptr;
    on_down_ = nullptr;
    lost.swap(unconfirmed_);
  }
  for (Unconfirmed& message : lost) std::move(message.done)(amqp::Fate::kUnknown);
}

void FakeBroker::SetUp(bool up) {
  std::deque<Unconfirmed> lost;
  std::function<void()> tell;
  {
    MutexLock lock(&mutex_);
    if (up_ == up) return;
    up_ = up;
    tell = up ? on_up_ : on_down_;
    lost.swap(unconfirmed_);
  }
  for (Unconfirmed& message : lost) std::move(message.done)(amqp::Fate::kUnknown);
  if (tell) tell();
  changed_.NotifyAll();
}

void FakeBroker::SetBlocked(bool blocked) {
  MutexLock lock(&mutex_);
  blocked_ = blocked;
}

void FakeBroker::SetConfirming(bool confirming) {
  MutexLock lock(&mutex_);
  confirming_ = confirming;
}

void FakeBroker::SetFate(amqp::Fate fate) {
  MutexLock lock(&mutex_);
  fate_ = fate;
}

amqp::Fate FakeBroker::Deliver(const std::string& queue, std::string body, amqp::Fate fate) {
  Queue& target = queues_[queue];
  if (fate != amqp::Fate::kConfirmed) return fate;
  if (!target.exists) return amqp::Fate::kReturned;
  target.messages.push_back(std::move(body));
  return fate;
}

void FakeBroker::Settle(amqp::Fate fate) {
  std::deque<Unconfirmed> settled;
  std::vector<amqp::Fate> fates;
  {
    MutexLock lock(&mutex_);
    settled.swap(unconfirmed_);
    for (Unconfirmed& message : settled) {
      fates.push_back(Deliver(message.queue, std::move(message.body), fate));
    }
  }
  for (size_t i = 0; i < settled.size(); ++i) std::move(settled[i].done)(fates[i]);
  changed_.NotifyAll();
}

void FakeBroker::Publish(std::string queue, std::string body,
                         absl::AnyInvocable<void(amqp::Fate) &&> done) {
  amqp::Fate fate = amqp::Fate::kUnknown;
  {
    MutexLock lock(&mutex_);
    ++published_;
    changed_.NotifyAll();
    if (up_) {
      if (blocked_ || !confirming_) {
        unconfirmed_.push_back({std::move(queue), std::move(body), std::move(done)});
        return;
      }
      fate = Deliver(queue, std::move(body), fate_);
    }
  }
  std::move(done)(fate);
  changed_.NotifyAll();
}

void FakeBroker::Declare(const std::string& queue, amqp::Line line,
                         absl::AnyInvocable<void(absl::StatusOr<amqp::QueueInfo>) &&> done) {
  absl::StatusOr<amqp::QueueInfo> info = NotConnected();
  {
    MutexLock lock(&mutex_);
    Queue& target = queues_[queue];
    ++target.declares;
    if (line == amqp::Line::kAlone) ++target.declares_alone;
    const bool shaken = line == amqp::Line::kShared &&
                        std::any_of(queues_.begin(), queues_.end(),
                                    [](const auto& one) { return one.second.broken; });
    if (target.broken || shaken) {
      info = absl::AbortedError("the connection was lost during the call");
    } else if (up_ && !blocked_) {
      target.exists = true;
      info =
          amqp::QueueInfo{target.leaderless ? 0 : static_cast<int64_t>(target.messages.size()), 0};
    }
  }
  std::move(done)(info);
  changed_.NotifyAll();
}

void FakeBroker::Inspect(const std::string& queue,
                         absl::AnyInvocable<void(absl::StatusOr<amqp::QueueInfo>) &&> done) {
  absl::StatusOr<amqp::QueueInfo> info = NotConnected();
  {
    MutexLock lock(&mutex_);
    Queue& target = queues_[queue];
    ++target.inspections;
    if (up_) {
      info = NoSuchQueue();
      if (target.exists) {
        info = amqp::QueueInfo{static_cast<int64_t>(target.messages.size()), 0};
      }
    }
  }
  std::move(done)(info);
  changed_.NotifyAll();
}

void FakeBroker::Purge(const std::string& queue, absl::AnyInvocable<void(absl::Status) &&> done) {
  absl::Status status = NotConnected();
  {
    MutexLock lock(&mutex_);
    Queue& target = queues_[queue];
    if (up_) {
      status = target.exists ? absl::OkStatus() : NoSuchQueue();
      ++target.purges;
      if (target.unpurgeable) status = absl::AbortedError("the connection was lost");
      if (status.ok()) target.messages.clear();
    }
  }
  std::move(done)(status);
  changed_.NotifyAll();
}

void FakeBroker::BreakQueue(const std::string& queue) {
  MutexLock lock(&mutex_);
  queues_[queue].broken = true;
}

void FakeBroker::DeleteQueue(const std::string& queue) {
  MutexLock lock(&mutex_);
  ++queues_[queue].deletes;
  queues_[queue].exists = false;
  queues_[queue].broken = false;
  queues_[queue].messages.clear();
}

void FakeBroker::LoseLeader(const std::string& queue) {
  MutexLock lock(&mutex_);
  queues_[queue].leaderless = true;
}

void FakeBroker::RefusePurge(const std::string& queue) {
  MutexLock lock(&mutex_);
  queues_[queue].unpurgeable = true;
}

void FakeBroker::LoseMessages(const std::string& queue) {
  MutexLock lock(&mutex_);
  queues_[queue].messages.clear();
}

std::vector<JobId> FakeBroker::Take(const std::string& queue) {
  MutexLock lock(&mutex_);
  std::vector<JobId> jobs;
  auto& messages = queues_[queue].messages;
  if (messages.empty()) return jobs;
  AddJobs(messages.front(), &jobs);
  messages.pop_front();
  return jobs;
}

std::vector<JobId> FakeBroker::Ready(const std::string& queue) const {
  MutexLock lock(&mutex_);
  std::vector<JobId> jobs;
  const auto it = queues_.find(queue);
  if (it == queues_.end()) return jobs;
  for (const std::string& body : it->second.messages) AddJobs(body, &jobs);
  return jobs;
}

bool FakeBroker::HasQueue(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  return it != queues_.end() && it->second.exists;
}

int FakeBroker::declares(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  return it == queues_.end() ? 0 : it->second.declares;
}

int FakeBroker::deletes(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  return it == queues_.end() ? 0 : it->second.deletes;
}

int FakeBroker::declares_alone(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  return it == queues_.end() ? 0 : it->second.declares_alone;
}

int FakeBroker::purges(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  return it == queues_.end() ? 0 : it->second.purges;
}

int FakeBroker::inspections(const std::string& queue) const {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  return it == queues_.end() ? 0 : it->second.inspections;
}

int64_t FakeBroker::published() const {
  MutexLock lock(&mutex_);
  return published_;
}

bool FakeBroker::up() const {
  MutexLock lock(&mutex_);
  return up_;
}

bool FakeBroker::blocked() const {
  MutexLock lock(&mutex_);
  return blocked_;
}

bool FakeBroker::Await(const std::function<bool()>& condition) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    MutexLock lock(&mutex_);
    // The condition may also depend on what happens elsewhere; so look again soon.
    changed_.WaitFor(&mutex_, std::chrono::milliseconds(20));
  }
  return true;
}

bool FakeBroker::AwaitReady(const std::string& queue, size_t messages) const {
  return Await([&] { return Ready(queue).size() == messages; });
}

}  // namespace buzzer::testing

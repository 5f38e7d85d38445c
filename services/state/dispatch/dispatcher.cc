// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/dispatcher.h"

#include <optional>
#include <utility>

#include "buzzer/internal/v1/dispatch.pb.h"
#include "common/fault_points/fault_points.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

constexpr absl::Duration kRetryDelay = absl::Seconds(1);

OutboxEntry ToEntry(const JobRecord& job) {
  return {job.queue_position, job.id, job.type(), job.queued_at.value_or(job.updated_at)};
}

std::string ToBody(const DispatchLane::Message& message) {
  internal::v1::DispatchMessage body;
  for (const OutboxEntry& entry : message) {
    auto* job = body.add_jobs();
    job->set_job_id(std::string(entry.job.bytes()));
    job->set_type(entry.type);
  }
  return body.SerializeAsString();
}

std::vector<JobId> JobsOf(const DispatchLane::Message& message) {
  std::vector<JobId> jobs;
  jobs.reserve(message.size());
  for (const OutboxEntry& entry : message) jobs.push_back(entry.job);
  return jobs;
}

}  // namespace

Dispatcher::Dispatcher(Options options)
    : options_(std::move(options)),
      preparer_(&publisher_, [this](const BrokerQueues::Step& step, const absl::Status& status) {
        OnPrepared(step, status);
      }) {}

Dispatcher::~Dispatcher() { Stop(); }

void Dispatcher::Start() {
  amqp::Publisher::Options publisher;
  publisher.address = options_.broker;
  publisher.connection_name = "buzzer-state";
  publisher.on_up = [this] { OnBrokerUp(); };
  publisher.on_down = [this] { OnBrokerDown(); };
  publisher_.Open(options_.start_publisher(std::move(publisher)));
  {
    // The broker may have answered before publisher_ was open.
    const auto use = publisher_.Enter();
    MutexLock lock(&mutex_);
    up_ = use->up();
  }
  timer_.Start();
}

void Dispatcher::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    up_ = false;
  }
  timer_.Stop();
  publisher_.Close();
}

void Dispatcher::AddQueue(const std::string& queue) {
  MutexLock lock(&mutex_);
  AddLanes(queue);
}

void Dispatcher::RemoveQueue(const std::string& queue) {
  std::vector<std::string> broker_queues;
  {
    MutexLock lock(&mutex_);
    broker_queues = lanes_.Remove(queue);  // None if it got a job after all.
    for (const std::string& broker_queue : broker_queues) queues_.Remove(broker_queue);
    // What stays there because the broker is down is empty, and is used again if the queue is.
    if (!up_) return;
  }
  for (const std::string& broker_queue : broker_queues) preparer_.Delete(broker_queue);
}

void Dispatcher::AddLanes(const std::string& queue) {
  for (const std::string& broker_queue : lanes_.Add(queue)) queues_.Add(broker_queue);
  timer_.TickNow();
}

void Dispatcher::SetPaused(const std::string& queue, bool paused) {
  Work work;
  {
    MutexLock lock(&mutex_);
    if (paused) {
      paused_.insert(queue);
    } else {
      paused_.erase(queue);
      for (const Lane& lane : lanes_.LanesOf(queue)) Plan(lane, *lanes_.Find(lane), &work);
    }
  }
  Do(work);
}

void Dispatcher::OnCommit(const std::vector<JobChange>& changes) {
  const absl::Duration now = options_.clock->Monotonic();
  Work work;
  {
    MutexLock lock(&mutex_);
    std::set<Lane> touched;
    for (const JobChange& change : changes) {
      const JobRecord& job = change.job;
      const bool was_queued = change.before == v1::Job::QUEUED;
      const bool is_queued = job.state == v1::Job::QUEUED;
      if (change.kind == JobChange::Kind::kProgress || (!was_queued && !is_queued)) continue;
      const Lane lane = {job.queue, job.priority()};
      // It was submitted while its queue was given up.
      if (is_queued && lanes_.Find(lane) == nullptr) AddLanes(job.queue);
      LaneTable::Entry* const entry = lanes_.Find(lane);
      if (entry == nullptr) continue;
      DispatchLane& rows = entry->rows;
      if (change.kind == JobChange::Kind::kReturned) {
        rows.OnReturned(ToEntry(job), job.claim_answer == ClaimAnswer::kReturnedNoHandler, now);
      } else if (is_queued) {
        rows.OnQueued(ToEntry(job));
      } else {
        rows.OnLeft(ToEntry(job), job.state == v1::Job::RUNNING, now);
      }
      touched.insert(lane);
    }
    for (const Lane& lane : touched) Plan(lane, *lanes_.Find(lane), &work);
  }
  Do(work);
}

void Dispatcher::OnReopen() {
  MutexLock lock(&mutex_);
  for (auto& [lane, entry] : lanes_.all()) entry.rows.Restart();
  queues_.UnprepareAll();
  timer_.TickNow();
}

void Dispatcher::OnBrokerUp() {
  MutexLock lock(&mutex_);
  if (stopping_) return;
  up_ = true;
  queues_.UnprepareAll();
  for (auto& [lane, entry] : lanes_.all()) entry.retry_at = -absl::InfiniteDuration();
  timer_.TickNow();  // The thread prepares them.
}

void Dispatcher::OnBrokerDown() {
  MutexLock lock(&mutex_);
  up_ = false;
  queues_.UnprepareAll();
}

void Dispatcher::PrepareQueues() {
  std::vector<BrokerQueues::Step> steps;
  {
    MutexLock lock(&mutex_);
    if (!up_) return;
    // Those with jobs first: declaring takes a while, and hundreds of queues are allowed.
    const auto has_rows = [this](const std::string& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return lanes_.Find(*lanes_.LaneOf(queue))->rows.HasRows();
    };
    steps = queues_.Begin(options_.clock->Monotonic(), has_rows);
  }
  for (const BrokerQueues::Step& step : steps) preparer_.Prepare(step);
}

void Dispatcher::OnPrepared(const BrokerQueues::Step& step, const absl::Status& status) {
  Work work;
  {
    MutexLock lock(&mutex_);
    const absl::Duration now = options_.clock->Monotonic();
    const BrokerQueues::Outcome outcome = queues_.OnPrepared(step, status, now);
    timer_.TickNow();  // There is room for the next.
    if (!up_) return;
    if (outcome == BrokerQueues::Outcome::kFailed && queues_.IsNews(step.queue)) {
      log::Warning("broker_queue_not_declared",
                   {{"broker_queue", step.queue}, {"error", status.message()}});
    }
    const Lane* const lane = lanes_.LaneOf(step.queue);
    if (lane == nullptr || outcome != BrokerQueues::Outcome::kPrepared) return;
    LaneTable::Entry& entry = *lanes_.Find(*lane);
    if (entry.rows.out() > 0) ++redispatches_;
    lost_messages_.OnPrepared(*lane, now);
    // Planted bug, never in a real build: what was sent once counts as delivered.
    if (!BUZZER_PLANTED("confirm_ignored")) entry.rows.Restart();
    Plan(*lane, entry, &work);
  }
  Do(work);
}

void Dispatcher::Plan(const Lane& lane, LaneTable::Entry& entry, Work* work) {
  if (!up_ || paused_.contains(lane.queue)) return;
  if (!queues_.IsPrepared(entry.broker_queue)) return;
  const absl::Duration now = options_.clock->Monotonic();
  if (now < entry.retry_at) return;
  std::vector<DispatchLane::Message> messages = entry.rows.TakeReady(now);
  if (!messages.empty()) {
    published_ += static_cast<int64_t>(messages.size());
    work->publish.push_back({lane, entry.broker_queue, std::move(messages)});
  }
  if (const auto until = entry.rows.held_back_until()) {
    timer_.ReleaseAt(Clock::Real()->Monotonic() + (*until - now));
  }
  for (auto& request : entry.rows.NextReads(now)) work->read.push_back({lane, std::move(request)});
}

void Dispatcher::Do(const Work& work) {
  if (work.publish.empty() && work.read.empty()) return;
  const auto publisher = publisher_.Enter();
  if (!publisher) return;  // Stop was called.
  for (const Publishing& publishing : work.publish) {
    for (const DispatchLane::Message& message : publishing.messages) {
      publisher->Publish(
          publishing.broker_queue, ToBody(message),
          [this, lane = publishing.lane, type = message.front().type,
           jobs = JobsOf(message)](amqp::Fate fate) { OnFate(lane, type, jobs, fate); });
    }
  }
  for (const Reading& reading : work.read) {
    options_.store->ReadOutbox(reading.lane, reading.request.after, reading.request.limit,
                               [this, lane = reading.lane, request = reading.request](
                                   absl::StatusOr<std::vector<OutboxEntry>> rows) {
                                 OnRead(lane, request, std::move(rows));
                               });
  }
}

void Dispatcher::OnRead(const Lane& lane, const DispatchLane::ReadRequest& request,
                        absl::StatusOr<std::vector<OutboxEntry>> rows) {
  std::optional<std::vector<OutboxEntry>> entries;
  if (rows.ok()) entries = *std::move(rows);
  Work work;
  {
    MutexLock lock(&mutex_);
    LaneTable::Entry* const entry = lanes_.Find(lane);
    if (entry == nullptr) return;
    // A store that cannot read now is not asked again at once.
    if (!entries.has_value()) entry->retry_at = options_.clock->Monotonic() + kRetryDelay;
    entry->rows.OnRead(request, entries);
    Plan(lane, *entry, &work);
  }
  Do(work);
}

void Dispatcher::OnFate(const Lane& lane, const std::string& type, const std::vector<JobId>& jobs,
                        amqp::Fate fate) {
  // Planted bug, never in a real build: neither a confirm nor its absence is heard.
  if (BUZZER_PLANTED("confirm_ignored")) return;
  MutexLock lock(&mutex_);
  LaneTable::Entry* const entry = lanes_.Find(lane);
  if (entry == nullptr) return;
  if (fate == amqp::Fate::kConfirmed) {
    BUZZER_CRASH_POINT("confirm.before");
    for (const JobId& job : jobs) entry->rows.OnConfirmed(type, job);
    BUZZER_CRASH_POINT("confirm.after");
    return;
  }
  for (const JobId& job : jobs) entry->rows.OnUndelivered(type, job);
  if (fate == amqp::Fate::kUnknown) return;  // OnBrokerUp sees to it.
  const absl::Duration now = options_.clock->Monotonic();
  if (now >= entry->retry_at) {
    log::Warning("dispatch_refused",
                 {{"broker_queue", entry->broker_queue},
                  {"why", fate == amqp::Fate::kReturned ? "the queue is gone" : "nack"}});
  }
  entry->retry_at = now + kRetryDelay;
  if (fate == amqp::Fate::kReturned) lost_messages_.OnQueueGone(lane);
}

void Dispatcher::Inspect(const LostMessages::Inspection& inspection) {
  const auto publisher = publisher_.Enter();
  if (!publisher) return;
  publisher->Inspect(inspection.broker_queue,
                     [this, lane = inspection.lane](const absl::StatusOr<amqp::QueueInfo>& info) {
                       const int64_t prefetch =
                           options_.workers_of ? options_.workers_of(lane.queue).prefetch : 0;
                       MutexLock lock(&mutex_);
                       if (!up_) return;
                       const absl::Duration now = options_.clock->Monotonic();
                       if (lost_messages_.OnInspected(lane, info, prefetch, now)) timer_.TickNow();
                     });
}

void Dispatcher::CountWorkers() {
  if (!options_.workers_of) return;
  std::set<std::string> busy;
  {
    MutexLock lock(&mutex_);
    busy = lanes_.QueuesWithRows();
  }
  for (const std::string& queue : busy) {
    const int workers = options_.workers_of(queue).workers;
    std::map<std::string, WorkerSlots::Type> types;
    if (options_.worker_slots != nullptr) types = options_.worker_slots->TypesOf(queue);
    {
      MutexLock lock(&mutex_);
      lanes_.SetWorkers(queue, workers, types);
    }
    OfferHoarded(queue, types);
  }
}

void Dispatcher::OfferHoarded(const std::string& queue,
                              const std::map<std::string, WorkerSlots::Type>& types) {
  // Planted bug, never in a real build: nobody looks for what was acked and never claimed.
  if (BUZZER_PLANTED("ack_before_claim")) return;
  std::map<std::string, std::vector<JobId>> hoarded;
  {
    MutexLock lock(&mutex_);
    if (!up_ || paused_.contains(queue)) return;
    hoarded = lanes_.TakeHoarded(queue, types, options_.clock->Monotonic());
    for (const auto& [type, jobs] : hoarded) offered_ += static_cast<int64_t>(jobs.size());
  }
  for (const auto& [type, jobs] : hoarded) options_.worker_slots->Offer(type, jobs);
}

void Dispatcher::Tick() {
  CountWorkers();
  PrepareQueues();
  std::vector<LostMessages::Inspection> inspections;
  Work work;
  {
    MutexLock lock(&mutex_);
    if (!up_) return;
    inspections = lost_messages_.Begin(options_.clock->Monotonic());
    for (auto& [lane, entry] : lanes_.all()) Plan(lane, entry, &work);
  }
  for (const LostMessages::Inspection& inspection : inspections) Inspect(inspection);
  Do(work);
}

void Dispatcher::Release() {
  Work work;
  {
    MutexLock lock(&mutex_);
    for (auto& [lane, entry] : lanes_.all()) {
      if (entry.rows.held_back_until().has_value()) Plan(lane, entry, &work);
    }
  }
  Do(work);
}

Dispatcher::Stats Dispatcher::stats() const {
  Stats stats;
  const auto publisher = publisher_.Enter();
  MutexLock lock(&mutex_);
  stats.out = lanes_.out();
  stats.broker_up = up_;
  stats.broker_blocked = up_ && publisher && publisher->blocked();
  if (up_ && publisher) stats.broker_unconfirmed = publisher->unconfirmed_for();
  stats.queues_unprepared = queues_.unprepared();
  stats.published = published_;
  stats.redispatches = redispatches_;
  stats.offered = offered_;
  return stats;
}

}  // namespace buzzer::state

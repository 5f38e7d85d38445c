// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/dispatch/dispatcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/dispatch.pb.h"
#include "common/fault_points/fault_points.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

constexpr v1::Job::Priority kPriorities[] = {v1::Job::HIGH, v1::Job::NORMAL, v1::Job::LOW};
constexpr absl::Duration kInspectInterval = absl::Seconds(5);
// Of a lane that has nothing out: workers need its broker queue all the same.
constexpr absl::Duration kIdleInspectInterval = absl::Seconds(30);
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

absl::string_view PriorityName(v1::Job::Priority priority) {
  switch (priority) {
    case v1::Job::HIGH:
      return "high";
    case v1::Job::LOW:
      return "low";
    default:
      return "normal";
  }
}

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
    // The broker may have answered before publisher_ was set.
    const auto use = publisher_.Enter();
    MutexLock lock(&mutex_);
    up_ = use->up();
  }
  thread_ = std::thread([this] { Loop(); });
}

void Dispatcher::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    up_ = false;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
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
    // It got a job after all. Workers consume the broker queues of all priorities or none.
    if (HasRows(queue)) return;
    for (const auto priority : kPriorities) {
      const auto lane = lanes_.extract(Lane{queue, priority});
      if (lane.empty()) continue;
      broker_queues.push_back(lane.mapped().broker_queue);
      queues_.Remove(broker_queues.back());
      lane_of_.erase(broker_queues.back());
    }
    // What stays there because the broker is down is empty, and is used again if the queue is.
    if (!up_) return;
  }
  for (const std::string& broker_queue : broker_queues) preparer_.Delete(broker_queue);
}

bool Dispatcher::HasRows(const std::string& queue) const {
  for (const auto priority : kPriorities) {
    const auto lane = lanes_.find(Lane{queue, priority});
    if (lane != lanes_.end() && lane->second.rows.HasRows()) return true;
  }
  return false;
}

void Dispatcher::AddLanes(const std::string& queue) {
  for (const auto priority : kPriorities) {
    const auto [it, is_new] = lanes_.try_emplace(Lane{queue, priority});
    if (!is_new) continue;
    it->second.broker_queue =
        absl::StrCat(options_.queue_prefix, ".", queue, ".", PriorityName(priority));
    queues_.Add(it->second.broker_queue);
    lane_of_[it->second.broker_queue] = it->first;
  }
  WantTick();
}

void Dispatcher::SetPaused(const std::string& queue, bool paused) {
  {
    MutexLock lock(&mutex_);
    if (paused) {
      paused_.insert(queue);
    } else {
      paused_.erase(queue);
    }
  }
  if (paused) return;
  for (const auto priority : kPriorities) PlanAndDo({queue, priority});
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
      auto it = lanes_.find(Lane{job.queue, job.priority()});
      if (it == lanes_.end() && is_queued) {
        // It was submitted while its queue was given up.
        AddLanes(job.queue);
        it = lanes_.find(Lane{job.queue, job.priority()});
      }
      if (it == lanes_.end()) continue;
      DispatchLane& rows = it->second.rows;
      if (change.kind == JobChange::Kind::kReturned) {
        rows.OnReturned(ToEntry(job), job.claim_answer == ClaimAnswer::kReturnedNoHandler, now);
      } else if (is_queued) {
        rows.OnQueued(ToEntry(job));
      } else {
        rows.OnLeft(ToEntry(job), job.state == v1::Job::RUNNING, now);
      }
      touched.insert(it->first);
    }
    for (const Lane& lane : touched) Plan(lane, lanes_.at(lane), &work);
  }
  Do(work);
}

void Dispatcher::OnReopen() {
  MutexLock lock(&mutex_);
  for (auto& [lane, state] : lanes_) state.rows.Restart();
  queues_.UnprepareAll();
  WantTick();
}

void Dispatcher::OnBrokerUp() {
  MutexLock lock(&mutex_);
  if (stopping_) return;
  up_ = true;
  queues_.UnprepareAll();
  for (auto& [lane, state] : lanes_) state.retry_at = -absl::InfiniteDuration();
  WantTick();  // The thread prepares them.
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
      return lanes_.at(lane_of_.at(queue)).rows.HasRows();
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
    WantTick();  // There is room for the next.
    if (!up_) return;
    if (outcome == BrokerQueues::Outcome::kFailed && queues_.IsNews(step.queue)) {
      log::Warning("broker_queue_not_declared",
                   {{"broker_queue", step.queue}, {"error", status.message()}});
    }
    const auto lane = lane_of_.find(step.queue);
    if (lane == lane_of_.end() || outcome != BrokerQueues::Outcome::kPrepared) return;
    LaneState& state = lanes_.at(lane->second);
    if (state.rows.out() > 0) ++redispatches_;
    state.inspect_at = now + kInspectInterval;
    state.idle_inspect_at = now + kIdleInspectInterval;
    // Planted bug, never in a real build: what was sent once counts as delivered.
    if (!BUZZER_PLANTED("confirm_ignored")) state.rows.Restart();
    Plan(lane->second, state, &work);
  }
  Do(work);
}

void Dispatcher::Plan(const Lane& lane, LaneState& state, Work* work) {
  if (!up_ || paused_.contains(lane.queue)) return;
  if (!queues_.IsPrepared(state.broker_queue)) return;
  const absl::Duration now = options_.clock->Monotonic();
  if (now < state.retry_at) return;
  std::vector<DispatchLane::Message> messages = state.rows.TakeReady(now);
  if (!messages.empty()) {
    published_ += static_cast<int64_t>(messages.size());
    work->publish.push_back({lane, state.broker_queue, std::move(messages)});
  }
  if (const auto until = state.rows.held_back_until()) {
    const absl::Duration release_at = Clock::Real()->Monotonic() + (*until - now);
    if (release_at < release_at_) {
      release_at_ = release_at;
      wake_.NotifyAll();
    }
  }
  for (auto& request : state.rows.NextReads(now)) work->read.push_back({lane, std::move(request)});
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
  {
    MutexLock lock(&mutex_);
    const auto it = lanes_.find(lane);
    if (it == lanes_.end()) return;
    // A store that cannot read now is not asked again at once.
    if (!entries.has_value()) it->second.retry_at = options_.clock->Monotonic() + kRetryDelay;
    it->second.rows.OnRead(request, entries);
  }
  PlanAndDo(lane);
}

void Dispatcher::PlanAndDo(const Lane& lane) {
  Work work;
  {
    MutexLock lock(&mutex_);
    const auto it = lanes_.find(lane);
    if (it != lanes_.end()) Plan(lane, it->second, &work);
  }
  Do(work);
}

void Dispatcher::OnFate(const Lane& lane, const std::string& type, const std::vector<JobId>& jobs,
                        amqp::Fate fate) {
  // Planted bug, never in a real build: neither a confirm nor its absence is heard.
  if (BUZZER_PLANTED("confirm_ignored")) return;
  MutexLock lock(&mutex_);
  const auto it = lanes_.find(lane);
  if (it == lanes_.end()) return;
  LaneState& state = it->second;
  if (fate == amqp::Fate::kConfirmed) {
    BUZZER_CRASH_POINT("confirm.before");
    for (const JobId& job : jobs) state.rows.OnConfirmed(type, job);
    BUZZER_CRASH_POINT("confirm.after");
    return;
  }
  for (const JobId& job : jobs) state.rows.OnUndelivered(type, job);
  if (fate == amqp::Fate::kUnknown) return;  // OnBrokerUp sees to it.
  const absl::Duration now = options_.clock->Monotonic();
  if (now >= state.retry_at) {
    log::Warning("dispatch_refused",
                 {{"broker_queue", state.broker_queue},
                  {"why", fate == amqp::Fate::kReturned ? "the queue is gone" : "nack"}});
  }
  state.retry_at = now + kRetryDelay;
  if (fate == amqp::Fate::kReturned) {
    queues_.Unprepare(state.broker_queue);
    PrepareIdleLanesOf(lane.queue);
  }
}

void Dispatcher::PrepareIdleLanesOf(const std::string& queue) {
  for (auto& [lane, state] : lanes_) {
    if (lane.queue == queue && state.rows.out() == 0) queues_.Unprepare(state.broker_queue);
  }
}

void Dispatcher::Inspect(const Lane& lane, const std::string& broker_queue) {
  const auto publisher = publisher_.Enter();
  if (!publisher) return;
  publisher->Inspect(broker_queue, [this, lane](const absl::StatusOr<amqp::QueueInfo>& info) {
    const WorkerRegistry::QueueWorkers workers =
        options_.workers_of ? options_.workers_of(lane.queue) : WorkerRegistry::QueueWorkers();
    MutexLock lock(&mutex_);
    const auto it = lanes_.find(lane);
    if (it == lanes_.end() || !up_) return;
    LaneState& state = it->second;
    if (absl::IsAborted(info.status())) {
      queues_.Suspect(state.broker_queue);
      WantTick();
    }
    if (!queues_.IsPrepared(state.broker_queue)) return;
    if (!info.ok() && !absl::IsNotFound(info.status())) return;
    const bool gone = !info.ok();
    const absl::Duration now = options_.clock->Monotonic();
    if (!gone && state.rows.HasStale(info->ready, now)) {
      log::Info("stale_messages_dropped", {{"broker_queue", state.broker_queue},
                                           {"messages", info->ready - state.rows.messages_out()}});
      queues_.Unprepare(state.broker_queue);  // As below: purged, and what is QUEUED goes again.
      WantTick();
      return;
    }
    if (const size_t overtaken = state.rows.RecallOvertaken(now); overtaken > 0) {
      log::Warning("broker_lost_messages", {{"broker_queue", state.broker_queue},
                                            {"why", "later ones were claimed minutes ago"},
                                            {"rows", overtaken}});
      WantTick();
    }
    if (!gone && !state.rows.SeemsLost(info->ready, workers.prefetch, now)) return;
    log::Warning("broker_lost_messages",
                 {{"broker_queue", state.broker_queue},
                  {"why", gone ? "the queue is gone" : "fewer messages than rows out"},
                  {"rows", state.rows.out()}});
    queues_.Unprepare(state.broker_queue);  // The thread prepares it and every row goes again.
    if (gone) PrepareIdleLanesOf(lane.queue);
    WantTick();
  });
}

void Dispatcher::CountWorkers() {
  if (!options_.workers_of) return;
  std::set<std::string> busy;
  {
    MutexLock lock(&mutex_);
    for (const auto& [lane, state] : lanes_) {
      if (state.rows.HasRows()) busy.insert(lane.queue);
    }
  }
  for (const std::string& queue : busy) {
    const int workers = options_.workers_of(queue).workers;
    std::map<std::string, WorkerSlots::Type> types;
    if (options_.worker_slots != nullptr) types = options_.worker_slots->TypesOf(queue);
    {
      MutexLock lock(&mutex_);
      for (const auto priority : kPriorities) {
        const auto it = lanes_.find(Lane{queue, priority});
        if (it != lanes_.end()) it->second.rows.SetWorkers(workers, types);
      }
    }
    OfferHoarded(queue, types);
  }
}

void Dispatcher::OfferHoarded(const std::string& queue,
                              const std::map<std::string, WorkerSlots::Type>& types) {
  // Planted bug, never in a real build: nobody looks for what was acked and never claimed.
  if (BUZZER_PLANTED("ack_before_claim")) return;
  for (const auto& [type, slots] : types) {
    if (slots.idle == 0) continue;
    int idle = slots.idle;
    std::vector<JobId> jobs;
    {
      MutexLock lock(&mutex_);
      if (!up_ || paused_.contains(queue)) return;
      const absl::Duration now = options_.clock->Monotonic();
      for (const auto priority : kPriorities) {
        const auto it = lanes_.find(Lane{queue, priority});
        if (it == lanes_.end()) continue;
        for (const JobId& job : it->second.rows.TakeHoarded(type, idle, now)) jobs.push_back(job);
      }
      offered_ += static_cast<int64_t>(jobs.size());
    }
    if (!jobs.empty()) options_.worker_slots->Offer(type, jobs);
  }
}

void Dispatcher::Tick() {
  CountWorkers();
  PrepareQueues();
  const absl::Duration now = options_.clock->Monotonic();
  std::vector<std::pair<Lane, std::string>> inspect;
  Work work;
  {
    MutexLock lock(&mutex_);
    if (!up_) return;
    for (auto& [lane, state] : lanes_) {
      if (!queues_.IsPrepared(state.broker_queue)) continue;
      if (now >= state.inspect_at) {
        state.inspect_at = now + kInspectInterval;
        // Planted bug, never in a real build: an ack counts as proof of a claim, so that
        // nobody looks for what was acked and never claimed.
        const bool trusting = BUZZER_PLANTED("ack_before_claim");
        const bool due = state.rows.out() > 0 || now >= state.idle_inspect_at;
        if (!trusting && due) {
          state.idle_inspect_at = now + kIdleInspectInterval;
          state.rows.BeginInspection();
          inspect.emplace_back(lane, state.broker_queue);
        }
      }
      Plan(lane, state, &work);
    }
  }
  for (const auto& [lane, broker_queue] : inspect) Inspect(lane, broker_queue);
  Do(work);
}

void Dispatcher::WantTick() {
  tick_wanted_ = true;
  wake_.NotifyAll();
}

void Dispatcher::Release() {
  Work work;
  {
    MutexLock lock(&mutex_);
    release_at_ = absl::InfiniteDuration();
    for (auto& [lane, state] : lanes_) {
      if (state.rows.held_back_until().has_value()) Plan(lane, state, &work);
    }
  }
  Do(work);
}

void Dispatcher::Loop() {
  absl::Duration tick_at;
  while (true) {
    bool tick = false;
    {
      MutexLock lock(&mutex_);
      while (true) {
        if (stopping_) return;
        const absl::Duration now = Clock::Real()->Monotonic();
        tick = tick_wanted_ || now >= tick_at;
        if (tick || now >= release_at_) break;
        wake_.WaitFor(&mutex_, absl::ToChronoNanoseconds(std::min(tick_at, release_at_) - now));
      }
      if (tick) tick_wanted_ = false;
    }
    if (tick) {
      Tick();
      tick_at = Clock::Real()->Monotonic() + options_.tick_interval;
    } else {
      Release();
    }
  }
}

Dispatcher::Stats Dispatcher::stats() const {
  Stats stats;
  const auto publisher = publisher_.Enter();
  MutexLock lock(&mutex_);
  for (const auto& [lane, state] : lanes_) stats.out += state.rows.out();
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

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The rule of docs/intake.md, tried on a model: the parts that decide at the workers (QueueLane,
// Slots, IdleSlots) and at the state service (DispatchLane) are the real ones; the broker, the
// line between them and time are the test. Workers, slots, types, their limits and durations,
// and the order of the jobs come out of a seed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/dispatch.pb.h"
#include "services/state/dispatch/lanes/dispatch_lane.h"
#include "services/worker/intake/idle_slots.h"
#include "services/worker/intake/queue_lane.h"
#include "services/worker/intake/slots.h"

namespace buzzer::worker {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(5);
constexpr absl::Duration kStateTick = absl::Milliseconds(250);

struct Type {
  std::string name;
  // At each worker.
  int limit = 1;
  absl::Duration least;
  absl::Duration most;
};

struct Job {
  int64_t position = 0;
  JobId id;
  size_t type = 0;
  size_t priority = 0;
  enum class State { kQueued, kRunning, kDone } state = State::kQueued;
};

struct Message {
  std::vector<size_t> jobs;
  // How often the broker has taken it back.
  int returned = 0;
};

// A consuming channel, as the broker sees it.
struct Channel {
  size_t worker = 0;
  int prefetch = 0;
  std::array<std::map<uint64_t, Message>, kPriorities> unacked;
};

struct Running {
  size_t job = 0;
  absl::Duration until;
};

struct Pending {
  OfferedJob job;
  bool runs = false;
};

struct ModelWorker {
  explicit ModelWorker(const Config& of) : config(of), slots(of) {}

  Config config;
  Slots slots;
  QueueLane lane{"buzzer", "q"};
  IdleSlots idle;
  // What the state service knows of it, less what it has offered since.
  std::map<std::string, int> told_idle;
  // Claims that the state service answers in the next step.
  std::vector<Pending> claims;
  std::vector<Running> running;
  // The priorities taken, and whether all three waited then.
  std::vector<std::pair<size_t, bool>> taken;
  // Since when a slot is free for the type while a job of it is queued.
  std::map<size_t, absl::Duration> starved_since;
};

class Model {
 public:
  Model(std::vector<Type> types, const std::vector<int>& slots, uint32_t seed)
      : types_(std::move(types)), random_(seed) {
    for (const int total : slots) {
      Config config;
      config.slots = total;
      for (const Type& type : types_) {
        HandlerConfig handler;
        handler.type = type.name;
        handler.queue = "q";
        handler.concurrency = std::min(type.limit, total);
        config.handlers.push_back(handler);
      }
      workers_.push_back(std::make_unique<ModelWorker>(config));
    }
  }

  void Submit(size_t type, size_t priority) {
    const size_t index = jobs_.size();
    const auto position = static_cast<int64_t>(index) + 1;
    std::string bytes(16, '\0');
    for (int i = 0; i < 8; ++i) bytes[15 - i] = static_cast<char>(position >> (8 * i));
    jobs_.push_back({position, *JobId::FromBytes(bytes), type, priority});
    by_id_[jobs_.back().id] = index;
    table_[priority][position] = index;
    ++queued_[{type, priority}];
    if (begun_) lanes_[priority].OnQueued(EntryOf(index));
  }

  void Run(absl::Duration duration) {
    begun_ = true;
    for (const absl::Duration end = now_ + duration; now_ < end; now_ += kStep) Step();
  }
  // Until every job is done, or the time is over.
  bool Finish(absl::Duration limit) {
    begun_ = true;
    for (const absl::Duration end = now_ + limit; now_ < end; now_ += kStep) {
      if (done_ == jobs_.size()) return true;
      Step();
    }
    return done_ == jobs_.size();
  }

  const std::vector<std::unique_ptr<ModelWorker>>& workers() const { return workers_; }
  const std::vector<Job>& jobs() const { return jobs_; }
  absl::Duration now() const { return now_; }
  // When the job was granted.
  absl::Duration started(size_t job) const { return started_.at(job); }
  bool has_started(size_t job) const { return started_.contains(job); }
  absl::Duration longest_starved() const { return longest_starved_; }
  int opened() const { return opened_; }
  int most_returns() const { return most_returns_; }
  size_t offers() const { return offers_; }

 private:
  state::OutboxEntry EntryOf(size_t job) const {
    return {jobs_[job].position, jobs_[job].id, types_[jobs_[job].type].name, {}};
  }

  void Step() {
    EndJobs();
    if (now_ >= next_tick_) TickState();
    Dispatch();
    Deliver();
    for (size_t i = 0; i < workers_.size(); ++i) Answer(*workers_[i]);
    for (size_t i = 0; i < workers_.size(); ++i) Advance(i);
    LookForStarvation();
  }

  void EndJobs() {
    for (auto& worker : workers_) {
      std::erase_if(worker->running, [&](const Running& running) {
        if (running.until > now_) return false;
        worker->slots.Free(types_[jobs_[running.job].type].name);
        jobs_[running.job].state = Job::State::kDone;
        ++done_;
        return true;
      });
    }
  }

  void TickState() {
    next_tick_ = now_ + kStateTick;
    std::map<std::string, state::WorkerSlots::Type> types;
    for (const auto& worker : workers_) {
      for (const Type& type : types_) {
        types[type.name].slots += worker->slots.LimitOfType(type.name);
        types[type.name].idle += worker->told_idle[type.name];
      }
    }
    for (auto& lane : lanes_) lane.SetWorkers(static_cast<int>(workers_.size()), types);
    for (auto& [type, slots] : types) {
      std::vector<JobId> offered;
      for (auto& lane : lanes_) {
        for (const JobId& job : lane.TakeHoarded(type, slots.idle, now_)) offered.push_back(job);
      }
      offers_ += offered.size();
      auto next = offered.begin();
      for (auto& worker : workers_) {
        for (int& idle = worker->told_idle[type]; idle > 0 && next != offered.end(); --idle) {
          Offer(*worker, type, *next++);
        }
      }
    }
  }

  void Offer(ModelWorker& worker, const std::string& type, const JobId& job) {
    worker.idle.OnOffer(type);
    if (!worker.slots.IsFree(type)) return;
    worker.slots.Take(type);
    worker.claims.push_back({{job, type, nullptr}, true});
  }

  void Dispatch() {
    for (size_t priority = 0; priority < kPriorities; ++priority) {
      state::DispatchLane& lane = lanes_[priority];
      for (auto requests = lane.NextReads(now_); !requests.empty();
           requests = lane.NextReads(now_)) {
        for (const auto& request : requests) {
          std::vector<state::OutboxEntry> rows;
          const auto& table = table_[priority];
          for (auto row = table.upper_bound(request.after);
               row != table.end() && static_cast<int>(rows.size()) < request.limit; ++row) {
            rows.push_back(EntryOf(row->second));
          }
          lane.OnRead(request, rows);
        }
      }
      for (const auto& message : lane.TakeReady(now_)) Publish(priority, message);
    }
  }

  void Publish(size_t priority, const state::DispatchLane::Message& entries) {
    Message message;
    for (const state::OutboxEntry& entry : entries) {
      message.jobs.push_back(by_id_.at(entry.job));
      lanes_[priority].OnConfirmed(entry.type, entry.job);
    }
    broker_[priority].push_back(std::move(message));
  }

  // In turns to those that have room.
  void Deliver() {
    for (size_t priority = 0; priority < kPriorities; ++priority) {
      while (!broker_[priority].empty()) {
        auto to = channels_.end();
        for (size_t tried = 0; tried < channels_.size() && to == channels_.end(); ++tried) {
          auto it = channels_.upper_bound(last_served_[priority]);
          if (it == channels_.end()) it = channels_.begin();
          last_served_[priority] = it->first;
          const auto held = static_cast<int>(it->second.unacked[priority].size());
          if (held < it->second.prefetch) to = it;
        }
        if (to == channels_.end()) break;
        Message message = std::move(broker_[priority].front());
        broker_[priority].pop_front();
        internal::v1::DispatchMessage body;
        for (const size_t job : message.jobs) {
          auto* entry = body.add_jobs();
          entry->set_job_id(std::string(jobs_[job].id.bytes()));
          entry->set_type(types_[jobs_[job].type].name);
        }
        ModelWorker& worker = *workers_[to->second.worker];
        const uint64_t tag = ++last_tag_;
        ASSERT_TRUE(worker.lane.Add({to->first, tag, worker.lane.broker_queues()[priority],
                                     body.SerializeAsString(), false},
                                    now_));
        to->second.unacked[priority][tag] = std::move(message);
      }
    }
  }

  void Answer(ModelWorker& worker) {
    for (Pending& claim : std::exchange(worker.claims, {})) {
      Job& job = jobs_[by_id_.at(claim.job.id)];
      const size_t index = by_id_.at(claim.job.id);
      const bool granted = claim.runs && job.state == Job::State::kQueued;
      if (granted) {
        job.state = Job::State::kRunning;
        --queued_[{job.type, job.priority}];
        started_[index] = now_;
        table_[job.priority].erase(job.position);
        lanes_[job.priority].OnLeft(EntryOf(index), /*claimed=*/true, now_);
        std::uniform_real_distribution<double> share(0, 1);
        const Type& type = types_[job.type];
        worker.running.push_back(
            {index, now_ + type.least + share(random_) * (type.most - type.least)});
      } else if (claim.runs) {
        worker.slots.Free(types_[job.type].name);
      } else if (job.state == Job::State::kQueued) {
        lanes_[job.priority].OnReturned(EntryOf(index), /*no_handler=*/false, now_);
      }
      if (claim.job.message == nullptr || --claim.job.message->unanswered > 0) continue;
      channels_.at(claim.job.message->channel)
          .unacked[claim.job.message->priority]
          .erase(claim.job.message->tag);
      worker.lane.Acked(*claim.job.message);
    }
  }

  void Advance(size_t index) {
    ModelWorker& worker = *workers_[index];
    while (true) {
      const bool all_wait = AllWaitFor(index);
      auto job = worker.lane.Take(worker.slots, now_);
      if (!job.has_value()) break;
      worker.taken.emplace_back(job->message->priority, all_wait);
      worker.slots.Take(job->type);
      worker.claims.push_back({*std::move(job), true});
    }
    const ChannelPlan plan = worker.lane.Decide(true, worker.slots, now_);
    for (const amqp::ChannelId channel : plan.close) {
      for (size_t priority = 0; priority < kPriorities; ++priority) {
        for (auto& [tag, message] : channels_.at(channel).unacked[priority]) {
          most_returns_ = std::max(most_returns_, ++message.returned);
          broker_[priority].push_front(std::move(message));
        }
      }
      channels_.erase(channel);
      worker.lane.Closed(channel);
    }
    if (plan.open_prefetch > 0) {
      channels_[++last_channel_] = {index, plan.open_prefetch, {}};
      worker.lane.Opened(last_channel_, plan.open_prefetch, now_);
      ++opened_;
    }
    while (auto job = worker.lane.TakeOverdue(now_))
      worker.claims.push_back({*std::move(job), false});
    if (!worker.idle.Look(worker.config, worker.slots, true, now_)) return;
    for (const Type& type : types_) worker.told_idle[type.name] = worker.idle.Of(type.name);
  }

  // The worker holds a job of each priority that it may take now; or, if only one type is served,
  // there is one at the broker.
  bool AllWaitFor(size_t index) const {
    const ModelWorker& worker = *workers_[index];
    for (size_t priority = 0; priority < kPriorities; ++priority) {
      const auto may_take = [&](const Message& message) {
        return std::any_of(message.jobs.begin(), message.jobs.end(), [&](size_t job) {
          return jobs_[job].state == Job::State::kQueued &&
                 worker.slots.IsFree(types_[jobs_[job].type].name);
        });
      };
      bool waits = types_.size() == 1 &&
                   std::any_of(broker_[priority].begin(), broker_[priority].end(), may_take);
      for (const auto& [id, channel] : channels_) {
        if (channel.worker != index) continue;
        for (const auto& [tag, message] : channel.unacked[priority]) {
          waits |= may_take(message) && !IsClaimed(worker, message);
        }
      }
      if (!waits) return false;
    }
    return true;
  }

  bool IsClaimed(const ModelWorker& worker, const Message& message) const {
    return std::any_of(worker.claims.begin(), worker.claims.end(), [&](const Pending& claim) {
      return std::count(message.jobs.begin(), message.jobs.end(), by_id_.at(claim.job.id)) > 0;
    });
  }

  void LookForStarvation() {
    for (auto& worker : workers_) {
      for (size_t type = 0; type < types_.size(); ++type) {
        int queued = 0;
        for (size_t priority = 0; priority < kPriorities; ++priority) {
          queued += queued_[{type, priority}];
        }
        for (const auto& other : workers_) {
          for (const Pending& claim : other->claims) queued -= claim.job.type == types_[type].name;
        }
        if (queued <= 0 || !worker->slots.IsFree(types_[type].name)) {
          worker->starved_since.erase(type);
          continue;
        }
        const auto since = worker->starved_since.try_emplace(type, now_).first->second;
        longest_starved_ = std::max(longest_starved_, now_ - since);
      }
    }
  }

  const std::vector<Type> types_;
  std::mt19937 random_;
  absl::Duration now_ = absl::Hours(1);
  absl::Duration next_tick_;
  bool begun_ = false;
  std::vector<Job> jobs_;
  std::map<JobId, size_t> by_id_;
  std::map<std::pair<size_t, size_t>, int> queued_;  // by type and priority
  std::map<size_t, absl::Duration> started_;
  size_t done_ = 0;
  std::array<std::map<int64_t, size_t>, kPriorities> table_;
  std::array<state::DispatchLane, kPriorities> lanes_;
  std::array<std::deque<Message>, kPriorities> broker_;
  std::map<amqp::ChannelId, Channel> channels_;
  std::array<amqp::ChannelId, kPriorities> last_served_{};
  amqp::ChannelId last_channel_ = 0;
  uint64_t last_tag_ = 0;
  std::vector<std::unique_ptr<ModelWorker>> workers_;
  absl::Duration longest_starved_;
  int opened_ = 0;
  int most_returns_ = 0;
  size_t offers_ = 0;
};

// Any ten takes of a worker in a row while all three priorities wait for it.
void ExpectSixThreeAndOne(const Model& model) {
  for (size_t i = 0; i < model.workers().size(); ++i) {
    const auto& taken = model.workers()[i]->taken;
    for (size_t first = 0; first + 10 <= taken.size(); ++first) {
      std::array<int, kPriorities> counts{};
      bool all_wait = true;
      for (size_t place = first; place < first + 10; ++place) {
        ++counts[taken[place].first];
        all_wait &= taken[place].second;
      }
      if (!all_wait) continue;
      ASSERT_EQ(counts, (std::array<int, kPriorities>{6, 3, 1}))
          << "worker " << i << ", takes " << first << " to " << first + 9;
    }
  }
}

struct Fleet {
  int workers = 1;
  int slots = 1;
};

class IntakeShares : public ::testing::TestWithParam<Fleet> {};

TEST_P(IntakeShares, AreSixThreeAndOneOfAnyTen) {
  const auto [workers, slots] = GetParam();
  Model model({{"work", slots, absl::Milliseconds(100), absl::Milliseconds(900)}},
              std::vector<int>(static_cast<size_t>(workers), slots), 7);
  const int jobs = std::max(100, 40 * workers * slots);
  for (int i = 0; i < jobs; ++i) {
    for (size_t priority = 0; priority < kPriorities; ++priority) model.Submit(0, priority);
  }
  model.Run(absl::Minutes(1));
  ExpectSixThreeAndOne(model);
  // Over all workers, of those that started first: one for each worker more or less.
  std::vector<std::pair<absl::Duration, size_t>> starts;
  for (size_t job = 0; job < model.jobs().size(); ++job) {
    if (model.has_started(job)) starts.emplace_back(model.started(job), model.jobs()[job].priority);
  }
  std::stable_sort(starts.begin(), starts.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  ASSERT_GE(starts.size(), 100u);
  std::array<int, kPriorities> counts{};
  for (size_t i = 0; i < 100; ++i) ++counts[starts[i].second];
  EXPECT_NEAR(counts[0], 60, workers + slots);
  EXPECT_NEAR(counts[1], 30, workers + slots);
  EXPECT_NEAR(counts[2], 10, workers + slots);
  RecordProperty("high", counts[0]);
  RecordProperty("normal", counts[1]);
  RecordProperty("low", counts[2]);
  EXPECT_EQ(model.most_returns(), 0);
  EXPECT_EQ(model.opened(), workers);
}

INSTANTIATE_TEST_SUITE_P(Fleets, IntakeShares,
                         ::testing::Values(Fleet{1, 1}, Fleet{1, 4}, Fleet{1, 8}, Fleet{1, 16},
                                           Fleet{2, 2}, Fleet{2, 8}, Fleet{3, 1}, Fleet{3, 16}),
                         [](const auto& fleet) {
                           return absl::StrCat(fleet.param.workers, "x", fleet.param.slots);
                         });

TEST(IntakeModel, AFullTypeStandsInNobodysWay) {
  Model model({{"slow", 1, absl::Seconds(2), absl::Seconds(2)},
               {"other", 12, absl::Milliseconds(100), absl::Milliseconds(100)}},
              {12}, 1);
  for (int i = 0; i < 30; ++i) model.Submit(0, 1);
  for (int i = 0; i < 5; ++i) model.Submit(1, 1);
  model.Run(absl::Seconds(2));
  for (size_t job = 30; job < 35; ++job) {
    ASSERT_TRUE(model.has_started(job));
    EXPECT_LT(model.started(job) - absl::Hours(1), absl::Seconds(1));
  }
}

TEST(IntakeModel, ADeepBacklogOfAFullTypeStandsInNobodysWay) {
  Model model({{"slow", 1, absl::Seconds(20), absl::Seconds(20)},
               {"other", 12, absl::Milliseconds(100), absl::Milliseconds(100)}},
              {12, 3}, 1);
  for (int i = 0; i < 20'000; ++i) model.Submit(0, 1);
  model.Run(absl::Seconds(3));
  const size_t first = model.jobs().size();
  for (int i = 0; i < 5; ++i) model.Submit(1, 1);
  model.Run(absl::Seconds(2));
  for (size_t job = first; job < first + 5; ++job) {
    ASSERT_TRUE(model.has_started(job));
    EXPECT_LT(model.started(job) - absl::Hours(1) - absl::Seconds(3), absl::Seconds(1));
  }
}

TEST(IntakeModel, AnIdleWorkerGetsWhatLiesUnclaimedAtAnother) {
  Model model({{"long", 4, absl::Hours(1), absl::Hours(1)}}, {4, 4}, 1);
  for (int i = 0; i < 8; ++i) model.Submit(0, 1);
  model.Run(absl::Seconds(3));
  for (size_t job = 0; job < 8; ++job) EXPECT_TRUE(model.has_started(job)) << job;
  EXPECT_LE(model.longest_starved(), absl::Seconds(1));
}

TEST(IntakeModel, GivesBackThroughStateWhatNobodyCanRunForLong) {
  Model model({{"long", 1, absl::Hours(1), absl::Hours(1)}}, {1, 1}, 1);
  for (int i = 0; i < 100; ++i) model.Submit(0, static_cast<size_t>(i) % 3);
  model.Run(absl::Minutes(30));
  EXPECT_EQ(model.most_returns(), 0);
  EXPECT_EQ(model.opened(), 2) << "no channel was closed and opened again";
}

class RandomIntake : public ::testing::TestWithParam<int> {};

TEST_P(RandomIntake, KeepsTheRule) {
  std::mt19937 random(static_cast<uint32_t>(GetParam()));
  const auto pick = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  std::vector<Type> types;
  for (int i = pick(1, 4); i > 0; --i) {
    const absl::Duration least = absl::Milliseconds(pick(50, 3000));
    types.push_back(
        {absl::StrCat("t", i), pick(1, 6), least, least + absl::Milliseconds(pick(0, 3000))});
  }
  std::vector<int> slots;
  for (int i = pick(1, 4); i > 0; --i) slots.push_back(pick(1, 12));
  Model model(types, slots, static_cast<uint32_t>(GetParam()));
  const auto submit_some = [&](int count) {
    const int only = pick(0, 5);
    for (int i = 0; i < count; ++i) {
      model.Submit(static_cast<size_t>(pick(0, static_cast<int>(types.size()) - 1)),
                   only < 3 ? static_cast<size_t>(only) : static_cast<size_t>(pick(0, 2)));
    }
  };
  submit_some(pick(0, 200));
  for (int round = 0; round < 10; ++round) {
    model.Run(absl::Milliseconds(pick(0, 4000)));
    submit_some(pick(0, 30));
  }
  EXPECT_TRUE(model.Finish(absl::Hours(1))) << "every job runs in the end";
  ExpectSixThreeAndOne(model);
  EXPECT_LE(model.longest_starved(), absl::Seconds(1));
  EXPECT_LT(model.most_returns(), 20);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomIntake, ::testing::Range(1, 61));

}  // namespace
}  // namespace buzzer::worker

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/readiness.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/log/log.h"
#include "common/utf8/utf8.h"

namespace buzzer::worker {
namespace {

constexpr size_t kMaxWhyBytes = 512;
// What comes and goes is said no more often.
constexpr absl::Duration kLogInterval = absl::Seconds(10);
constexpr size_t kMaxLoggedKinds = 100;
// A line names so many problems, and how many there are.
constexpr size_t kMaxToldProblems = 5;

// In one line, without what is only the start; empty if nothing has gone wrong.
std::string Told(const std::vector<Readiness::Problem>& problems) {
  std::string text;
  size_t count = 0;
  for (const Readiness::Problem& problem : problems) {
    if (problem.is_start || count++ >= kMaxToldProblems) continue;
    if (!text.empty()) absl::StrAppend(&text, "; ");
    if (!problem.queue.empty()) absl::StrAppend(&text, "queue ", problem.queue, ": ");
    absl::StrAppend(&text, problem.why);
  }
  if (count > kMaxToldProblems) absl::StrAppend(&text, "; and ", count - kMaxToldProblems, " more");
  return text;
}

}  // namespace

const char* ReasonName(Readiness::Reason reason) {
  switch (reason) {
    case Readiness::Reason::kState:
      return "state";
    case Readiness::Reason::kBroker:
      return "broker";
    case Readiness::Reason::kQueue:
      return "queue";
    case Readiness::Reason::kRefused:
      return "refused";
    case Readiness::Reason::kDraining:
      return "draining";
  }
  return "";
}

Readiness::Readiness(std::function<void(bool ready)> on_change, const Clock* clock)
    : on_change_(std::move(on_change)),
      not_ready_(kLogInterval, kMaxLoggedKinds, clock),
      refused_(kLogInterval, kMaxLoggedKinds, clock) {}

void Readiness::Serve(const Config& config) {
  MutexLock lock(&mutex_);
  std::map<std::string, Queue> queues;
  for (const HandlerConfig& handler : config.handlers) {
    const auto [place, is_new] = queues.try_emplace(handler.queue);
    if (is_new) {
      if (const auto known = queues_.find(handler.queue); known != queues_.end()) {
        place->second = std::move(known->second);
        place->second.types.clear();
      }
    }
    place->second.types.push_back(handler.type);
  }
  queues_ = std::move(queues);
  Update();
}

void Readiness::SetStateUp(bool up) {
  MutexLock lock(&mutex_);
  state_ = up ? Link::kUp : Link::kDown;
  // State says it again on the next stream.
  if (!up) refusals_.clear();
  Update();
}

void Readiness::SetBrokerUp(bool up) {
  MutexLock lock(&mutex_);
  if (!up && broker_ == Link::kNotYet) return;
  broker_ = up ? Link::kUp : Link::kDown;
  if (up) broker_problem_.clear();
  Update();
}

void Readiness::SetBrokerUnreachable(const std::string& why) {
  MutexLock lock(&mutex_);
  broker_ = Link::kDown;
  broker_problem_ = why;
  Update();
}

void Readiness::SetQueueProblem(const std::string& queue, absl::string_view why) {
  MutexLock lock(&mutex_);
  const auto it = queues_.find(queue);
  if (it == queues_.end()) return;
  const std::string problem = OneLine(why, kMaxWhyBytes - 3);
  if (it->second.problem == problem && (it->second.consumed_once || !problem.empty())) return;
  it->second.problem = problem;
  it->second.consumed_once |= problem.empty();
  Update();
}

void Readiness::SetRefusals(const std::vector<Refusal>& refusals) {
  MutexLock lock(&mutex_);
  const auto last = std::exchange(refusals_, {});
  for (const Refusal& refusal : refusals) {
    refusals_[{refusal.queue, refusal.type}] = refusal.message;
    const auto known = last.find({refusal.queue, refusal.type});
    if (known != last.end() && known->second == refusal.message) continue;
    const std::string key = absl::StrCat(refusal.queue, "/", refusal.type, "/", refusal.message);
    if (const int64_t times = refused_.Note(key); times > 0) {
      log::Error("refused_by_state", {{"queue", refusal.queue},
                                      {"type", refusal.type},
                                      {"times", times},
                                      {"error", refusal.message}});
    }
  }
  Update();
}

void Readiness::Drain() {
  MutexLock lock(&mutex_);
  draining_ = true;
  Update();
}

bool Readiness::ready() const {
  MutexLock lock(&mutex_);
  return ready_;
}

std::vector<Readiness::Problem> Readiness::problems() const {
  MutexLock lock(&mutex_);
  return Problems();
}

std::map<std::string, bool> Readiness::queues() const {
  MutexLock lock(&mutex_);
  const bool any = OfTheWorker().empty();
  std::map<std::string, bool> taken;
  for (const auto& [name, queue] : queues_) taken[name] = any && OfQueue(name, queue).empty();
  return taken;
}

std::vector<Readiness::Problem> Readiness::OfTheWorker() const {
  std::vector<Problem> problems;
  if (draining_) problems.push_back({Reason::kDraining, "", "the worker ends"});
  if (state_ != Link::kUp) {
    problems.push_back({Reason::kState, "", "the worker is not connected to the state service",
                        state_ == Link::kNotYet});
  }
  if (broker_ != Link::kUp) {
    problems.push_back(
        {Reason::kBroker, "",
         broker_problem_.empty() ? "the worker is not connected to the broker" : broker_problem_,
         broker_ == Link::kNotYet});
  }
  if (const std::string* const why = RefusalOf("", ""); why != nullptr) {
    problems.push_back({Reason::kRefused, "", *why});
  }
  return problems;
}

std::vector<Readiness::Problem> Readiness::OfQueue(const std::string& name,
                                                   const Queue& queue) const {
  const std::string* refusal = RefusalOf(name, "");
  if (refusal == nullptr) {
    // Of its types one that is taken is enough.
    for (const std::string& type : queue.types) {
      refusal = RefusalOf("", type);
      if (refusal == nullptr) break;
    }
  }
  if (refusal != nullptr) return {{Reason::kRefused, name, *refusal}};
  if (!queue.problem.empty()) return {{Reason::kQueue, name, queue.problem}};
  if (!queue.consumed_once) return {{Reason::kQueue, name, "it is not consumed yet", true}};
  return {};
}

std::vector<Readiness::Problem> Readiness::Problems() const {
  std::vector<Problem> problems = OfTheWorker();
  for (const auto& [name, queue] : queues_) {
    for (Problem& problem : OfQueue(name, queue)) problems.push_back(std::move(problem));
  }
  return problems;
}

const std::string* Readiness::RefusalOf(const std::string& queue, const std::string& type) const {
  const auto it = refusals_.find({queue, type});
  return it == refusals_.end() ? nullptr : &it->second;
}

bool Readiness::TakesOfAny() const {
  for (const auto& [name, queue] : queues_) {
    if (OfQueue(name, queue).empty()) return true;
  }
  return false;
}

void Readiness::Update() {
  const bool ready = OfTheWorker().empty() && TakesOfAny();
  if (ready != std::exchange(ready_, ready)) on_change_(ready);
  if (ready) {
    if (std::exchange(is_told_, false)) log::Info("ready", {{"queues", queues_.size()}});
    told_.clear();
    return;
  }
  const std::string why = Told(Problems());
  if (why.empty() || why == told_ || draining_) return;
  told_ = why;
  if (const int64_t times = not_ready_.Note(why); times > 0) {
    is_told_ = true;
    log::Warning("not_ready", {{"times", times}, {"error", why}});
  }
}

}  // namespace buzzer::worker

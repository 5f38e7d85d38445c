// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// A conversation with state: workers and frontends that say what they like, in any order,
// on the handlers of its streams and a real store. Whatever they say, every answer can be read
// by the other side and be shown as JSON, every job is where its state says, and nothing grows
// without bound.

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/names/names.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/state_checks.h"
#include "services/state/leases/lease_monitor.h"
#include "services/state/queues/queue_rates.h"
#include "services/state/queues/queue_views.h"
#include "services/state/queues/type_registry.h"
#include "services/state/queues/worker_registry.h"
#include "services/state/rpc/list_query.h"
#include "services/state/rpc/submit_stream.h"
#include "services/state/rpc/watch_stream.h"
#include "services/state/rpc/work_stream.h"
#include "services/state/watch/job_event_hub.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/direct_store.h"
#include "tests/fuzz/support/message_mutator.h"
#include "tests/fuzz/support/state_script.pb.h"

namespace buzzer::state {
namespace {

constexpr int kMaxSteps = 24;
constexpr int kLines = 2;
// Scripts that share a database: a new one takes longer than many of them.
constexpr int kScriptsOfADatabase = 500;

// The other side can read it, and a browser what is made of it.
template <typename Message>
void CheckAnswer(const Message& message) {
  const std::string bytes = message.SerializeAsString();
  FUZZ_CHECK(bytes.size() < (16u << 20));
  Message again;
  FUZZ_CHECK(again.ParseFromString(bytes));
  std::string json;
  const auto told = google::protobuf::util::MessageToJsonString(message, &json);
  FUZZ_CHECK_SEEN(told.ok(), told.ToString());
}

// The other end of a stream: reads every message as soon as there is one.
template <typename Request, typename Response>
class Peer final : public StreamWaker {
 public:
  void Wake() override {
    if (handler == nullptr || closed) return;
    for (Response next; handler->NextResponse(&next); next.Clear()) {
      CheckAnswer(next);
      heard.push_back(next);
    }
  }
  void Close(const absl::Status& status) override {
    closed = true;
    if (!status.ok()) fuzz::CheckError(status, absl::StatusCode::kInvalidArgument, "", 512);
  }

  StreamHandler<Request, Response>* handler = nullptr;
  std::vector<Response> heard;
  bool closed = false;
};

template <typename Request, typename Response>
struct Line {
  std::shared_ptr<Peer<Request, Response>> peer = std::make_shared<Peer<Request, Response>>();
  std::shared_ptr<StreamHandler<Request, Response>> handler;

  void Open(std::shared_ptr<StreamHandler<Request, Response>> the_handler) {
    handler = std::move(the_handler);
    peer->handler = handler.get();
  }
  void Say(Request request) {
    if (peer->closed || !handler->TakesRequests()) return;
    handler->OnRequest(request);
  }
  void HangUp() {
    if (handler != nullptr) handler->OnClosed();
    if (peer != nullptr) peer->handler = nullptr;
    handler = nullptr;
    peer = std::make_shared<Peer<Request, Response>>();
  }
};

// State around a store, for one script.
class Conversation {
 public:
  Conversation(DirectStore* store, testing::FakeClock* clock, int number)
      : store_(store),
        clock_(clock),
        tenant_(absl::StrCat("t", number)),
        number_(number),
        leases_(store, clock),
        types_(store, clock, [](const std::string&) {}),
        hub_(store, &waits_),
        rates_(clock),
        views_({store, &types_, &workers_, &rates_, clock, {}}) {
    store_->AddObserver(&leases_);
    store_->AddObserver(&workers_);
    store_->AddObserver(&hub_);
    types_.Declare({{"demo.echo", "demo.echo", {}}, {"a", "q", {}}});
    for (int line = 0; line < kLines; ++line) OpenWork(line);
    submit_.Open(std::make_shared<SubmitStream>(store_, &types_, &waits_, submit_.peer));
    watch_.Open(std::make_shared<WatchStream>(&hub_, watch_.peer));
  }

  ~Conversation() {
    for (auto& line : work_) line.HangUp();
    submit_.HangUp();
    watch_.HangUp();
    FUZZ_CHECK(workers_.size() == 0 && hub_.size() == 0);
    store_->RemoveObservers();
    store_->Forget();
    for (const std::string& queue : paused_) store_->SetPaused(queue, false, [](const auto&) {});
    store_->Settle();
  }

  void Do(fuzz::StateScript::Step& step);
  // What must hold at the end.
  void CheckAll();

 private:
  void OpenWork(int line) {
    work_[line].Open(std::make_shared<WorkStream>(
        WorkStream::Parts{store_, &leases_, &types_, &workers_, &slots_}, ++last_stream_, "peer",
        work_[line].peer));
  }

  // See StateScript.
  std::string JobOf(const std::string& id) const {
    if (id.size() != 1) return id;
    // UUIDv7 of this script's own.
    std::string bytes(JobId::LowestAt(clock_->Now()).bytes());
    bytes = bytes.substr(0, 6) + std::string("\x70\x00\x80\x00\x00\x00", 6) + "1234";
    // The same however late it is. Of another time than those of other scripts, whose jobs stay
    // in the store: a store may look for ids by how they begin.
    bytes[0] = bytes[1] = 0;
    for (int i = 0; i < 3; ++i) bytes[4 - i] = static_cast<char>(number_ >> (8 * i));
    bytes[5] = bytes[15] = static_cast<char>(id[0] % 4);
    return bytes;
  }
  std::string TenantOf(const std::string& tenant) const {
    return tenant.empty() ? tenant_ : tenant;
  }
  template <typename Message>
  void NameLease(Message& message) {
    message.set_job_id(JobOf(message.job_id()));
    if (message.lease_id().size() != 1) return;
    const auto it = granted_.find(message.job_id());
    if (it == granted_.end()) return;
    message.set_lease_id(it->second.lease_id());
    message.set_attempt(it->second.attempt());
  }
  void Name(internal::v1::WorkRequest& request);
  void NoteGrants();

  template <typename T>
  JobStore::Callback<T> Note(std::optional<absl::StatusOr<T>>* place) {
    return [place](absl::StatusOr<T> value) { place->emplace(std::move(value)); };
  }
  template <typename T, typename Question>
  absl::StatusOr<T> Ask(Question ask) {
    std::optional<absl::StatusOr<T>> answer;
    ask(Note<T>(&answer));
    store_->Settle();
    FUZZ_CHECK(answer.has_value());
    if (!answer->ok()) fuzz::CheckText(answer->status().message(), 2048);
    return *std::move(answer);
  }
  template <typename Request>
  std::optional<JobId> CheckedId(Request& request) {
    request.set_tenant(TenantOf(request.tenant()));
    request.set_id(JobOf(request.id()));
    if (!Check(request).ok()) return std::nullopt;
    return JobId::FromBytes(request.id());
  }
  void List(internal::v1::ListJobsRequest request);
  void Pass(absl::Duration duration);

  DirectStore* const store_;
  testing::FakeClock* const clock_;
  const std::string tenant_;
  const int number_;
  LeaseMonitor leases_;
  TypeRegistry types_;
  WorkerRegistry workers_{"buzzer"};
  const WaitReasons waits_{&types_, &workers_};
  WorkerSlots slots_;
  JobEventHub hub_;
  QueueRates rates_;
  QueueViews views_;
  int64_t last_stream_ = 0;
  Line<internal::v1::WorkRequest, internal::v1::WorkResponse> work_[kLines];
  Line<internal::v1::SubmitRequest, internal::v1::SubmitResponse> submit_;
  Line<internal::v1::WatchRequest, internal::v1::WatchResponse> watch_;
  // By job.
  std::map<std::string, internal::v1::Granted> granted_;
  // Queues that the next script must find as they were.
  std::set<std::string> paused_;
};

void Conversation::Name(internal::v1::WorkRequest& request) {
  for (auto& claim : *request.mutable_claims()) {
    claim.set_job_id(JobOf(claim.job_id()));
    if (claim.claim_id().size() == 1) claim.set_claim_id(std::string(16, claim.claim_id()[0]));
  }
  for (auto& renewal : *request.mutable_renewals()) NameLease(renewal);
  for (auto& report : *request.mutable_progress()) NameLease(report);
  for (auto& outcome : *request.mutable_outcomes()) NameLease(outcome);
}

void Conversation::NoteGrants() {
  for (auto& line : work_) {
    for (auto& response : line.peer->heard) {
      for (auto& answer : *response.mutable_claims()) {
        if (answer.has_granted()) granted_[answer.job_id()] = answer.granted();
      }
    }
    line.peer->heard.clear();
  }
}

void Conversation::List(internal::v1::ListJobsRequest request) {
  request.set_tenant(TenantOf(request.tenant()));
  if (!Check(request).ok()) return;
  const ListQuery query = ToQuery(request);
  const auto page = Ask<ListPage>([&](auto done) { store_->List(query, std::move(done)); });
  FUZZ_CHECK(page.ok() && page->jobs.size() <= static_cast<size_t>(query.page_size));
  std::optional<JobId> last = query.before;
  for (const JobRecord& job : page->jobs) {
    FUZZ_CHECK(job.tenant() == query.tenant);
    FUZZ_CHECK(!last.has_value() || job.id < *last);
    last = job.id;
    CheckAnswer(ToProto(job));
  }
}

void Conversation::Pass(absl::Duration duration) {
  clock_->Advance(std::clamp(duration, absl::ZeroDuration(), absl::Hours(24)));
  leases_.Tick();
  store_->Settle();
  const auto result =
      Ask<JobStore::TimerResult>([&](auto done) { store_->RunTimers(100, std::move(done)); });
  FUZZ_CHECK(result.ok());
}

void Conversation::Do(fuzz::StateScript::Step& step) {
  const auto line = static_cast<int>(step.line() % kLines);
  using Step = fuzz::StateScript::Step;
  switch (step.what_case()) {
    case Step::kWork:
      Name(*step.mutable_work());
      work_[line].Say(std::move(*step.mutable_work()));
      break;
    case Step::kSubmit: {
      for (auto& job : *step.mutable_submit()->mutable_jobs()) {
        job.set_id(JobOf(job.id()));
        job.set_tenant(TenantOf(job.tenant()));
      }
      const int jobs = step.submit().jobs_size();
      const bool was_closed = submit_.peer->closed;
      submit_.Say(std::move(*step.mutable_submit()));
      store_->Settle();
      if (was_closed || submit_.peer->closed) break;
      FUZZ_CHECK(submit_.peer->heard.size() == 1);
      FUZZ_CHECK(submit_.peer->heard[0].results_size() == jobs);
      submit_.peer->heard.clear();
      break;
    }
    case Step::kWatch:
      for (auto& start : *step.mutable_watch()->mutable_start()) {
        start.set_job_id(JobOf(start.job_id()));
        start.set_tenant(TenantOf(start.tenant()));
      }
      watch_.Say(std::move(*step.mutable_watch()));
      break;
    case Step::kGet:
      if (const auto id = CheckedId(*step.mutable_get())) {
        const auto full = Ask<FullJob>(
            [&](auto done) { store_->GetFull(step.get().tenant(), *id, std::move(done)); });
        if (!full.ok()) break;
        v1::Job job = ToProto(full->job);
        for (const HistoryEntry& entry : full->history) *job.add_history() = ToProto(entry);
        CheckAnswer(job);
        FUZZ_CHECK(!full->history.empty() && full->history.back().state == full->job.state);
      }
      break;
    case Step::kList:
      List(step.list());
      break;
    case Step::kResult:
      if (const auto id = CheckedId(*step.mutable_result())) {
        (void)Ask<StoredResult>(
            [&](auto done) { store_->GetResult(step.result().tenant(), *id, std::move(done)); });
      }
      break;
    case Step::kCancel:
      if (const auto id = CheckedId(*step.mutable_cancel())) {
        (void)Ask<JobRecord>([&](auto done) {
          store_->Cancel(step.cancel().tenant(), *id, step.cancel().force(), std::move(done));
        });
      }
      break;
    case Step::kRetry:
      if (const auto id = CheckedId(*step.mutable_retry())) {
        (void)Ask<JobRecord>(
            [&](auto done) { store_->Retry(step.retry().tenant(), *id, std::move(done)); });
      }
      break;
    case Step::kDelete:
      if (const auto id = CheckedId(*step.mutable_delete_())) {
        (void)Ask<bool>(
            [&](auto done) { store_->Delete(step.delete_().tenant(), *id, std::move(done)); });
      }
      break;
    case Step::kPause:
      if (!types_.KnowsQueue(step.pause().queue())) break;
      (void)Ask<bool>([&](auto done) {
        store_->SetPaused(step.pause().queue(), step.pause().paused(), std::move(done));
      });
      types_.SetPaused(step.pause().queue(), step.pause().paused());
      paused_.insert(step.pause().queue());
      break;
    case Step::kRelease:
      if (!Check(step.release()).ok()) break;
      (void)Ask<bool>([&](auto done) {
        store_->ReleaseKey(tenant_, step.release().idempotency_key(), std::move(done));
      });
      break;
    case Step::kDeleteQueue:
      if (!Check(step.delete_queue()).ok() || workers_.Serves(step.delete_queue().queue())) break;
      (void)Ask<bool>(
          [&](auto done) { types_.RemoveQueue(step.delete_queue().queue(), std::move(done)); });
      break;
    case Step::kDeleteType:
      if (!Check(step.delete_type()).ok() || workers_.HasHandler(step.delete_type().type())) break;
      (void)Ask<bool>(
          [&](auto done) { types_.RemoveType(step.delete_type().type(), std::move(done)); });
      break;
    case Step::kPass:
      Pass(FromDuration(step.pass()));
      break;
    case Step::kHangUp:
      work_[line].HangUp();
      OpenWork(line);
      break;
    case Step::WHAT_NOT_SET:
      break;
  }
  store_->Settle();
  NoteGrants();
  watch_.peer->heard.clear();
}

void Conversation::CheckAll() {
  FUZZ_CHECK(types_.Queues().size() <= kMaxQueues);
  for (const std::string& queue : types_.Queues()) {
    FUZZ_CHECK_SEEN(IsName(queue), queue);
    for (const std::string& type : types_.TypesOf(queue)) FUZZ_CHECK_SEEN(IsName(type), type);
    const WorkerRegistry::QueueWorkers workers = workers_.Of(queue);
    FUZZ_CHECK(workers.workers >= 0 && workers.workers <= kLines);
    FUZZ_CHECK(workers.slots >= 0 && workers.slots <= kLines * kMaxSlotsOfAWorker);
    FUZZ_CHECK(workers.stalled >= 0 && workers.workers + workers.stalled <= kLines);
    FUZZ_CHECK((workers.stalled > 0) == !workers.stall_reason.empty());
    fuzz::CheckText(workers.stall_reason, 2 * kMaxProblemBytes);
    FUZZ_CHECK(workers.prefetch >= 0 && workers.prefetch <= kLines * kMaxPrefetch);
  }
  const auto views =
      Ask<std::vector<v1::Queue>>([&](auto done) { views_.List(tenant_, std::move(done)); });
  FUZZ_CHECK(views.ok());
  int64_t active = 0;
  for (const v1::Queue& view : *views) {
    CheckAnswer(view);
    active += view.running();
    FUZZ_CHECK(view.ready() >= 0 && view.scheduled() >= 0 && view.running() >= 0);
  }
  internal::v1::ListJobsRequest all;
  all.set_page_size(100);
  List(all);
  // A lease for each that is active, and each QUEUED job once in the outbox.
  const auto running =
      Ask<std::vector<JobRecord>>([&](auto done) { store_->ReadActive(std::move(done)); });
  FUZZ_CHECK(running.ok());
  int64_t ours = 0;
  for (const JobRecord& job : *running) {
    if (job.tenant() != tenant_) continue;
    ++ours;
    FUZZ_CHECK(!job.lease_id.empty() && job.attempt >= 1);
  }
  FUZZ_CHECK(ours <= active);
  FUZZ_CHECK(leases_.size() <= running->size());
}

// A database, and how many scripts have come by.
struct House {
  testing::FakeClock clock;
  std::unique_ptr<DirectStore> store = std::make_unique<DirectStore>(&clock);
  int scripts = 0;
};

void Run(fuzz::StateScript& script) {
  static int number = 0;
  static auto house = std::make_unique<House>();
  if (house->scripts++ == kScriptsOfADatabase) house = std::make_unique<House>();
  Conversation conversation(house->store.get(), &house->clock, ++number);
  const int steps = std::min(script.steps_size(), kMaxSteps);
  for (int i = 0; i < steps; ++i) conversation.Do(*script.mutable_steps(i));
  conversation.CheckAll();
}

}  // namespace
}  // namespace buzzer::state

BUZZER_FUZZ_MESSAGE(buzzer::fuzz::StateScript, buzzer::state::Run)

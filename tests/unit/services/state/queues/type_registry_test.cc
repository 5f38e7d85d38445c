// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/queues/type_registry.h"

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "services/state/boundary/limits.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using Names = std::vector<std::string>;

class TypeRegistryTest : public StoreTest {
 protected:
  ~TypeRegistryTest() override { CloseStore(); }

  std::vector<TypeRecord> Saved() {
    store().SetPaused("unused", false);  // Is behind every save.
    return *testing::Await<std::vector<TypeRecord>>(
        [&](const auto& done) { store_->ReadTypes(done); });
  }

  // As an earlier process left them.
  void SaveAll(const std::vector<TypeRecord>& types) {
    ASSERT_TRUE(testing::Await<bool>([&](const auto& done) {
                  store_->SaveTypes(types, std::move(done));
                }).ok());
  }

  Names told_;
  TypeRegistry types_{store_.get(), &clock_,
                      [this](std::string queue) { told_.push_back(std::move(queue)); },
                      [this](std::string queue) { forgotten_.push_back(std::move(queue)); }};
  Names forgotten_;

  absl::Status RemoveQueue(const std::string& queue) {
    return testing::Await<bool>([&](const auto& done) { types_.RemoveQueue(queue, done); })
        .status();
  }
  absl::Status RemoveType(const std::string& type) {
    return testing::Await<bool>([&](const auto& done) { types_.RemoveType(type, done); }).status();
  }
  JobRecord SubmitTo(const std::string& queue) {
    auto job = NewJob();
    job.set_queue(queue);
    return store().MustSubmit(job);
  }

  // As many as there may be: type I in queue I.
  void FillTheQueues() {
    for (size_t i = types_.Queues().size(); i < kMaxQueues; ++i) {
      types_.Announce({{absl::StrCat("type", i), absl::StrCat("queue", i), {}}});
    }
  }
};

TEST_F(TypeRegistryTest, ResolvesTheQueueOfAType) {
  types_.Announce(
      {{"demo.echo", "demo.echo", {}}, {"demo.echo", "bulk", {}}, {"mail", "post", {}}});
  EXPECT_EQ(*types_.ResolveQueue("demo.echo", ""), "demo.echo");
  EXPECT_EQ(*types_.ResolveQueue("demo.echo", "bulk"), "bulk");
  EXPECT_EQ(*types_.ResolveQueue("mail", ""), "post");
}

TEST_F(TypeRegistryTest, NamesTheKnownOnesWhenItRefuses) {
  types_.Announce({{"demo.echo", "demo.echo", {}}, {"mail", "post", {}}});
  const absl::Status type = types_.ResolveQueue("demo.ecko", "").status();
  EXPECT_TRUE(absl::IsInvalidArgument(type));
  EXPECT_EQ(ErrorReason(type), "UNKNOWN_TYPE");
  EXPECT_NE(type.message().find("demo.echo, mail"), absl::string_view::npos);
  const absl::Status queue = types_.ResolveQueue("mail", "demo.echo").status();
  EXPECT_TRUE(absl::IsInvalidArgument(queue));
  EXPECT_EQ(ErrorReason(queue), "UNKNOWN_QUEUE");
  EXPECT_NE(queue.message().find("post"), absl::string_view::npos);
}

TEST_F(TypeRegistryTest, ListsNoMoreNamesThanAMessageHolds) {
  std::vector<TypeRecord> many;
  many.reserve(100);
  for (int i = 0; i < 100; ++i) many.push_back({absl::StrCat("type", i), "shared", {}});
  types_.Announce(many);
  const absl::Status refused = types_.ResolveQueue("other", "").status();
  EXPECT_NE(refused.message().find("and 70 more"), absl::string_view::npos);
  EXPECT_LT(refused.message().size(), 1000u);
}

TEST_F(TypeRegistryTest, TellsOfEachQueueOnce) {
  types_.Announce({{"a", "shared", {}}, {"b", "shared", {}}});
  types_.Announce({{"a", "shared", {}}, {"a", "a", {}}});
  types_.Declare({{"c", "a", {}}});
  types_.DeclareQueue("shared");
  types_.DeclareQueue("limited");
  EXPECT_EQ(told_, (Names{"shared", "a", "limited"}));
  EXPECT_EQ(types_.Queues(), (Names{"a", "limited", "shared"}));
  EXPECT_EQ(types_.TypesOf("shared"), (Names{"a", "b"}));
  EXPECT_TRUE(types_.KnowsQueue("limited"));
  EXPECT_TRUE(types_.TypesOf("limited").empty());
  EXPECT_FALSE(types_.KnowsQueue("other"));
}

TEST_F(TypeRegistryTest, RemembersAnnouncedTypesAndPausedQueues) {
  types_.Announce({{"demo.echo", "bulk", {}}});
  types_.Declare({{"declared", "declared", {}}});
  store().SetPaused("bulk", true);
  Names told;
  TypeRegistry restarted(store_.get(), &clock_,
                         [&](std::string queue) { told.push_back(std::move(queue)); });
  ASSERT_TRUE(restarted.Load().ok());
  EXPECT_EQ(told, Names{"bulk"});
  EXPECT_EQ(*restarted.ResolveQueue("demo.echo", ""), "bulk");
  EXPECT_EQ(ErrorReason(restarted.ResolveQueue("declared", "").status()), "UNKNOWN_TYPE");
  EXPECT_EQ(restarted.PausedQueues(), Names{"bulk"});
  EXPECT_TRUE(restarted.IsPaused("bulk"));
  restarted.SetPaused("bulk", false);
  EXPECT_FALSE(restarted.IsPaused("bulk"));
}

TEST_F(TypeRegistryTest, LeavesWhatIsNoNameWhereItLies) {
  SaveAll({{"demo.echo\nforged line", "demo.echo", clock_.Now()},
           {"mail", "Post", clock_.Now()},
           {"", "", clock_.Now()},
           {"demo.echo", "demo.echo", clock_.Now()}});
  ASSERT_TRUE(types_.Load().ok());
  EXPECT_EQ(types_.Queues(), Names{"demo.echo"});
  EXPECT_EQ(types_.TypesOf("demo.echo"), Names{"demo.echo"});
  EXPECT_EQ(told_, Names{"demo.echo"});
}

TEST_F(TypeRegistryTest, TakesUpTheNewestTypesThatHavePlaceAfterAStart) {
  std::vector<TypeRecord> saved;
  for (size_t i = 0; i < kMaxTypes + 10; ++i) {
    saved.push_back({absl::StrCat("type", i), "bulk", clock_.Now() - absl::Seconds(i)});
  }
  SaveAll(saved);
  ASSERT_TRUE(types_.Load().ok());
  EXPECT_EQ(types_.TypesOf("bulk").size(), kMaxTypes);
  EXPECT_TRUE(types_.ResolveQueue(absl::StrCat("type", kMaxTypes - 1), "").ok());
  EXPECT_FALSE(types_.ResolveQueue(absl::StrCat("type", kMaxTypes), "").ok());
}

TEST_F(TypeRegistryTest, TakesUpTheNewestQueuesThatHavePlaceAfterAStart) {
  types_.DeclareQueue("limited");
  std::vector<TypeRecord> saved;
  for (size_t i = 0; i < kMaxQueues + 10; ++i) {
    saved.push_back({"a", absl::StrCat("queue", i), clock_.Now() - absl::Seconds(i)});
  }
  SaveAll(saved);
  ASSERT_TRUE(types_.Load().ok());
  EXPECT_EQ(types_.Queues().size(), kMaxQueues);
  EXPECT_TRUE(types_.KnowsQueue("limited"));
  EXPECT_TRUE(types_.KnowsQueue(absl::StrCat("queue", kMaxQueues - 2)));
  EXPECT_FALSE(types_.KnowsQueue(absl::StrCat("queue", kMaxQueues - 1)));
}

TEST_F(TypeRegistryTest, GivesThePlaceOfALongUnseenTypeToANewOneRightAfterAStart) {
  std::vector<TypeRecord> saved = {{"used", "bulk", clock_.Now()},
                                   {"used.too", "bulk", clock_.Now() - absl::Minutes(89)}};
  for (size_t i = saved.size(); i < kMaxTypes; ++i) {
    saved.push_back({absl::StrCat("invented", i), "bulk", clock_.Now() - absl::Minutes(90)});
  }
  SaveAll(saved);
  clock_.Advance(absl::Hours(3));  // While state was not there, no worker could be seen.
  ASSERT_TRUE(types_.Load().ok());
  std::vector<TypeRecord> fresh;
  for (size_t i = 0; i < kMaxTypes; ++i) fresh.push_back({absl::StrCat("new", i), "bulk", {}});
  types_.Announce(fresh);
  EXPECT_TRUE(types_.ResolveQueue("new0", "").ok());
  EXPECT_TRUE(types_.ResolveQueue("used", "").ok());
  EXPECT_TRUE(types_.ResolveQueue("used.too", "").ok());
  EXPECT_FALSE(types_.ResolveQueue("invented2", "").ok());
  EXPECT_EQ(types_.TypesOf("bulk").size(), kMaxTypes);
}

TEST_F(TypeRegistryTest, SavesAnAnnouncementOnceAnHour) {
  const absl::Time first = clock_.Now();
  types_.Announce({{"demo.echo", "demo.echo", {}}});
  clock_.Advance(absl::Minutes(59));
  types_.Announce({{"demo.echo", "demo.echo", {}}});
  EXPECT_EQ(Saved().at(0).last_seen, first);
  clock_.Advance(absl::Minutes(1));
  types_.Announce({{"demo.echo", "demo.echo", {}}});
  EXPECT_EQ(Saved().at(0).last_seen, clock_.Now());
}

TEST_F(TypeRegistryTest, RefusesQueuesBeyondTheLimit) {
  std::vector<TypeRecord> many;
  for (size_t i = 0; i < kMaxQueues + 5; ++i) {
    many.push_back({absl::StrCat("type", i), absl::StrCat("queue", i), {}});
  }
  types_.Announce(many);
  EXPECT_EQ(types_.Queues().size(), kMaxQueues);
  EXPECT_EQ(ErrorReason(types_.ResolveQueue("type204", "").status()), "UNKNOWN_TYPE");
  // Another type in a known queue is still welcome.
  types_.Announce({{"late", "queue0", {}}});
  EXPECT_EQ(*types_.ResolveQueue("late", ""), "queue0");
}

TEST_F(TypeRegistryTest, KeepsNothingOfWhatItHasNoPlaceFor) {
  FillTheQueues();
  types_.Announce({{"late", "late", {}}});
  EXPECT_FALSE(types_.KnowsQueue("late"));
  for (const TypeRecord& saved : Saved()) EXPECT_NE(saved.type, "late");
  EXPECT_EQ(told_.size(), kMaxQueues);
}

TEST_F(TypeRegistryTest, GivesTheLongestUnservedQueuesPlaceToANewOne) {
  FillTheQueues();
  clock_.Advance(absl::Minutes(29));
  types_.Announce({{"late", "late", {}}});
  EXPECT_FALSE(types_.KnowsQueue("late")) << "a worker may come back soon";
  types_.Announce({{"type0", "queue0", {}}});
  clock_.Advance(absl::Minutes(1));
  types_.Announce({{"late", "late", {}}});
  EXPECT_TRUE(types_.KnowsQueue("late"));
  EXPECT_TRUE(types_.KnowsQueue("queue0"));
  ASSERT_EQ(forgotten_.size(), 1u);
  EXPECT_FALSE(types_.KnowsQueue(forgotten_[0]));
  EXPECT_EQ(types_.Queues().size(), kMaxQueues);
}

TEST_F(TypeRegistryTest, KeepsEveryQueueThatIsUsed) {
  types_.Declare({{"report", "report", {}}});
  types_.DeclareQueue("limited");
  auto job = NewJob();
  job.set_queue("queue7");
  store().MustSubmit(job);
  FillTheQueues();
  types_.SetPaused("queue8", true);
  clock_.Advance(absl::Hours(1));
  types_.Announce({{"type9", "queue9", {}}});  // Its worker is connected.
  for (size_t i = 0; i < kMaxQueues; ++i) {
    types_.Announce({{"new", absl::StrCat("new", i), {}}});
  }
  for (const std::string queue : {"report", "limited", "queue7", "queue8", "queue9"}) {
    EXPECT_TRUE(types_.KnowsQueue(queue)) << queue;
  }
  EXPECT_EQ(types_.Queues().size(), kMaxQueues);
  EXPECT_EQ(forgotten_.size(), kMaxQueues - 5);
}

TEST_F(TypeRegistryTest, GivesUpNoQueueForATypeThatHasNoPlace) {
  types_.Announce({{"over", "over", {}}});
  clock_.Advance(absl::Hours(24 * 31));
  types_.Forget();
  ASSERT_TRUE(types_.KnowsQueue("over"));
  FillTheQueues();
  std::vector<TypeRecord> many;
  for (size_t i = kMaxQueues - 1; i < kMaxTypes; ++i) {
    many.push_back({absl::StrCat("many", i), "queue1", {}});
  }
  types_.Announce(many);
  types_.Announce({{"late", "late", {}}});
  EXPECT_FALSE(types_.KnowsQueue("late"));
  EXPECT_TRUE(types_.KnowsQueue("over"));
  EXPECT_TRUE(forgotten_.empty());
}

TEST_F(TypeRegistryTest, MakesRoomForAQueueAndItsTypeByGivingUpOneQueue) {
  FillTheQueues();
  clock_.Advance(absl::Hours(1));
  std::vector<TypeRecord> many;
  for (size_t i = kMaxQueues; i < kMaxTypes; ++i) {
    many.push_back({absl::StrCat("many", i), "queue1", {}});
  }
  types_.Announce(many);
  types_.Announce({{"late", "late", {}}});
  EXPECT_TRUE(types_.KnowsQueue("late"));
  EXPECT_EQ(forgotten_, Names{"queue0"});
  EXPECT_TRUE(types_.ResolveQueue("type2", "").ok()) << "its queue's type left room enough";
}

TEST_F(TypeRegistryTest, KeepsWhatTheSameWorkerAnnouncedJustBefore) {
  FillTheQueues();
  clock_.Advance(absl::Hours(1));
  std::vector<TypeRecord> batch = {{"new", "new", {}}};
  for (size_t i = 1; i < kMaxQueues / 2; ++i) {
    batch.push_back({absl::StrCat("type", i), absl::StrCat("queue", i), {}});
  }
  for (size_t i = 1; i < kMaxQueues / 2; ++i) batch.push_back({"new", absl::StrCat("new", i), {}});
  types_.Announce(batch);
  for (const TypeRecord& type : batch) EXPECT_TRUE(types_.KnowsQueue(type.queue)) << type.queue;
  EXPECT_EQ(forgotten_.size(), kMaxQueues / 2);
}

TEST_F(TypeRegistryTest, DoesNotRememberAfterARestartWhatGaveItsPlace) {
  FillTheQueues();
  clock_.Advance(absl::Hours(1));
  types_.Announce({{"late", "late", {}}});
  ASSERT_EQ(forgotten_.size(), 1u);
  Saved();
  TypeRegistry restarted(store_.get(), &clock_, [](const std::string&) {});
  ASSERT_TRUE(restarted.Load().ok());
  EXPECT_TRUE(restarted.KnowsQueue("late"));
  EXPECT_FALSE(restarted.KnowsQueue(forgotten_[0]));
  store().RunTimers();
  EXPECT_EQ(Saved().size(), kMaxQueues);
}

TEST_F(TypeRegistryTest, ForgetsAQueueThatNobodyNeedsForGood) {
  types_.Announce({{"old", "old", {}}, {"shared", "old", {}}, {"shared", "shared", {}}});
  ASSERT_TRUE(store().Cancel(SubmitTo("old").id).ok());  // An ended job does not hold it.
  types_.SetPaused("old", true);
  store().SetPaused("old", true);
  ASSERT_TRUE(RemoveQueue("old").ok());
  EXPECT_EQ(forgotten_, (Names{"old"}));
  EXPECT_FALSE(types_.KnowsQueue("old"));
  EXPECT_FALSE(types_.IsPaused("old"));
  EXPECT_EQ(ErrorReason(types_.ResolveQueue("old", "").status()), "UNKNOWN_TYPE");
  EXPECT_EQ(*types_.ResolveQueue("shared", ""), "shared");
  types_.TakeUpQueuesWithJobs();
  EXPECT_FALSE(types_.KnowsQueue("old"));

  TypeRegistry restarted(store_.get(), &clock_, [](const std::string&) {});
  ASSERT_TRUE(restarted.Load().ok());
  restarted.TakeUpQueuesWithJobs();
  EXPECT_FALSE(restarted.KnowsQueue("old"));
  EXPECT_FALSE(restarted.IsPaused("old"));
  EXPECT_TRUE(restarted.KnowsQueue("shared"));

  types_.Announce({{"old", "old", {}}});
  EXPECT_EQ(*types_.ResolveQueue("old", ""), "old");
}

TEST_F(TypeRegistryTest, ForgetsNoQueueThatIsNeeded) {
  EXPECT_EQ(ErrorReason(RemoveQueue("nowhere")), "QUEUE_NOT_FOUND");
  types_.Announce({{"busy", "busy", {}}});
  types_.Declare({{"report", "declared", {}}});
  types_.DeclareQueue("limited");
  const JobRecord job = SubmitTo("busy");
  for (const char* queue : {"busy", "declared", "limited"}) {
    const absl::Status refused = RemoveQueue(queue);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused));
    EXPECT_EQ(ErrorReason(refused), "QUEUE_IN_USE") << queue;
    EXPECT_TRUE(types_.KnowsQueue(queue));
  }
  const LeaseRef lease = store().MustClaim(job.id);
  EXPECT_EQ(ErrorReason(RemoveQueue("busy")), "QUEUE_IN_USE");
  ASSERT_TRUE(store().Succeed(lease));
  EXPECT_TRUE(RemoveQueue("busy").ok());
}

TEST_F(TypeRegistryTest, ForgetsATypeInAllOfItsQueues) {
  types_.Announce({{"old", "a", {}}, {"old", "b", {}}, {"other", "a", {}}});
  types_.Declare({{"report", "a", {}}});
  ASSERT_TRUE(RemoveType("old").ok());
  EXPECT_EQ(ErrorReason(types_.ResolveQueue("old", "").status()), "UNKNOWN_TYPE");
  EXPECT_EQ(types_.TypesOf("a"), (Names{"other", "report"}));
  EXPECT_TRUE(types_.KnowsQueue("b"));
  EXPECT_EQ(ErrorReason(RemoveType("old")), "TYPE_NOT_FOUND");
  EXPECT_EQ(ErrorReason(RemoveType("report")), "TYPE_IN_USE");
}

TEST_F(TypeRegistryTest, TellsWhomItRefusesAndWhatWouldMakeAPlace) {
  FillTheQueues();
  std::vector<TypeRecord> late = {{"a", "late", {}}, {"b", "late", {}}, {"c", "queue0", {}}};
  auto refusals = types_.Announce(late);
  ASSERT_EQ(refusals.size(), 1u) << "a queue is told once";
  EXPECT_EQ(refusals[0].queue(), "late");
  EXPECT_EQ(refusals[0].type(), "");
  EXPECT_NE(refusals[0].message().find("the limit of 200 queues"), std::string::npos);

  for (int i = 0; i < 1000; ++i) late.push_back({"t", absl::StrCat("late", i), {}});
  refusals = types_.Announce(late);
  EXPECT_EQ(refusals.size(), static_cast<size_t>(kMaxRefusals));
  EXPECT_EQ(refusals.back().message(), "and 952 more, for which there is no place either");

  ASSERT_TRUE(RemoveQueue("queue7").ok());
  EXPECT_TRUE(types_.Announce({{"a", "late", {}}}).empty());
}

TEST_F(TypeRegistryTest, KnowsTheQueuesOfJobs) {
  auto job = NewJob();
  job.set_queue("forgotten");
  const JobRecord record = store().MustSubmit(job);
  types_.TakeUpQueuesWithJobs();
  EXPECT_TRUE(types_.KnowsQueue("forgotten"));
  EXPECT_FALSE(types_.KnowsQueue("demo.echo"));
}

TEST_F(TypeRegistryTest, TellsOfQueuesWithJobsAgainThoughItKnowsThem) {
  auto job = NewJob();
  job.set_queue("busy");
  store().MustSubmit(job);
  types_.Announce({{"demo.echo", "busy", {}}, {"demo.echo", "idle", {}}});
  types_.TakeUpQueuesWithJobs();
  EXPECT_EQ(told_, (Names{"busy", "idle", "busy"})) << "the dispatcher may have lost its lanes";
}

TEST_F(TypeRegistryTest, HasNoMoreTypesThanItsLimit) {
  types_.Declare({{"report", "bulk", {}}});
  const auto announce = [&](const std::string& prefix) {
    std::vector<TypeRecord> many;
    for (size_t i = 0; i < kMaxTypes / 10; ++i) {
      many.push_back({absl::StrCat(prefix, ".", i), "bulk", {}});
    }
    types_.Announce(many);
  };
  for (int i = 0; i < 11; ++i) announce(absl::StrCat("t", i));
  EXPECT_EQ(types_.TypesOf("bulk").size(), kMaxTypes + 1) << "one is declared";
  EXPECT_FALSE(types_.ResolveQueue("t10.0", "").ok());
  EXPECT_EQ(types_.TypesOf("bulk", 3), (Names{"report", "t0.0", "t0.1"}));
  clock_.Advance(absl::Minutes(31));
  announce("t9");
  announce("new");
  EXPECT_TRUE(types_.ResolveQueue("new.0", "").ok());
  EXPECT_TRUE(types_.ResolveQueue("t9.0", "").ok());
  EXPECT_TRUE(types_.ResolveQueue("report", "").ok());
  EXPECT_EQ(types_.TypesOf("bulk").size(), kMaxTypes + 1);
}

TEST_F(TypeRegistryTest, ForgetsATypeThirtyDaysAfterItsLastWorkerWhileStateRuns) {
  types_.Declare({{"report", "report", {}}});
  types_.Announce({{"demo.echo", "demo.echo", {}}, {"demo.echo", "bulk", {}}});
  clock_.Advance(absl::Hours(24 * 29));
  types_.Announce({{"demo.echo", "bulk", {}}});
  clock_.Advance(absl::Hours(24 * 2));
  types_.Forget();
  EXPECT_EQ(*types_.ResolveQueue("demo.echo", ""), "bulk");
  EXPECT_TRUE(types_.TypesOf("demo.echo").empty());
  EXPECT_TRUE(types_.KnowsQueue("demo.echo")) << "jobs may wait in it";
  clock_.Advance(absl::Hours(24 * 30));
  types_.Forget();
  EXPECT_EQ(ErrorReason(types_.ResolveQueue("demo.echo", "").status()), "UNKNOWN_TYPE");
  EXPECT_EQ(*types_.ResolveQueue("report", ""), "report");
  types_.Announce({{"demo.echo", "demo.echo", {}}});
  EXPECT_EQ(*types_.ResolveQueue("demo.echo", ""), "demo.echo");
}

}  // namespace
}  // namespace buzzer::state

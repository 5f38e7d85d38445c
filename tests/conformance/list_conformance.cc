// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Lists and the outbox's order.

#include <algorithm>

#include "tests/conformance/job_store_conformance.h"

namespace buzzer::state {
namespace {

std::vector<JobId> Ids(const ListPage& page) {
  std::vector<JobId> ids;
  for (const JobRecord& job : page.jobs) ids.push_back(job.id);
  return ids;
}

TEST_P(JobStoreConformance, ListsNewestFirstPageByPage) {
  std::vector<JobId> submitted;
  submitted.reserve(25);
  for (int i = 0; i < 25; ++i) submitted.push_back(SubmitLater().id);
  std::reverse(submitted.begin(), submitted.end());
  std::vector<JobId> listed;
  ListQuery query;
  query.page_size = 10;
  for (const size_t expected : {10u, 10u, 5u}) {
    const ListPage page = store().List(query);
    EXPECT_EQ(page.jobs.size(), expected);
    const auto ids = Ids(page);
    listed.insert(listed.end(), ids.begin(), ids.end());
    query.before = page.next_before;
  }
  EXPECT_EQ(listed, submitted);
  EXPECT_FALSE(query.before.has_value());
}

TEST_P(JobStoreConformance, ShowsNoJobTwiceWhileNewOnesCome) {
  for (int i = 0; i < 4; ++i) SubmitLater();
  ListQuery query;
  query.page_size = 2;
  const ListPage first = store().List(query);
  SubmitLater();
  query.before = first.next_before;
  const ListPage second = store().List(query);
  EXPECT_LT(second.jobs.front().id, first.jobs.back().id);
  EXPECT_EQ(second.jobs.size(), 2u);
}

TEST_P(JobStoreConformance, ListsByEachFilter) {
  const JobRecord plain = SubmitLater();
  const JobRecord photo = SubmitLater([](auto& job) {
    job.set_type("images.thumbnails");
    job.set_queue("photos");
    (*job.mutable_labels())["team"] = "red";
    (*job.mutable_labels())["album"] = "7";
  });
  const JobRecord other = SubmitLater([](auto& job) { (*job.mutable_labels())["team"] = "blue"; });
  const JobRecord foreign = SubmitLater([](auto& job) {
    job.set_tenant("other");
    (*job.mutable_labels())["team"] = "red";
  });
  store().MustClaim(other.id);

  const auto ids = [&](const std::function<void(ListQuery&)>& change) {
    ListQuery query;
    change(query);
    return Ids(store().List(query));
  };
  using Jobs = std::vector<JobId>;
  EXPECT_EQ(ids([](ListQuery&) {}), (Jobs{other.id, photo.id, plain.id}));
  EXPECT_EQ(ids([](ListQuery& q) { q.tenant = "other"; }), Jobs{foreign.id});
  EXPECT_EQ(ids([](ListQuery& q) { q.state = v1::Job::RUNNING; }), Jobs{other.id});
  EXPECT_EQ(ids([](ListQuery& q) { q.type = "images.thumbnails"; }), Jobs{photo.id});
  EXPECT_EQ(ids([](ListQuery& q) { q.queue = "demo.echo"; }), (Jobs{other.id, plain.id}));
  EXPECT_EQ(ids([](ListQuery& q) { q.labels = {{"team", "red"}}; }), Jobs{photo.id});
  EXPECT_EQ(ids([](ListQuery& q) { q.labels = {{"team", "red"}, {"album", "8"}}; }), Jobs{});
  EXPECT_EQ(ids([](ListQuery& q) {
              q.state = v1::Job::QUEUED;
              q.queue = "demo.echo";
            }),
            Jobs{plain.id});
  EXPECT_EQ(ids([](ListQuery& q) {
              q.labels = {{"team", "blue"}};
              q.state = v1::Job::RUNNING;
              q.type = "demo.echo";
            }),
            Jobs{other.id});
}

TEST_P(JobStoreConformance, ListsByTimeFromInclusiveToExclusive) {
  const JobRecord first = SubmitLater();
  const JobRecord second = SubmitLater();
  const JobRecord third = SubmitLater();
  ListQuery query;
  query.created_from = second.id.time();
  EXPECT_EQ(Ids(store().List(query)), (std::vector<JobId>{third.id, second.id}));
  query.created_until = third.id.time();
  EXPECT_EQ(Ids(store().List(query)), std::vector<JobId>{second.id});
  query.created_from.reset();
  EXPECT_EQ(Ids(store().List(query)), (std::vector<JobId>{second.id, first.id}));
  // Between two milliseconds, and before there was time.
  query.created_until = second.id.time() + absl::Microseconds(500);
  query.created_from = first.id.time() + absl::Microseconds(500);
  EXPECT_EQ(Ids(store().List(query)), std::vector<JobId>{second.id});
  query.created_from = absl::FromUnixSeconds(-1'000'000);
  EXPECT_EQ(Ids(store().List(query)), (std::vector<JobId>{second.id, first.id}));
}

TEST_P(JobStoreConformance, ReadsTenRowsForEachJobAskedForAndNoMore) {
  const auto label = [](auto& job) { (*job.mutable_labels())["team"] = "photos"; };
  const JobRecord rare = SubmitLater([&](auto& job) {
    label(job);
    (*job.mutable_labels())["urgent"] = "yes";
  });
  for (int i = 0; i < 45; ++i) SubmitLater(label);
  ListQuery query;
  query.page_size = 2;
  query.labels = {{"team", "photos"}, {"urgent", "yes"}};
  std::vector<JobId> found;
  int pages = 0;
  while (true) {
    const ListPage page = store().List(query);
    ++pages;
    for (const JobRecord& job : page.jobs) found.push_back(job.id);
    if (!page.next_before.has_value()) break;
    query.before = page.next_before;
    ASSERT_LT(pages, 10);
  }
  EXPECT_EQ(found, std::vector<JobId>{rare.id});
  EXPECT_EQ(pages, 3);
}

TEST_P(JobStoreConformance, ListsJobsOfSeveralTypesQueuesAndStatesInTheOrderOfTheirIds) {
  std::vector<JobId> newest_first;
  for (int i = 0; i < 300; ++i) {
    const JobRecord job = SubmitLater([i](auto& spec) {
      spec.set_type(i % 3 == 0 ? "demo.echo" : "images.thumbnails");
      spec.set_queue(i % 7 == 0 ? "photos" : "demo.echo");
    });
    if (i % 5 == 0) store().MustClaim(job.id);
    newest_first.insert(newest_first.begin(), job.id);
  }
  std::vector<JobId> listed;
  ListQuery query;
  query.page_size = 7;
  do {
    const ListPage page = store().List(query);
    for (const JobRecord& job : page.jobs) listed.push_back(job.id);
    query.before = page.next_before;
  } while (query.before.has_value());
  EXPECT_EQ(listed, newest_first);
}

TEST_P(JobStoreConformance, GoesOnBehindAJobThatWasDeletedMeanwhile) {
  std::vector<JobId> jobs;
  for (int i = 0; i < 6; ++i) jobs.push_back(SubmitLater().id);
  ListQuery query;
  query.page_size = 2;
  const ListPage first = store().List(query);
  ASSERT_EQ(first.next_before, jobs[4]);
  ASSERT_TRUE(store().Cancel(jobs[4]).ok());
  ASSERT_TRUE(store().Delete(jobs[4]).ok());
  query.before = first.next_before;
  EXPECT_EQ(Ids(store().List(query)), (std::vector<JobId>{jobs[3], jobs[2]}));
}

TEST_P(JobStoreConformance, ReadsTheOutboxInOrderFromAPlaceOn) {
  std::vector<JobId> submitted;
  submitted.reserve(20);
  for (int i = 0; i < 20; ++i) submitted.push_back(SubmitLater().id);
  SubmitLater([](auto& job) { job.set_priority(v1::Job::HIGH); });
  SubmitLater([](auto& job) { job.set_queue("photos"); });
  const Lane lane{"demo.echo", v1::Job::NORMAL};
  const auto first = store().ReadOutbox(lane, 0, 8);
  ASSERT_EQ(first.size(), 8u);
  EXPECT_EQ(first[0].type, "demo.echo");
  const auto rest = store().ReadOutbox(lane, first.back().position);
  ASSERT_EQ(rest.size(), 12u);
  std::vector<JobId> read;
  read.reserve(first.size() + rest.size());
  for (const auto& entry : first) read.push_back(entry.job);
  for (const auto& entry : rest) read.push_back(entry.job);
  EXPECT_EQ(read, submitted);
  EXPECT_EQ(store().ReadOutbox({"demo.echo", v1::Job::HIGH}).size(), 1u);
  EXPECT_EQ(store().ReadOutbox({"photos", v1::Job::NORMAL}).size(), 1u);
}

}  // namespace
}  // namespace buzzer::state

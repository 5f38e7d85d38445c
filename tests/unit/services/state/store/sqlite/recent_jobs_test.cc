// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/recent_jobs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"

namespace buzzer::state {
namespace {

JobRecord NewJob(int64_t revision = 1) {
  JobRecord job;
  job.id = JobId::Make(absl::Now());
  job.revision = revision;
  return job;
}

TEST(RecentJobs, FindsAJobAsItWasPutLast) {
  RecentJobs recent;
  JobRecord job = NewJob(1);
  recent.Put(job);
  job.revision = 2;
  recent.Put(job);
  ASSERT_NE(recent.Find(job.id), nullptr);
  EXPECT_EQ(recent.Find(job.id)->revision, 2);
  EXPECT_EQ(recent.Find(JobId::Make(absl::Now())), nullptr);
}

TEST(RecentJobs, ForgetsWhatIsDroppedAndEverythingWhenCleared) {
  RecentJobs recent;
  const JobRecord first = NewJob();
  const JobRecord second = NewJob();
  recent.Put(first);
  recent.Put(second);
  recent.Drop(first.id);
  recent.Drop(first.id);
  EXPECT_EQ(recent.Find(first.id), nullptr);
  EXPECT_NE(recent.Find(second.id), nullptr);
  recent.Clear();
  EXPECT_EQ(recent.Find(second.id), nullptr);
}

TEST(RecentJobs, KeepsNeitherWhatHasEndedNorWhatIsLarge) {
  RecentJobs recent;
  JobRecord ended = NewJob();
  recent.Put(ended);
  ended.state = v1::Job::SUCCEEDED;
  recent.Put(ended);
  EXPECT_EQ(recent.Find(ended.id), nullptr);
  JobRecord large = NewJob();
  recent.Put(large);
  large.progress.emplace().data = std::string(RecentJobs::kMaxBytes + 1, 'x');
  recent.Put(large);
  EXPECT_EQ(recent.Find(large.id), nullptr);
}

TEST(RecentJobs, LetsTheLeastRecentlyUsedGoWhenFull) {
  RecentJobs recent;
  std::vector<JobId> ids;
  for (size_t i = 0; i < RecentJobs::kMaxJobs; ++i) {
    const JobRecord job = NewJob();
    ids.push_back(job.id);
    recent.Put(job);
  }
  ASSERT_NE(recent.Find(ids[0]), nullptr);  // And so used.
  recent.Put(NewJob());
  EXPECT_NE(recent.Find(ids[0]), nullptr);
  EXPECT_EQ(recent.Find(ids[1]), nullptr);
  EXPECT_NE(recent.Find(ids[2]), nullptr);
}

}  // namespace
}  // namespace buzzer::state

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/steps/working_set.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace buzzer::state {
namespace {

// Rows that only load, and count how often they are asked for each job.
class StoredRows final : public JobRows {
 public:
  JobId Store(int64_t revision = 1) {
    JobRow row;
    row.job.id = JobId::Make(absl::Now());
    row.job.revision = revision;
    row.job.state = v1::Job::QUEUED;
    const JobId id = row.job.id;
    stored_[id] = std::move(row);
    return id;
  }
  JobRow& Stored(const JobId& id) { return stored_[id]; }
  int loads(const JobId& id) const {
    const auto it = loads_.find(id);
    return it == loads_.end() ? 0 : it->second;
  }

  void Load(const std::vector<JobId>& jobs, absl::FunctionRef<void(JobRow)> take) override {
    for (const JobId& id : jobs) {
      ++loads_[id];
      if (stored_.contains(id)) take(stored_[id]);
    }
  }
  void Begin() override {}
  std::vector<std::optional<KeyRecord>> LoadKeys(const std::vector<KeyName>&) override {
    return {};
  }
  std::string LoadPayload(const JobRow&) override { return ""; }
  std::vector<JobId> FindDue(absl::Time, int) override { return {}; }
  std::optional<absl::Time> NextWake() override { return std::nullopt; }
  std::vector<JobId> FindRetrying(std::optional<JobId>, int) override { return {}; }
  void Write(WriteSet&) override {}
  CommitResult Commit() override { return {}; }
  const absl::Status& status() const override { return status_; }
  bool broken() const override { return false; }
  absl::StatusOr<StoreSummary> Summarize() override { return StoreSummary(); }

 private:
  absl::Status status_;
  std::map<JobId, JobRow> stored_;
  std::map<JobId, int> loads_;
};

class WorkingSetTest : public ::testing::Test {
 protected:
  StoredRows rows_;
  WorkingSet set_;
};

TEST_F(WorkingSetTest, ReadsAJobOnceAndKeepsItFromBatchToBatch) {
  const JobId id = rows_.Store(7);
  set_.Load(rows_, {id, id});
  ASSERT_NE(set_.Find(rows_, id), nullptr);
  EXPECT_EQ(set_.Find(rows_, id)->row.job.revision, 7);
  set_.Find(rows_, id)->row.job.revision = 8;
  set_.EndBatch();
  EXPECT_EQ(set_.Find(rows_, id)->row.job.revision, 8);
  EXPECT_EQ(rows_.loads(id), 1);
}

TEST_F(WorkingSetTest, AsksOnceABatchForAJobThatIsNotThere) {
  const JobId id = JobId::Make(absl::Now());
  set_.Load(rows_, {id});
  EXPECT_EQ(set_.Find(rows_, id), nullptr);
  EXPECT_EQ(rows_.loads(id), 1);
  set_.EndBatch();
  EXPECT_EQ(set_.Find(rows_, id), nullptr);
  EXPECT_EQ(rows_.loads(id), 2);
}

TEST_F(WorkingSetTest, FindsWhatWasInsertedAndNotWhatWasRemovedInTheBatch) {
  JobRow row;
  row.job.id = JobId::Make(absl::Now());
  const JobId id = row.job.id;
  WorkingSet::Entry* entry = set_.Insert(std::move(row));
  EXPECT_EQ(set_.Find(rows_, id), entry);
  set_.Remove(entry);
  EXPECT_EQ(set_.Find(rows_, id), nullptr);
  // Who writes it away still needs it.
  EXPECT_EQ(entry->row.job.id, id);
  EXPECT_EQ(rows_.loads(id), 0);
  set_.EndBatch();
}

TEST_F(WorkingSetTest, ForgetsEverythingWhenCleared) {
  const JobId id = rows_.Store();
  ASSERT_NE(set_.Find(rows_, id), nullptr);
  set_.Clear();
  ASSERT_NE(set_.Find(rows_, id), nullptr);
  EXPECT_EQ(rows_.loads(id), 2);
}

TEST_F(WorkingSetTest, KeepsNeitherWhatHasEndedNorWhatIsLarge) {
  const JobId ended = rows_.Store();
  const JobId large = rows_.Store();
  set_.Find(rows_, ended)->row.job.state = v1::Job::SUCCEEDED;
  set_.Find(rows_, large)->row.job.progress.emplace().data =
      std::string(WorkingSet::kMaxBytes + 1, 'x');
  EXPECT_NE(set_.Find(rows_, ended), nullptr);  // As long as the batch lasts.
  set_.EndBatch();
  EXPECT_EQ(set_.Find(rows_, ended)->row.job.state, v1::Job::QUEUED);
  EXPECT_EQ(rows_.loads(ended), 2);
  EXPECT_FALSE(set_.Find(rows_, large)->row.job.progress.has_value());
}

TEST_F(WorkingSetTest, LetsTheLeastRecentlyUsedGoWhenFull) {
  std::vector<JobId> ids;
  for (size_t i = 0; i < WorkingSet::kMaxJobs; ++i) {
    ids.push_back(rows_.Store());
    set_.Find(rows_, ids.back());
  }
  set_.EndBatch();
  set_.Find(rows_, ids[0]);  // And so used.
  set_.Find(rows_, rows_.Store());
  set_.EndBatch();
  set_.Find(rows_, ids[0]);
  set_.Find(rows_, ids[2]);
  EXPECT_EQ(rows_.loads(ids[0]), 1);
  EXPECT_EQ(rows_.loads(ids[2]), 1);
  set_.Find(rows_, ids[1]);
  EXPECT_EQ(rows_.loads(ids[1]), 2);
}

}  // namespace
}  // namespace buzzer::state

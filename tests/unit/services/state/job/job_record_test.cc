// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/job/job_record.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/times/times.h"

namespace buzzer::state {
namespace {

// Whether REST can tell the job: one that it cannot takes a whole list along.
bool HasJson(const v1::Job& job) {
  std::string json;
  return google::protobuf::util::MessageToJsonString(job, &json).ok();
}

TEST(JobRecord, ShowsATimeThatIsNoneAsTheNearest) {
  for (const absl::Time time : {absl::InfiniteFuture(), absl::InfinitePast(),
                                absl::FromUnixMicros(std::numeric_limits<int64_t>::max()),
                                absl::FromUnixMicros(std::numeric_limits<int64_t>::min()),
                                absl::FromUnixSeconds(253'402'300'800)}) {
    EXPECT_TRUE(CheckedTime(ToTimestamp(time)).has_value()) << time;
  }
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(std::numeric_limits<int64_t>::max());
  timestamp.set_nanos(std::numeric_limits<int32_t>::max());
  EXPECT_EQ(FromTimestamp(timestamp), MaxTimestamp());
}

TEST(JobRecord, ShowsADurationThatIsNoneAsTheNearest) {
  for (const absl::Duration duration :
       {absl::InfiniteDuration(), -absl::InfiniteDuration(), absl::Hours(24 * 366 * 20'000)}) {
    EXPECT_TRUE(CheckedDuration(ToDuration(duration)).has_value()) << duration;
  }
  google::protobuf::Duration duration;
  duration.set_seconds(std::numeric_limits<int64_t>::min());
  duration.set_nanos(std::numeric_limits<int32_t>::min());
  EXPECT_TRUE(CheckedDuration(ToDuration(FromDuration(duration))).has_value());
}

TEST(JobRecord, CanBeToldHoweverItCameToBeStored) {
  internal::v1::NewJob spec;
  spec.mutable_run_at()->set_seconds(std::numeric_limits<int64_t>::max());
  spec.mutable_attempt_timeout()->set_seconds(std::numeric_limits<int64_t>::max());
  spec.mutable_attempt_timeout()->set_nanos(-1);
  spec.mutable_retention()->set_seconds(std::numeric_limits<int64_t>::min());
  spec.mutable_lease()->set_nanos(std::numeric_limits<int32_t>::min());
  std::string id(16, '\xff');
  JobRecord job;
  job.id = *JobId::FromBytes(id);
  job.spec = std::make_shared<const internal::v1::NewJob>(spec);
  job.run_at = absl::InfiniteFuture();
  job.purge_at = absl::InfinitePast();
  google::protobuf::Value data;
  data.mutable_list_value()->add_values()->set_number_value(std::nan(""));
  job.progress =
      ProgressRecord{0, 1, 0.5, "half", data.SerializeAsString(), absl::InfiniteFuture()};
  const v1::Job shown = ToProto(job);
  EXPECT_TRUE(HasJson(shown));
  EXPECT_TRUE(shown.has_progress());
  EXPECT_FALSE(shown.progress().has_data());
}

}  // namespace
}  // namespace buzzer::state

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/boundary/dispatch_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "buzzer/internal/v1/dispatch.pb.h"

namespace buzzer::worker {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Id() { return std::string(JobId::Make(absl::UnixEpoch()).bytes()); }

class DispatchMessageTest : public ::testing::Test {
 protected:
  void Add(const std::string& id, const std::string& type) {
    auto* entry = message_.add_jobs();
    entry->set_job_id(id);
    entry->set_type(type);
  }
  DispatchedJobs Read() { return ReadDispatchMessage(message_.SerializeAsString()); }

  internal::v1::DispatchMessage message_;
};

TEST_F(DispatchMessageTest, GivesEachJobWithItsType) {
  const std::string id = Id();
  Add(id, "a.type");
  Add(Id(), "other");
  const DispatchedJobs read = Read();
  EXPECT_THAT(read.fault, IsEmpty());
  ASSERT_THAT(read.jobs, SizeIs(2));
  EXPECT_EQ(read.jobs[0].id.bytes(), id);
  EXPECT_EQ(read.jobs[0].type, "a.type");
}

TEST_F(DispatchMessageTest, TakesWhatIsSoundAndTellsWhatIsNot) {
  Add(Id(), "good");
  Add("short", "good");
  EXPECT_THAT(Read().fault, HasSubstr("16 bytes"));
  Add(std::string(16, '\0'), "good");
  Add(Id() + "x", "good");
  Add("", "good");
  EXPECT_THAT(Read().fault, HasSubstr("16 bytes"));
  for (const std::string& type :
       {std::string(), std::string("line\nbreak"), std::string("Upper"), std::string(64, 'a'),
        std::string("a\0b", 3), std::string("{\"event\":1}")}) {
    Add(Id(), type);
  }
  const DispatchedJobs read = Read();
  EXPECT_THAT(read.fault, HasSubstr("type is 1 to 63 lower-case letters"));
  EXPECT_THAT(read.jobs, SizeIs(1));
}

TEST_F(DispatchMessageTest, TakesARepeatedJobOnce) {
  const std::string id = Id();
  for (int i = 0; i < kMaxJobsOfMessage; ++i) Add(id, "good");
  const DispatchedJobs read = Read();
  EXPECT_THAT(read.jobs, SizeIs(1));
  EXPECT_THAT(read.fault, HasSubstr("once"));
}

TEST_F(DispatchMessageTest, TakesNothingOfOneThatIsTooLarge) {
  for (int i = 0; i <= kMaxJobsOfMessage; ++i) Add(Id(), "good");
  DispatchedJobs read = Read();
  EXPECT_THAT(read.jobs, IsEmpty());
  EXPECT_THAT(read.fault, HasSubstr("at most 1000 jobs"));

  message_.Clear();
  Add(Id(), std::string(1 << 20, 'x'));
  read = Read();
  EXPECT_THAT(read.jobs, IsEmpty());
  EXPECT_THAT(read.fault, HasSubstr("at most 131072 bytes"));
}

TEST_F(DispatchMessageTest, TakesNothingOfGarbage) {
  for (const std::string& body :
       {std::string(), std::string("\n"), std::string("garbage"), std::string(1000, '\xff'),
        std::string("\x0a\xff\xff\xff\xff\x0f", 6), std::string("{\"jobs\":[]}")}) {
    const DispatchedJobs read = ReadDispatchMessage(body);
    EXPECT_THAT(read.jobs, IsEmpty());
    EXPECT_FALSE(read.fault.empty()) << body;
  }
}

TEST_F(DispatchMessageTest, HoldsTheLargestThatStateSends) {
  for (int i = 0; i < 100; ++i) Add(Id(), std::string(63, 'a'));
  EXPECT_THAT(Read().jobs, SizeIs(100));
}

}  // namespace
}  // namespace buzzer::worker

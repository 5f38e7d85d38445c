// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/telemetry/job_log.h"

#include <gmock/gmock.h>

#include "absl/strings/str_split.h"
#include "tests/unit/services/state/store_test.h"

namespace buzzer::state {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class JobLogTest : public StoreTest {
 protected:
  JobLogTest() { store_->AddObserver(&job_log_); }
  ~JobLogTest() override { CloseStore(); }

  // The lines of what `act` does.
  template <typename Act>
  std::vector<std::string> Lines(Act act) {
    ::testing::internal::CaptureStderr();
    act();
    return absl::StrSplit(::testing::internal::GetCapturedStderr(), '\n', absl::SkipEmpty());
  }

  JobLog job_log_;
};

TEST_F(JobLogTest, TellsCancelsAndRetriesWithJobAndTenant) {
  const JobRecord job = Submit();
  const auto line = [&](const std::string& cause, const std::string& state) {
    return AllOf(HasSubstr("\"event\":\"job_changed\""), HasSubstr(job.id.ToString()),
                 HasSubstr("\"tenant\":\"default\""), HasSubstr("\"cause\":\"" + cause + "\""),
                 HasSubstr("\"state\":\"" + state + "\""));
  };
  EXPECT_THAT(Lines([&] {
                ASSERT_TRUE(store().Cancel(job.id).ok());
                ASSERT_TRUE(store().Retry(job.id).ok());
              }),
              ElementsAre(line("CANCELLED", "CANCELLED"), line("RETRY_REQUESTED", "QUEUED")));
}

TEST_F(JobLogTest, TellsALostLeaseAndItsReason) {
  const JobRecord job = Submit();
  const LeaseRef lease = store().MustClaim(job.id);
  EXPECT_THAT(Lines([&] { store().LoseLease(lease); }),
              ElementsAre(AllOf(HasSubstr("\"cause\":\"LEASE_EXPIRED\""),
                                HasSubstr("\"attempt\":1"), HasSubstr("\"worker\":"))));
}

TEST_F(JobLogTest, LeavesTheCommonCourseToThoseWhoDoIt) {
  EXPECT_THAT(Lines([&] { ASSERT_TRUE(store().Succeed(store().MustClaim(Submit().id))); }),
              ElementsAre());
}

TEST_F(JobLogTest, ShowsNoPayloadAndNoErrorText) {
  auto spec = NewJob();
  spec.set_payload("\"hush\"");
  const JobRecord job = store().MustSubmit(spec);
  const LeaseRef lease = store().MustClaim(job.id);
  OutcomeReport outcome;
  outcome.lease = lease;
  outcome.kind = OutcomeReport::Kind::kFailure;
  outcome.failure.set_reason("PROGRAM_FAILED");
  outcome.failure.set_message("hush");
  EXPECT_THAT(Lines([&] { ASSERT_TRUE(store().Finish(outcome)); }),
              ElementsAre(AllOf(HasSubstr("PROGRAM_FAILED"), Not(HasSubstr("hush")))));
}

}  // namespace
}  // namespace buzzer::state

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/job_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "common/errors/errors.h"
#include "services/cli/error_text.h"
#include "services/cli/exit_code.h"
#include "services/cli/progress_bar.h"
#include "services/cli/terminal_text.h"
#include "services/cli/usage.h"

namespace buzzer::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const absl::Time kStart = absl::FromUnixSeconds(1'700'000'000);

v1::Job RunningJob() {
  v1::Job job;
  job.set_id("0192f0c0-0000-7000-8000-000000000001");
  job.set_type("demo.sleep");
  job.set_queue("demo.sleep");
  job.set_priority(v1::Job::NORMAL);
  job.set_state(v1::Job::RUNNING);
  job.set_attempt(1);
  job.set_max_attempts(5);
  job.mutable_create_time()->set_seconds(absl::ToUnixSeconds(kStart));
  job.mutable_start_time()->set_seconds(absl::ToUnixSeconds(kStart));
  job.mutable_progress()->set_fraction(0.4);
  job.mutable_progress()->set_message("step 4 of 9");
  return job;
}

TEST(ShortDuration, HasTwoUnitsAtMost) {
  EXPECT_EQ(ShortDuration(absl::Milliseconds(1234)), "1.2s");
  EXPECT_EQ(ShortDuration(absl::Seconds(45)), "45s");
  EXPECT_EQ(ShortDuration(absl::Seconds(200)), "3m20s");
  EXPECT_EQ(ShortDuration(absl::Hours(2)), "2h");
  EXPECT_EQ(ShortDuration(absl::Hours(52) + absl::Seconds(1)), "2d4h");
  EXPECT_EQ(ShortDuration(absl::Hours(48) + absl::Seconds(59)), "2d");
  EXPECT_EQ(ShortDuration(absl::Seconds(-5)), "0s");
  EXPECT_EQ(ShortDuration(absl::ZeroDuration()), "0s");
  EXPECT_EQ(ShortDuration(absl::Microseconds(999)), "0s");
  EXPECT_EQ(ShortDuration(absl::Microseconds(30'400)), "30ms");
  EXPECT_EQ(ShortDuration(absl::Milliseconds(999)), "999ms");
}

TEST(ProgressBar, ShowsHowFarAndHowLong) {
  EXPECT_EQ(ProgressBar(RunningJob(), kStart + absl::Seconds(18), 80),
            "RUNNING    [=========>              ]  40 %  18s  step 4 of 9");
}

TEST(ProgressBar, NeverIsWiderThanTheTerminal) {
  v1::Job job = RunningJob();
  job.mutable_progress()->set_message(std::string(500, 'x') + "写真");
  for (int columns = 0; columns < 200; ++columns) {
    EXPECT_LE(Columns(ProgressBar(job, kStart, columns)), columns);
  }
  EXPECT_THAT(ProgressBar(job, kStart, 30), Not(HasSubstr("[")));
}

TEST(ProgressBar, KeepsToItsEndsWhateverTheFraction) {
  v1::Job job = RunningJob();
  job.mutable_progress()->set_fraction(17);
  EXPECT_THAT(ProgressBar(job, kStart, 80), HasSubstr("[========================] 100 %"));
  job.mutable_progress()->set_fraction(-1);
  EXPECT_THAT(ProgressBar(job, kStart, 80), HasSubstr("[>                       ]   0 %"));
}

TEST(ProgressBar, TellsWhatAWaitingJobWaitsFor) {
  v1::Job job = RunningJob();
  job.set_state(v1::Job::QUEUED);
  EXPECT_EQ(ProgressBar(job, kStart + absl::Seconds(90), 80), "QUEUED      1m30s");
  job.set_state(v1::Job::SCHEDULED);
  job.set_attempt(2);
  job.mutable_run_at()->set_seconds(absl::ToUnixSeconds(kStart) + 30);
  EXPECT_EQ(ProgressBar(job, kStart, 80), "SCHEDULED   in 30s  attempt 2");
}

TEST(EndText, TellsResultOrError) {
  v1::Job job = RunningJob();
  job.set_state(v1::Job::SUCCEEDED);
  job.mutable_end_time()->set_seconds(absl::ToUnixSeconds(kStart) + 45);
  job.mutable_result()->set_size(23);
  job.mutable_result()->set_content_type("application/json");
  EXPECT_EQ(EndText(job), "SUCCEEDED after 45s: 23 bytes of application/json\n");
  job.mutable_result()->set_size(1);
  job.mutable_end_time()->set_seconds(absl::ToUnixSeconds(kStart));
  EXPECT_EQ(EndText(job), "SUCCEEDED after 0s: 1 byte of application/json\n");
  job.mutable_end_time()->set_nanos(30'000'000);
  EXPECT_EQ(EndText(job), "SUCCEEDED after 30ms: 1 byte of application/json\n");
  job.mutable_end_time()->set_seconds(absl::ToUnixSeconds(kStart) + 45);
  job.clear_result();
  job.set_state(v1::Job::FAILED);
  job.set_attempt(2);
  job.mutable_error()->set_reason("PROGRAM_FAILED");
  job.mutable_error()->set_message("exit code 3");
  job.mutable_error()->set_detail("first\n\x1b[31mlast\n");
  EXPECT_EQ(
      EndText(job),
      "FAILED after 45s at attempt 2: PROGRAM_FAILED: exit code 3\n  | first\n  | ?[31mlast\n");
}

TEST(DescribeJob, HasALineForEachFact) {
  v1::Job job = RunningJob();
  (*job.mutable_labels())["team"] = "a";
  (*job.mutable_labels())["app"] = "b";
  job.mutable_payload()->set_string_value("hello");
  auto* event = job.add_history();
  event->set_revision(1);
  event->set_state(v1::Job::QUEUED);
  event->set_cause("SUBMITTED");
  EXPECT_THAT(DescribeJob(job, absl::UTCTimeZone()),
              AllOf(HasSubstr("type      demo.sleep\n"), HasSubstr("labels    app=b team=a\n"),
                    HasSubstr("payload   \"hello\"\n"), HasSubstr("2023-11-14 22:13:20 UTC"),
                    HasSubstr("SUBMITTED"), Not(HasSubstr("deadline"))));
}

TEST(DescribeJob, TellsHowFailedAttemptsAreRepeated) {
  v1::Job job = RunningJob();
  EXPECT_THAT(DescribeJob(job, absl::UTCTimeZone()), Not(HasSubstr("retries")));
  v1::RetryPolicy& retry = *job.mutable_retry();
  retry.mutable_initial_delay()->set_nanos(500'000'000);
  retry.set_factor(1.5);
  retry.mutable_max_delay()->set_seconds(600);
  retry.set_jitter(0.25);
  EXPECT_THAT(DescribeJob(job, absl::UTCTimeZone()),
              HasSubstr("after 500ms, each wait 1.5 times the last, up to 10m; jitter 0.25\n"));
  retry.add_final_reasons("HTTP_404");
  retry.add_final_reasons("NO_INK");
  EXPECT_THAT(DescribeJob(job, absl::UTCTimeZone()),
              HasSubstr("jitter 0.25; not after HTTP_404, NO_INK\n"));
}

TEST(JobTable, HasARowForEachJob) {
  v1::ListJobsResponse jobs;
  EXPECT_EQ(JobTable(jobs, kStart), "");
  *jobs.add_jobs() = RunningJob();
  EXPECT_EQ(JobTable(jobs, kStart + absl::Minutes(5)),
            "ID                                    TYPE        STATE    AGE  ATTEMPT  PROGRESS\n"
            "0192f0c0-0000-7000-8000-000000000001  demo.sleep  RUNNING  5m   1         40 %  step "
            "4 of 9\n");
}

TEST(JobTable, TellsWhenAScheduledJobIsDue) {
  v1::ListJobsResponse jobs;
  auto* job = jobs.add_jobs();
  *job = RunningJob();
  job->set_state(v1::Job::SCHEDULED);
  job->mutable_run_at()->set_seconds(absl::ToUnixSeconds(kStart) + 86'400);
  EXPECT_THAT(JobTable(jobs, kStart), HasSubstr("due in 1d\n"));
  EXPECT_THAT(JobTable(jobs, kStart + absl::Hours(25)), HasSubstr("due now\n"));
  job->mutable_error()->set_reason("PROGRAM_FAILED");
  EXPECT_THAT(JobTable(jobs, kStart), HasSubstr("due in 1d; PROGRAM_FAILED\n"));
}

TEST(JobTable, CutsItsLastColumnToFitTheTerminal) {
  v1::ListJobsResponse jobs;
  *jobs.add_jobs() = RunningJob();
  jobs.mutable_jobs(0)->mutable_progress()->set_message(std::string(500, 'x'));
  for (const auto& [columns, widest] :
       {std::pair(200, 200), std::pair(100, 100), std::pair(40, 93)}) {
    for (absl::string_view line : absl::StrSplit(JobTable(jobs, kStart, columns), '\n')) {
      EXPECT_LE(Columns(line), widest) << columns;
    }
  }
  EXPECT_THAT(JobTable(jobs, kStart, 200), HasSubstr(std::string(100, 'x')));
}

TEST(DescribeJob, TellsDurationsExactly) {
  v1::Job job = RunningJob();
  job.mutable_attempt_timeout()->set_seconds(3661);
  job.mutable_retention()->set_seconds(int64_t{36} * 3600);
  EXPECT_THAT(DescribeJob(job, absl::UTCTimeZone()),
              AllOf(HasSubstr("attempt timeout  1h1m1s\n"), HasSubstr("retention        1d12h\n")));
}

TEST(QueueTable, MarksAPausedQueue) {
  v1::ListQueuesResponse queues;
  auto* queue = queues.add_queues();
  queue->set_name("queues/photos");
  queue->set_paused(true);
  queue->set_ready(1000);
  queue->mutable_oldest_ready_age()->set_seconds(75);
  EXPECT_THAT(QueueTable(queues),
              AllOf(StartsWith("QUEUE "), HasSubstr("photos  PAUSED  1000"), HasSubstr("1m15s")));
  EXPECT_THAT(DescribeQueue(*queue), HasSubstr("oldest ready  1m15s\n"));
}

TEST(QueueTable, TellsWhoTakesNothingAndWhy) {
  v1::ListQueuesResponse queues;
  queues.add_queues()->set_name("queues/mail");
  EXPECT_THAT(QueueTable(queues), Not(HasSubstr("TAKE NOTHING")));
  auto* queue = queues.add_queues();
  queue->set_name("queues/photos");
  queue->set_stalled_workers(2);
  queue->set_stall_reason("pod-1: the broker\x1b is away");
  EXPECT_THAT(QueueTable(queues), AllOf(HasSubstr("WORKERS  SLOTS  TAKE NOTHING\n"),
                                        HasSubstr("2 workers; pod-1: the broker? is away\n")));
  EXPECT_THAT(DescribeQueue(*queue), HasSubstr("2 workers; pod-1: the broker? is away\n"));
}

TEST(WaitText, SaysWhatAWaitingJobWaitsFor) {
  v1::Job job;
  job.set_type("demo.echo");
  job.set_queue("bulk");
  job.set_state(v1::Job::QUEUED);
  EXPECT_EQ(WaitText(job), "");
  job.set_wait_reason(v1::Job::QUEUE_PAUSED);
  EXPECT_EQ(WaitText(job), "queue bulk is paused");
  job.set_wait_reason(v1::Job::NO_WORKER);
  EXPECT_EQ(WaitText(job), "no connected worker takes jobs of type demo.echo");
  EXPECT_THAT(DescribeJob(job, absl::UTCTimeZone()), HasSubstr("no connected worker takes"));
  EXPECT_THAT(ProgressBar(job, kStart, 80), HasSubstr("no connected worker takes"));
  v1::ListJobsResponse jobs;
  *jobs.add_jobs() = job;
  EXPECT_THAT(JobTable(jobs, kStart), HasSubstr("no connected worker takes"));
}

TEST(ErrorText, NamesEachBadField) {
  const auto status =
      ErrorBuilder(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "2 fields are not valid")
          .Field("labels", "there are 33, at most 32 are allowed")
          .Field("delay", "must not be negative")
          .Build();
  EXPECT_EQ(ErrorText(status),
            "buzzer: 2 fields are not valid\n"
            "  labels: there are 33, at most 32 are allowed\n"
            "  delay: must not be negative\n");
}

TEST(ErrorText, DoesNotSayTheSameTwice) {
  EXPECT_EQ(ErrorText(InvalidField("delay", "must not be negative")),
            "buzzer: `delay`: must not be negative\n");
}

TEST(ErrorText, TellsWhenToComeAgain) {
  const auto status = ErrorBuilder(absl::StatusCode::kUnavailable, "STORE_FULL", "the disk is full")
                          .RetryAfter(absl::Seconds(30))
                          .Build();
  EXPECT_EQ(ErrorText(status), "buzzer: the disk is full\n  A repeat may work in 30s.\n");
}

TEST(ErrorText, LetsNothingSteerTheTerminal) {
  EXPECT_EQ(ErrorText(absl::InternalError("a\x1b[2Jb")), "buzzer: a?[2Jb\n");
  EXPECT_EQ(ErrorText(absl::InternalError("")), "buzzer: INTERNAL\n");
}

absl::Status Failed(absl::string_view reason) {
  return ErrorBuilder(absl::StatusCode::kFailedPrecondition, reason, "no").Build();
}

TEST(ExitCode, IsThatOfTheHelp) {
  EXPECT_EQ(ExitCodeFor(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCodeFor(absl::InvalidArgumentError("")), 2);
  EXPECT_EQ(ExitCodeFor(absl::NotFoundError("")), 4);
  EXPECT_EQ(ExitCodeFor(absl::UnavailableError("")), 5);
  EXPECT_EQ(ExitCodeFor(absl::DeadlineExceededError("")), 5);
  EXPECT_EQ(ExitCodeFor(absl::ResourceExhaustedError("")), 5);
  EXPECT_EQ(ExitCodeFor(absl::AlreadyExistsError("")), 6);
  EXPECT_EQ(ExitCodeFor(Failed("JOB_FINISHED")), 6);
  EXPECT_EQ(ExitCodeFor(v1::Job::SUCCEEDED), 0);
  EXPECT_EQ(ExitCodeFor(v1::Job::FAILED), 1);
  EXPECT_EQ(ExitCodeFor(v1::Job::CANCELLED), 3);
}

TEST(ExitCode, OfAMissingResultIsThatOfTheJob) {
  EXPECT_EQ(ExitCodeFor(Failed("JOB_FAILED")), 1);
  EXPECT_EQ(ExitCodeFor(Failed("JOB_CANCELLED")), 3);
}

TEST(Usage, ExplainsEveryCommandAndOption) {
  for (const CommandSpec& command : Commands()) {
    EXPECT_THAT(Usage(), HasSubstr(std::string(command.summary)));
    for (const OptionSpec& option : command.options) {
      EXPECT_THAT(Usage(command), HasSubstr("--" + std::string(option.name)));
    }
  }
  EXPECT_THAT(Usage(), HasSubstr("Exit codes"));
}

}  // namespace
}  // namespace buzzer::cli

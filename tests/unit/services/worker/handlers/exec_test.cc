// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/exec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "services/worker/handlers/program_environment.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/services/worker/support/fake_job_context.h"

namespace buzzer::worker {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class ExecHandlerTest : public ::testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }

  HandlerResult Run(ProgramConfig program) {
    ExecHandler handler(std::move(program), BUZZER_SUPERVISOR);
    return handler.Run(context_);
  }
  HandlerResult Run(const std::string& script) {
    ProgramConfig program;
    program.argv = {"/bin/sh", "-c", script};
    program.content_type = "text/x-test";
    return Run(std::move(program));
  }
  Failure Fail(const std::string& script) {
    const HandlerResult result = Run(script);
    const auto* failure = std::get_if<Failure>(&result);
    EXPECT_NE(failure, nullptr);
    return failure == nullptr ? Failure() : *failure;
  }

  FakeJobContext context_{R"({"a":1})"};
};

TEST_F(ExecHandlerTest, TurnsPayloadIntoResult) {
  const HandlerResult result = Run("cat");
  ASSERT_TRUE(std::holds_alternative<Success>(result));
  EXPECT_EQ(std::get<Success>(result).result, R"({"a":1})");
  EXPECT_EQ(std::get<Success>(result).content_type, "text/x-test");
}

TEST_F(ExecHandlerTest, TakesExitCode75ForAFailureWorthAnotherAttempt) {
  const Failure failure = Fail("echo try later >&2; exit 75");
  EXPECT_EQ(failure.reason, "PROGRAM_FAILED");
  EXPECT_TRUE(failure.retryable);
  EXPECT_EQ(failure.detail, "try later\n");
}

TEST_F(ExecHandlerTest, TellsNotBeforeWhenAFailedProgramWantsToRunAgain) {
  EXPECT_EQ(Fail("exit 75").retry_after, absl::ZeroDuration());
  EXPECT_EQ(Fail(R"(echo '{"retry_after": "30s"}' >&3; exit 75)").retry_after, absl::Seconds(30));
  // The last word counts, also without a line's end, and beside progress.
  EXPECT_EQ(Fail(R"(echo '{"retry_after": "30s"}' >&3
                    printf '{"fraction": 1, "retry_after": "2h"}' >&3; exit 75)")
                .retry_after,
            absl::Hours(2));
  EXPECT_EQ(Fail(R"(echo '{"retry_after": "30s"}' >&3; kill -KILL $$)").retry_after,
            absl::Seconds(30));
  // Nonsense is refused, and the failure is what it is without it.
  ::testing::internal::CaptureStderr();
  const Failure failure = Fail(R"(echo '{"retry_after": 30}' >&3; exit 75)");
  EXPECT_TRUE(failure.retryable);
  EXPECT_EQ(failure.retry_after, absl::ZeroDuration());
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("progress_refused"), HasSubstr("retry_after must be a text")));
}

TEST_F(ExecHandlerTest, TakesAnyOtherExitCodeForAFinalFailure) {
  const Failure failure = Fail("exit 3");
  EXPECT_EQ(failure.reason, "PROGRAM_FAILED");
  EXPECT_EQ(failure.message, "the program exited with code 3");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ExecHandlerTest, RetriesAProgramThatWasKilled) {
  const Failure failure = Fail("kill -SEGV $$");
  EXPECT_EQ(failure.reason, "PROGRAM_KILLED");
  EXPECT_THAT(failure.message, HasSubstr("signal 11 (Segmentation fault)"));
  EXPECT_TRUE(failure.retryable);
}

TEST_F(ExecHandlerTest, TellsWhyAProgramCannotStart) {
  ProgramConfig program;
  program.argv = {"/no/such/program"};
  const HandlerResult result = Run(std::move(program));
  EXPECT_EQ(std::get<Failure>(result).reason, "PROGRAM_NOT_STARTED");
  EXPECT_THAT(std::get<Failure>(result).message, HasSubstr("No such file or directory"));
}

// A bad deployment burns no job: people have to put it right.
TEST_F(ExecHandlerTest, TriesAProgramThatCannotStartAgainInAMinute) {
  const testing::TemporaryDirectory directory;
  const std::string data = directory.path() + "/data";
  std::ofstream(data) << "no program";
  const std::string broken = directory.path() + "/broken";
  std::ofstream(broken) << "#!/no/such/interpreter\n";
  chmod(broken.c_str(), 0755);
  ProgramConfig elsewhere;
  elsewhere.argv = {"/bin/true"};
  elsewhere.working_directory = directory.path() + "/gone";
  std::vector<ProgramConfig> programs = {elsewhere};
  for (const std::string& path : {std::string("/no/such/program"), data, broken}) {
    programs.emplace_back().argv = {path};
  }
  for (const char* script : {"no-such-command-anywhere", "exit 127", "exit 126"}) {
    programs.emplace_back().argv = {"/bin/sh", "-c", script};
  }
  for (const ProgramConfig& program : programs) {
    const HandlerResult result = Run(program);
    const auto& failure = std::get<Failure>(result);
    EXPECT_EQ(failure.reason, "PROGRAM_NOT_STARTED") << program.argv.back();
    EXPECT_TRUE(failure.retryable) << program.argv.back();
    EXPECT_EQ(failure.retry_after, absl::Minutes(1)) << program.argv.back();
  }
  const Failure shell = Fail("no-such-command-anywhere");
  EXPECT_EQ(shell.message, "the program exited with code 127: a command in it is not there");
  EXPECT_THAT(shell.detail, HasSubstr("no-such-command-anywhere"));
}

TEST_F(ExecHandlerTest, SaysLoudlyAndOnceWhichProgramCannotStart) {
  ProgramConfig program;
  program.argv = {"/no/such/program"};
  ExecHandler handler(program, BUZZER_SUPERVISOR);
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 5; ++i) handler.Run(context_);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  EXPECT_THAT(log, AllOf(HasSubstr("\"level\":\"error\""), HasSubstr("program_not_started"),
                         HasSubstr("\"program\":\"/no/such/program\""),
                         HasSubstr("\"type\":\"test.type\"")));
}

TEST_F(ExecHandlerTest, EndsAProgramWhoseResultIsTooLarge) {
  const Failure failure = Fail("cat /dev/zero");
  EXPECT_EQ(failure.reason, "RESULT_TOO_LARGE");
  EXPECT_FALSE(failure.retryable);
}

TEST_F(ExecHandlerTest, ReportsProgressAndRefusesGarbage) {
  Run(R"(
    echo '{"fraction":0.4,"message":"12 of 30","data":{"next":13}}' >&3
    echo 'garbage' >&3
    echo '{"fraction":"much"}' >&3
    printf '\377\376{\n' >&3
    printf '{"message":"last"}' >&3)");
  const std::vector<v1::Progress> progress = context_.progress();
  ASSERT_THAT(progress, SizeIs(2));
  const v1::Progress& first = progress[0];
  EXPECT_EQ(first.fraction(), 0.4);
  EXPECT_EQ(first.message(), "12 of 30");
  EXPECT_EQ(first.data().struct_value().fields().at("next").number_value(), 13);
  EXPECT_EQ(progress[1].message(), "last");
  EXPECT_EQ(progress[1].fraction(), 0.4);
}

TEST_F(ExecHandlerTest, EndsTheProgramWhenTheAttemptIsCancelled) {
  std::thread canceller([this] {
    EXPECT_TRUE(context_.AwaitProgress(1));
    context_.Cancel();
  });
  const HandlerResult result = Run("echo '{}' >&3; sleep 1000");
  canceller.join();
  EXPECT_TRUE(std::holds_alternative<Stopped>(result));
}

TEST_F(ExecHandlerTest, KeepsTheTailOfStandardErrorOfAProgramThatWasStopped) {
  std::thread canceller([this] {
    EXPECT_TRUE(context_.AwaitProgress(1));
    context_.Cancel();
  });
  const HandlerResult result =
      Run("trap 'echo cleaning up >&2; exit 1' TERM; echo at page 3 >&2; echo '{}' >&3;"
          " while :; do sleep 0.01; done");
  canceller.join();
  ASSERT_TRUE(std::holds_alternative<Stopped>(result));
  // What the shell says of its own child may stand between.
  EXPECT_THAT(std::get<Stopped>(result).detail,
              AllOf(StartsWith("at page 3\n"), EndsWith("cleaning up\n")));
}

TEST_F(ExecHandlerTest, DoesNotTakeAnExitAfterTheCancelForASuccess) {
  std::thread canceller([this] {
    EXPECT_TRUE(context_.AwaitProgress(1));
    context_.Cancel();
  });
  const HandlerResult result =
      Run("trap 'exit 0' TERM; echo '{}' >&3; while :; do sleep 0.01; done");
  canceller.join();
  EXPECT_TRUE(std::holds_alternative<Stopped>(result));
}

TEST_F(ExecHandlerTest, GivesTheProgramACleanEnvironment) {
  setenv("BUZZER_BROKER_URL", "amqp://user:secret@host", 1);
  setenv("TZ", "Europe/Vienna", 1);
  Job job = context_.job();
  job.attempt = 7;
  job.checkpoint.emplace().set_string_value("half");
  const auto environment = MakeProgramEnvironment({{"PATH", "/own"}, {"KEY", "value"}}, job);
  EXPECT_THAT(environment, Contains("PATH=/own"));
  EXPECT_THAT(environment, Contains("KEY=value"));
  EXPECT_THAT(environment, Contains("TZ=Europe/Vienna"));
  EXPECT_THAT(environment, Contains("BUZZER_JOB_ID=" + job.id.ToString()));
  EXPECT_THAT(environment, Contains("BUZZER_JOB_TYPE=test.type"));
  EXPECT_THAT(environment, Contains("BUZZER_ATTEMPT=7"));
  EXPECT_THAT(environment, Contains("BUZZER_TENANT=default"));
  EXPECT_THAT(environment, Contains("BUZZER_CHECKPOINT=\"half\""));
  EXPECT_THAT(environment, Not(Contains(StartsWith("BUZZER_BROKER_URL"))));
  unsetenv("BUZZER_BROKER_URL");
  unsetenv("TZ");
}

TEST_F(ExecHandlerTest, SetsNoCheckpointWhereThereIsNone) {
  EXPECT_THAT(MakeProgramEnvironment({}, context_.job()),
              Not(Contains(StartsWith("BUZZER_CHECKPOINT"))));
}

}  // namespace
}  // namespace buzzer::worker

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/secrets/secrets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace buzzer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// Runs `child` in a process and returns its exit code.
int InChild(const std::function<int()>& child) {
  const pid_t pid = fork();
  if (pid == 0) _exit(child());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Gives root's rights up, which would open everything.
bool BecomeOrdinary() {
  constexpr uid_t kNobody = 65534;
  return geteuid() != 0 || setresuid(kNobody, kNobody, kNobody) == 0;
}

// Of an ordinary process's environment, memory and file: how many another one of its user is
// refused.
int RefusedOf(bool closed) {
  return InChild([&] {
    if (!BecomeOrdinary()) return 1;
    prctl(PR_SET_DUMPABLE, 1);  // The change of the user has closed it.
    if (closed) CloseProcessToOthers();
    const std::string proc = "/proc/" + std::to_string(getpid());
    return InChild([&] {
      prctl(PR_SET_DUMPABLE, 1);
      int refused = 0;
      for (const char* file : {"/environ", "/mem"}) {
        if (open((proc + file).c_str(), O_RDONLY) < 0) refused += errno == EACCES ? 1 : 10;
      }
      char target[256];
      if (readlink((proc + "/fd/0").c_str(), target, sizeof(target)) < 0) ++refused;
      return refused;
    });
  });
}

TEST(CloseProcessToOthers, KeepsTheUsersOtherProcessesOut) {
  EXPECT_EQ(RefusedOf(/*closed=*/false), 0);
  EXPECT_EQ(RefusedOf(/*closed=*/true), 3);
}

TEST(TakeFromEnvironment, GivesTheValueOnce) {
  setenv("A_TEST_SECRET", "p@ss", 1);
  EXPECT_EQ(TakeFromEnvironment("A_TEST_SECRET"), "p@ss");
  EXPECT_EQ(getenv("A_TEST_SECRET"), nullptr);
  EXPECT_EQ(TakeFromEnvironment("A_TEST_SECRET"), std::nullopt);
  setenv("A_TEST_SECRET", "", 1);
  EXPECT_EQ(TakeFromEnvironment("A_TEST_SECRET"), "");
}

// Runs this test program again with a secret in its environment.
TEST(TakeFromEnvironment, OverwritesWhatTheKernelShows) {
  if (getenv("BUZZER_BROKER_PASSWORD") == nullptr) {
    const int code = InChild([] {
      setenv("BUZZER_BROKER_PASSWORD", "open sesame", 1);
      setenv("BUZZER_BROKER_URL", "amqp://ann:sesame@h", 1);
      execl("/proc/self/exe", "secrets_test",
            "--gtest_filter=TakeFromEnvironment.OverwritesWhatTheKernelShows",
            static_cast<char*>(nullptr));
      return 1;
    });
    EXPECT_EQ(code, 0);
    return;
  }
  const auto shown = [] {
    std::ifstream file("/proc/self/environ", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_THAT(shown(), HasSubstr("open sesame"));
  EXPECT_EQ(TakeFromEnvironment("BUZZER_BROKER_PASSWORD"), "open sesame");
  EXPECT_THAT(shown(), Not(HasSubstr("open")));
  EXPECT_THAT(shown(), HasSubstr("ann:sesame"));
  DropSecretsFromEnvironment();
  EXPECT_THAT(shown(), Not(HasSubstr("sesame")));
}

// The command line as it is afterwards, and what was logged.
std::pair<std::vector<std::string>, std::string> Hidden(std::vector<std::string> words) {
  std::vector<char*> argv;
  argv.reserve(words.size());
  for (std::string& word : words) argv.push_back(word.data());
  ::testing::internal::CaptureStderr();
  HidePasswordsOfCommandLine(static_cast<int>(argv.size()), argv.data());
  return {words, ::testing::internal::GetCapturedStderr()};
}

TEST(HidePasswordsOfCommandLine, OverwritesEachAndSaysSoOnce) {
  const auto [words, log] = Hidden({"worker", "--broker_url=amqp://ann:p@ss:w@h:5672/v",
                                    "--broker_url", "amqps://b:x@h", "--slots=3"});
  EXPECT_THAT(words, ElementsAre("worker", "--broker_url=amqp://ann:******@h:5672/v",
                                 "--broker_url", "amqps://b:*@h", "--slots=3"));
  EXPECT_THAT(log, HasSubstr("password_on_command_line"));
  EXPECT_THAT(log, HasSubstr("BUZZER_BROKER_URL"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
  EXPECT_THAT(log, Not(HasSubstr("ss:w")));
}

TEST(HidePasswordsOfCommandLine, LeavesWhatHasNone) {
  const auto [words, log] = Hidden({"worker", "--broker_url=amqp://ann@h:1", "dns:///state:50052"});
  EXPECT_THAT(words, ElementsAre("worker", "--broker_url=amqp://ann@h:1", "dns:///state:50052"));
  EXPECT_THAT(log, IsEmpty());
}

}  // namespace
}  // namespace buzzer

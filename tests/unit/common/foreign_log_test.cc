// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/foreign_log/foreign_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// The lines that `act` writes to standard error.
template <typename Act>
std::vector<std::string> Logged(Act act) {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // As gRPC sets it when it starts.
  TakeForeignLogs();
  ::testing::internal::CaptureStderr();
  act();
  return absl::StrSplit(::testing::internal::GetCapturedStderr(), '\n', absl::SkipEmpty());
}

TEST(TakeForeignLogs, KeepsAForgedLineInsideOurs) {
  const auto lines = Logged([] { gpr_log(GPR_ERROR, "%s", "a\n{\"event\":\"forged\"}\n"); });
  ASSERT_THAT(lines, SizeIs(1));
  const json line = json::parse(lines[0]);
  EXPECT_EQ(line["event"], "grpc");
  EXPECT_EQ(line["level"], "warning");
  EXPECT_EQ(line["text"], "a\n{\"event\":\"forged\"}\n");
  EXPECT_THAT(std::string(line["at"]), HasSubstr("foreign_log_test.cc:"));
}

TEST(TakeForeignLogs, MakesOneLineOfAFaultThatIsRepeated) {
  EXPECT_THAT(Logged([] {
                for (int port = 0; port < 1000; ++port) gpr_log(GPR_ERROR, "no peer %d", port);
              }),
              SizeIs(1));
}

TEST(TakeForeignLogs, CutsALongText) {
  const auto lines = Logged([] { gpr_log(GPR_ERROR, "%s", std::string(1 << 20, '\xff').c_str()); });
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_LT(lines[0].size(), 4096u);
}

TEST(TakeForeignLogs, TakesWhatProtobufSays) {
  const auto lines = Logged([] {
    v1::Job job;
    EXPECT_FALSE(job.ParseFromString("\x0a\x02\xff\xfe"));
  });
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_EQ(json::parse(lines[0])["event"], "protobuf");
}

}  // namespace
}  // namespace buzzer

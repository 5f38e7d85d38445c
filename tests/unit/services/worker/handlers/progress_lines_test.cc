// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/progress_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/services/worker/support/fake_job_context.h"

namespace buzzer::worker {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

class AddProgressLineTest : public ::testing::Test {
 protected:
  // What is wrong with the line; "" if it is taken.
  std::string Add(const std::string& line) {
    return std::string(AddProgressLine(line, &report_).message());
  }

  ProgramReport report_;
  v1::Progress& progress_ = report_.progress;
};

TEST_F(AddProgressLineTest, KeepsWhatALineDoesNotName) {
  EXPECT_EQ(Add(R"({"fraction": 0.5, "data": {"next": 13}})"), "");
  EXPECT_EQ(Add(R"({"message": "half"})"), "");
  EXPECT_EQ(progress_.fraction(), 0.5);
  EXPECT_EQ(progress_.message(), "half");
  EXPECT_EQ(progress_.data().struct_value().fields().at("next").number_value(), 13);
  EXPECT_EQ(Add(R"({"fraction": 0.6, "message": null})"), "");
  EXPECT_EQ(progress_.message(), "half");
  EXPECT_EQ(Add(R"({"fraction": null, "message": ""})"), "");
  EXPECT_EQ(progress_.fraction(), 0.6);
  EXPECT_EQ(progress_.message(), "");
  EXPECT_EQ(Add(R"({"data": null})"), "");
  EXPECT_TRUE(progress_.data().has_null_value());
  EXPECT_EQ(Add("{}"), "");
  EXPECT_EQ(Add("{\"fraction\": 0.7}\r"), "");
}

TEST_F(AddProgressLineTest, RefusesAFractionThatIsNone) {
  EXPECT_EQ(Add(R"({"fraction": 0.25})"), "");
  EXPECT_EQ(Add(R"({"fraction": 40})"), "fraction must be from 0 to 1; 40 looks like per cent");
  EXPECT_EQ(Add(R"({"fraction": 1.5, "message": "no"})"),
            "fraction must be from 0 to 1; 1.5 looks like per cent");
  EXPECT_EQ(Add(R"({"fraction": -0.1})"), "fraction must be from 0 to 1; -0.1 is not");
  EXPECT_EQ(Add(R"({"fraction": 1e300})"), "fraction must be from 0 to 1; 1e+300 is not");
  EXPECT_EQ(Add(R"({"fraction": 18446744073709551615})"),
            "fraction must be from 0 to 1; 1.84467e+19 is not");
  for (const char* text : {"\"0.5\"", "true", "[0.5]", "{}"}) {
    EXPECT_EQ(Add(absl::StrCat(R"({"fraction": )", text, "}")),
              "fraction must be a number from 0 to 1");
  }
  for (const char* text : {"NaN", "Infinity", "1e999", "0,5", ".5", "0x1"}) {
    EXPECT_THAT(Add(absl::StrCat(R"({"fraction": )", text, "}")),
                HasSubstr("must be a JSON object"))
        << text;
  }
  EXPECT_EQ(progress_.fraction(), 0.25);
  EXPECT_EQ(progress_.message(), "");
}

TEST_F(AddProgressLineTest, TakesSumsThatEndBesideTheirLimits) {
  EXPECT_EQ(Add(R"({"fraction": 1.0000000000000002})"), "");
  EXPECT_EQ(progress_.fraction(), 1);
  EXPECT_EQ(Add(R"({"fraction": -1e-17})"), "");
  EXPECT_EQ(progress_.fraction(), 0);
  EXPECT_EQ(Add(R"({"fraction": 1})"), "");
}

TEST_F(AddProgressLineTest, RefusesAFieldThatIsNotKnown) {
  EXPECT_EQ(Add(R"({"progress": 0.5})"),
            "unknown field \"progress\"; known are fraction, message, data, retry_after");
  EXPECT_THAT(Add(absl::StrCat("{\"", std::string(1000, 'x'), "\": 1, \"fraction\": 0.5}")),
              AllOf(StartsWith("unknown field \"xxx"), Not(HasSubstr(std::string(50, 'x')))));
  EXPECT_EQ(progress_.fraction(), 0);
}

TEST_F(AddProgressLineTest, TakesHowLongTheNextAttemptShallWait) {
  EXPECT_EQ(Add(R"({"retry_after": "30s"})"), "");
  EXPECT_EQ(report_.retry_after, absl::Seconds(30));
  EXPECT_FALSE(report_.is_progress);
  EXPECT_EQ(Add(R"({"fraction": 0.5, "retry_after": "1m30s"})"), "");
  EXPECT_EQ(report_.retry_after, absl::Seconds(90));
  EXPECT_TRUE(report_.is_progress);
  EXPECT_EQ(Add(R"({"message": "still"})"), "");
  EXPECT_EQ(Add(R"({"retry_after": null})"), "");
  EXPECT_EQ(report_.retry_after, absl::Seconds(90));
  EXPECT_EQ(Add(R"({"retry_after": "24h"})"), "");
  EXPECT_EQ(report_.retry_after, absl::Hours(24));
  EXPECT_EQ(Add(R"({"retry_after": "0"})"), "");
  EXPECT_EQ(report_.retry_after, absl::ZeroDuration());
}

TEST_F(AddProgressLineTest, RefusesAWaitThatIsNone) {
  EXPECT_EQ(Add(R"({"retry_after": "5s"})"), "");
  for (const char* text :
       {"30", "\"30\"", "\"-5s\"", "\"soon\"", "\"\"", "true", "{}", "[\"5s\"]",
        "\"Wed, 21 Oct 2026 07:28:00 GMT\"", "\"1e3s\"", "\"99999999999999999999d\""}) {
    EXPECT_THAT(Add(absl::StrCat(R"({"message": "no", "retry_after": )", text, "}")),
                StartsWith("retry_after must be a text with a number"))
        << text;
  }
  EXPECT_EQ(Add(R"({"retry_after": "24h1ms"})"), "retry_after must be at most 1d");
  EXPECT_EQ(Add(R"({"retry_after": "5d"})"), "retry_after must be at most 1d");
  EXPECT_EQ(report_.retry_after, absl::Seconds(5));
  EXPECT_EQ(progress_.message(), "");
}

TEST_F(AddProgressLineTest, RefusesWhatIsNoObject) {
  for (const std::string& line :
       {std::string("garbage"), std::string("12"), std::string("[]"), std::string("null"),
        std::string("{"), std::string("\xff\xfe{\n"), std::string("{\"message\":\"\xff\"}"),
        std::string("{}{}"), std::string("\0\0", 2), std::string(" "), std::string(60'000, '"'),
        std::string("{\"message\":\"\\ud800\"}")}) {
    EXPECT_THAT(Add(line), HasSubstr("must be a JSON object such as")) << line;
  }
  EXPECT_EQ(Add(R"({"message": 5})"), "message must be a text");
}

TEST_F(AddProgressLineTest, RefusesWhatIsNestedTooDeepBeforeItIsATree) {
  const std::string deep = Repeat("[", 30'000) + Repeat("]", 30'000);
  EXPECT_EQ(Add("{\"data\":" + deep + "}"), "JSON may be nested 32 deep");
  EXPECT_EQ(Add(Repeat("{\"a\":", 9'000)), "JSON may be nested 32 deep");
  EXPECT_EQ(Add("{\"data\":" + Repeat("[", 31) + Repeat("]", 31) + "}"), "");
  // What stands in texts does not count.
  EXPECT_EQ(Add("{\"message\":\"\\\"" + std::string(500, '[') + "\"}"), "");
}

TEST_F(AddProgressLineTest, DropsDataThatIsTooLargeAndTakesTheRest) {
  EXPECT_EQ(Add(R"({"data": "before"})"), "");
  const std::string wide = "[" + Repeat("[],", 16'000) + "0]";
  for (const std::string& data : {wide, "\"" + std::string(17'000, 'x') + "\""}) {
    EXPECT_THAT(Add("{\"fraction\":0.5,\"data\":" + data + "}"), HasSubstr("at most 16 KiB"));
    EXPECT_EQ(progress_.fraction(), 0.5);
    EXPECT_EQ(progress_.data().string_value(), "before");
  }
}

TEST(ProgressLines, ReportsWhatIsTakenAndTellsOfTheRestInOneLine) {
  FakeJobContext context("{}");
  ::testing::internal::CaptureStderr();
  ProgressLines lines(&context);
  lines.OnLine(R"({"fraction":0.5})");
  for (int i = 0; i < 350; ++i) lines.OnLine(R"({"fraction":40})");
  lines.OnLine(R"({"progress":0.5})");
  lines.OnLine(R"({"message":"half"})");
  lines.OnLine("{\"message\":\"data\",\"data\":\"" + std::string(20'000, 'x') + "\"}");
  lines.End(/*too_long=*/2);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1) << log;
  EXPECT_THAT(log, HasSubstr("\"event\":\"progress_refused\""));
  EXPECT_THAT(log, HasSubstr("\"times\":354"));
  EXPECT_THAT(log, HasSubstr("40 looks like per cent"));
  const std::vector<v1::Progress> progress = context.progress();
  ASSERT_THAT(progress, SizeIs(3));
  EXPECT_EQ(progress[1].fraction(), 0.5);
  EXPECT_EQ(progress[1].message(), "half");
  EXPECT_EQ(progress[2].message(), "data");
}

TEST(ProgressLines, ReportsNoProgressForALineThatHasNone) {
  FakeJobContext context("{}");
  ProgressLines lines(&context);
  lines.OnLine(R"({"retry_after": "7s"})");
  EXPECT_THAT(context.progress(), IsEmpty());
  lines.OnLine("{}");
  EXPECT_THAT(context.progress(), SizeIs(1));
  lines.End(/*too_long=*/0);
  EXPECT_EQ(lines.retry_after(), absl::Seconds(7));
}

TEST(ProgressLines, SaysNothingOfAProgramThatIsInOrder) {
  FakeJobContext context("{}");
  ::testing::internal::CaptureStderr();
  ProgressLines lines(&context);
  lines.OnLine(R"({"fraction":0.5})");
  lines.End(/*too_long=*/0);
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
}

}  // namespace
}  // namespace buzzer::worker

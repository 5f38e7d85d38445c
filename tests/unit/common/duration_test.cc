// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/duration/duration.h"

#include <gtest/gtest.h>

#include <string>

namespace buzzer {
namespace {

TEST(ParseDuration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(ParseDuration("30s"), absl::Seconds(30));
  EXPECT_EQ(ParseDuration("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(ParseDuration("1h30m"), absl::Minutes(90));
  EXPECT_EQ(ParseDuration("1.5h"), absl::Minutes(90));
  EXPECT_EQ(ParseDuration("0.1s"), absl::Milliseconds(100));
  EXPECT_EQ(ParseDuration("1d"), absl::Hours(24));
  EXPECT_EQ(ParseDuration("2d12h30m5s250ms"),
            absl::Hours(60) + absl::Minutes(30) + absl::Seconds(5) + absl::Milliseconds(250));
  EXPECT_EQ(ParseDuration("90m"), absl::Minutes(90));
  EXPECT_EQ(ParseDuration("1us"), absl::Microseconds(1));
  EXPECT_EQ(ParseDuration("10ns"), absl::Nanoseconds(10));
  EXPECT_EQ(ParseDuration("0"), absl::ZeroDuration());
  EXPECT_EQ(ParseDuration("0s"), absl::ZeroDuration());
}

TEST(ParseDuration, RefusesWhatIsNone) {
  for (const char* text : {"",    "30",   "s",      "soon",  "-5s",  "+5s",  "inf",   "5 s",  " 5s",
                           "5s ", "1e3s", "1e999h", "1..5h", ".s",   "1h30", "30m1h", "1h1h", "1D",
                           "1y",  "1.5",  "0x1s",   "nans",  "infs", "1,5s", "5s\n"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
  EXPECT_EQ(ParseDuration(std::string("5s\0", 3)), std::nullopt);
}

TEST(ParseDuration, RefusesWhatIsTooLongToBeCounted) {
  EXPECT_EQ(ParseDuration(std::string(400, '9') + "d"), std::nullopt);
  EXPECT_EQ(ParseDuration("99999999999999999999d"), std::nullopt);
}

TEST(DurationText, WritesWhatIsReadAgain) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0s");
  EXPECT_EQ(DurationText(absl::Milliseconds(90)), "90ms");
  EXPECT_EQ(DurationText(absl::Seconds(61)), "1m1s");
  EXPECT_EQ(DurationText(absl::Hours(24)), "1d");
  EXPECT_EQ(DurationText(absl::Hours(36)), "1d12h");
  EXPECT_EQ(DurationText(absl::Nanoseconds(1)), "0s");
  for (const absl::Duration duration :
       {absl::Hours(24 * 366), absl::Hours(25) + absl::Milliseconds(1500), absl::Seconds(3661),
        absl::Microseconds(1), absl::Microseconds(1'234'567),
        absl::Hours(24) * int64_t{106'751'444'491'167} + absl::Seconds(1)}) {
    EXPECT_EQ(ParseDuration(DurationText(duration)), duration) << DurationText(duration);
  }
}

}  // namespace
}  // namespace buzzer

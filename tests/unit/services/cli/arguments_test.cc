// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace buzzer::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ErrorOf(const std::vector<std::string>& words) {
  const auto arguments = Arguments::Parse(words);
  EXPECT_FALSE(arguments.ok());
  return std::string(arguments.status().message());
}

TEST(Arguments, FindsCommandArgumentAndOptions) {
  const auto arguments = Arguments::Parse({"submit", "demo.echo", "--queue", "photos", "--watch"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->command()->name, "submit");
  EXPECT_EQ(arguments->argument(), "demo.echo");
  EXPECT_EQ(arguments->Text("queue"), "photos");
  EXPECT_TRUE(arguments->Has("watch"));
  EXPECT_FALSE(arguments->Has("priority"));
  EXPECT_EQ(arguments->Text("priority"), "");
}

TEST(Arguments, TakesGlobalOptionsBeforeTheCommand) {
  const auto arguments = Arguments::Parse({"--address", "host:1", "watch", "ID"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->command()->name, "watch");
  EXPECT_EQ(arguments->argument(), "ID");
  EXPECT_EQ(arguments->Text("address"), "host:1");
}

TEST(Arguments, TakesOptionsBeforeTheArgument) {
  const auto arguments = Arguments::Parse({"submit", "--queue", "photos", "demo.echo"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->argument(), "demo.echo");
}

TEST(Arguments, TakesValuesAfterAnEqualsSign) {
  const auto arguments = Arguments::Parse({"submit", "demo.echo", "--payload={\"a\": \"b=c\"}"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->Text("payload"), "{\"a\": \"b=c\"}");
}

TEST(Arguments, TakesUnderscoresForDashes) {
  const auto arguments = Arguments::Parse({"submit", "demo.echo", "--max_attempts", "3"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->Text("max-attempts"), "3");
}

TEST(Arguments, TakesADashAsAValue) {
  const auto arguments = Arguments::Parse({"submit", "demo.echo", "--payload", "-"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->Text("payload"), "-");
}

TEST(Arguments, KeepsEveryValueOfARepeatedOption) {
  const auto arguments =
      Arguments::Parse({"submit", "demo.echo", "--label", "a=1", "--label", "b=2"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->All("label"), ElementsAre("a=1", "b=2"));
}

TEST(Arguments, ReadsNothingAsAnOptionAfterTwoDashes) {
  const auto arguments = Arguments::Parse({"get", "--", "--odd-id"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->argument(), "--odd-id");
}

TEST(Arguments, KnowsCommandsOfTwoWords) {
  EXPECT_EQ(Arguments::Parse({"queues"})->command()->name, "queues");
  const auto pause = Arguments::Parse({"queues", "--output", "json", "pause", "photos"});
  ASSERT_TRUE(pause.ok()) << pause.status();
  EXPECT_EQ(pause->command()->name, "queues pause");
  EXPECT_EQ(pause->argument(), "photos");
}

TEST(Arguments, TakeACommandOfTwoWordsAsTwoOnly) {
  EXPECT_THAT(ErrorOf({"queues pause"}), HasSubstr("unknown command 'queues pause'"));
  EXPECT_THAT(ErrorOf({"queues pause", "photos"}), HasSubstr("queues pause"));
}

TEST(Arguments, AskedForHelpNeedNothingElse) {
  EXPECT_EQ(Arguments::Parse({"--help"})->command(), nullptr);
  EXPECT_EQ(Arguments::Parse({"help"})->command(), nullptr);
  EXPECT_EQ(Arguments::Parse({"submit", "-h"})->command()->name, "submit");
  EXPECT_EQ(Arguments::Parse({"help", "queues", "pause"})->command()->name, "queues pause");
  EXPECT_TRUE(Arguments::Parse({"help", "submit"})->help());
}

TEST(Arguments, SuggestTheCommandThatWasMeant) {
  EXPECT_THAT(ErrorOf({"sumbit", "demo.echo"}), HasSubstr("did you mean submit?"));
  EXPECT_THAT(ErrorOf({"sumbit", "demo.echo", "--watch"}), HasSubstr("did you mean submit?"));
  EXPECT_THAT(ErrorOf({"queues", "pausee", "photos"}), HasSubstr("did you mean queues pause?"));
  EXPECT_EQ(ErrorOf({"queues", "demo.echo"}),
            "queues lists them all; one is shown by 'buzzer queues get demo.echo'");
  EXPECT_THAT(ErrorOf({"frobnicate"}), HasSubstr("known are submit, get, watch"));
}

TEST(Arguments, SuggestTheOptionThatWasMeant) {
  EXPECT_EQ(ErrorOf({"submit", "demo.echo", "--prioritty", "high"}),
            "submit has no option --prioritty; did you mean --priority?");
  EXPECT_EQ(ErrorOf({"get", "ID", "--queue", "photos"}), "get has no option --queue");
}

TEST(Arguments, SayWhatIsMissing) {
  EXPECT_THAT(ErrorOf({}), HasSubstr("a command is missing; known are submit"));
  EXPECT_EQ(ErrorOf({"submit"}), "submit needs the TYPE: buzzer submit TYPE");
  EXPECT_EQ(ErrorOf({"watch", ""}), "watch needs the ID: buzzer watch ID");
  EXPECT_THAT(ErrorOf({"submit", "demo.echo", "--label"}), HasSubstr("--label KEY=VALUE"));
  EXPECT_THAT(ErrorOf({"submit", "demo.echo", "--queue", "--watch"}),
              HasSubstr("--queue: needs a value"));
}

TEST(Arguments, SayWhatIsTooMuch) {
  EXPECT_EQ(ErrorOf({"get", "A", "B"}), "get takes one ID, and 'B' is one too many");
  EXPECT_EQ(ErrorOf({"list", "A"}), "list takes no argument, and 'A' is one");
  EXPECT_EQ(ErrorOf({"submit", "demo.echo", "--key", "a", "--key", "b"}), "--key: given twice");
  EXPECT_EQ(ErrorOf({"submit", "demo.echo", "--watch=yes"}), "--watch: takes no value");
  EXPECT_THAT(ErrorOf({"get", "ID", "-o"}), HasSubstr("unknown option -o"));
}

TEST(Arguments, ReadDurations) {
  const auto arguments = Arguments::Parse({"submit", "t", "--delay", "1h30m", "--deadline", "0"});
  EXPECT_EQ(**arguments->Duration("delay"), absl::Minutes(90));
  EXPECT_EQ(**arguments->Duration("deadline"), absl::ZeroDuration());
  const auto days = Arguments::Parse({"submit", "t", "--delay", "1d", "--retention=2d12h"});
  EXPECT_EQ(**days->Duration("delay"), absl::Hours(24));
  EXPECT_EQ(**days->Duration("retention"), absl::Hours(60));
  EXPECT_EQ(*arguments->Duration("retention"), std::nullopt);
}

TEST(Arguments, RefuseWhatIsNoDuration) {
  for (const char* text : {"30", "soon", "-5s", "inf", "5 s", "1e999h", ""}) {
    const auto arguments = Arguments::Parse({"submit", "t", std::string("--delay=") + text});
    EXPECT_THAT(std::string(arguments->Duration("delay").status().message()),
                HasSubstr("is no duration; write a number with ms, s, m, h or d"))
        << text;
  }
}

TEST(Arguments, ReadNumbersWithinTheirRange) {
  const auto arguments = Arguments::Parse({"submit", "t", "--max-attempts", "100"});
  EXPECT_EQ(**arguments->Number("max-attempts", 1, 100), 100);
  EXPECT_EQ(arguments->Number("max-attempts", 1, 99).status().message(),
            "--max-attempts: '100' is no whole number from 1 to 99");
  const auto text = Arguments::Parse({"submit", "t", "--max-attempts", "1.5"});
  EXPECT_FALSE(text->Number("max-attempts", 1, 100).ok());
}

TEST(Nearest, FindsNothingForAnotherWord) {
  EXPECT_EQ(Nearest("wach", {"get", "watch"}), "watch");
  EXPECT_EQ(Nearest("elephant", {"get", "watch"}), "");
  EXPECT_EQ(Nearest("", {"get", "watch"}), "");
}

}  // namespace
}  // namespace buzzer::cli

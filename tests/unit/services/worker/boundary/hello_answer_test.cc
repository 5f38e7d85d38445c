// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/boundary/hello_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace buzzer::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

internal::v1::HelloAnswer Answer(const std::vector<Refusal>& refusals) {
  internal::v1::HelloAnswer answer;
  for (const Refusal& refusal : refusals) {
    auto* added = answer.add_refusals();
    added->set_queue(refusal.queue);
    added->set_type(refusal.type);
    added->set_message(refusal.message);
  }
  return answer;
}

TEST(HelloAnswer, TellsWhatIsRefused) {
  const std::vector<Refusal> refusals = {
      {"images", "", "too many queues"}, {"", "a.type", "too many types"}, {"", "", "all of it"}};
  EXPECT_EQ(ReadHelloAnswer(Answer(refusals)), refusals);
  EXPECT_THAT(ReadHelloAnswer({}), IsEmpty());
}

TEST(HelloAnswer, PassesOverWhatNamesNothing) {
  const auto read = ReadHelloAnswer(Answer({{"no name", "", "a"},
                                            {"", std::string("a\0b", 3), "b"},
                                            {std::string(1 << 20, 'x'), "", "c"},
                                            {"both", "of.them", "d"},
                                            {"images", "", "e"}}));
  EXPECT_THAT(read, ElementsAre(Refusal{"images", "", "e"}));
}

TEST(HelloAnswer, IsBoundedInNumberAndLength) {
  std::vector<Refusal> refusals;
  for (int i = 0; i < 5000; ++i) {
    refusals.push_back({"", absl::StrCat("type.", i), std::string(2000, 'x')});
  }
  const auto read = ReadHelloAnswer(Answer(refusals));
  EXPECT_EQ(read.size(), 1000u);
  EXPECT_EQ(read[0].message.size(), 512u);
}

}  // namespace
}  // namespace buzzer::worker

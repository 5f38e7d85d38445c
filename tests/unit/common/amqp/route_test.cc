// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/amqp/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace buzzer::amqp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::UnorderedElementsAre;

absl::StatusOr<std::vector<std::string>> Names(const std::string& host) {
  if (host == "cluster") return std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3"};
  if (host == "gone") return absl::UnavailableError("look-up: no such name");
  return std::vector<std::string>{host};
}

std::vector<std::string> Texts(const Address& address, std::vector<std::string>* failures) {
  std::vector<std::string> texts;
  for (const Route& route : Routes(address, failures, Names)) texts.push_back(route.ToString());
  return texts;
}

TEST(Routes, LeadToEveryAddressOfEveryHost) {
  std::vector<std::string> failures;
  const auto address = ParseAddress("amqp://cluster:1,[::1]:2,10.0.0.9/");
  EXPECT_THAT(Texts(*address, &failures),
              UnorderedElementsAre("cluster:1 (10.0.0.1)", "cluster:1 (10.0.0.2)",
                                   "cluster:1 (10.0.0.3)", "[::1]:2", "10.0.0.9:5672"));
  EXPECT_THAT(failures, IsEmpty());
}

TEST(Routes, LeaveOutAHostThatCannotBeLookedUpAndSayWhy) {
  std::vector<std::string> failures;
  EXPECT_THAT(Texts(*ParseAddress("amqp://gone,there/"), &failures), ElementsAre("there:5672"));
  EXPECT_THAT(failures, ElementsAre("gone:5672: look-up: no such name"));
}

TEST(Routes, BeginWithEachInTurn) {
  std::set<std::string> first;
  std::vector<std::string> failures;
  const auto address = ParseAddress("amqp://a,b,c/");
  // That one of three is never first in 200 is about as likely as to guess a UUID.
  for (int i = 0; i < 200; ++i) first.insert(Texts(*address, &failures)[0]);
  EXPECT_EQ(first.size(), 3u);
}

TEST(Routes, KeepTheNameThatACertificateIsCheckedAgainst) {
  std::vector<std::string> failures;
  EXPECT_THAT(Texts(*ParseAddress("amqps://cluster,gone/"), &failures),
              UnorderedElementsAre("cluster:5671", "gone:5671"));
}

TEST(LookUp, FindsThisMachine) {
  EXPECT_THAT(*LookUp("127.0.0.1"), ElementsAre("127.0.0.1"));
  EXPECT_THAT(*LookUp("::1"), ElementsAre("::1"));
  EXPECT_THAT(*LookUp("localhost"), IsSupersetOf({"127.0.0.1"}));
}

}  // namespace
}  // namespace buzzer::amqp

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace buzzer::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Target(absl::string_view address, bool tls = false) {
  const auto target = TargetOf(address, tls);
  return target.ok() ? *target : std::string(target.status().message());
}

TEST(TargetOf, TakesAHostWithItsPortOrWithout) {
  EXPECT_EQ(Target("127.0.0.1:50051"), "127.0.0.1:50051");
  EXPECT_EQ(Target("localhost"), "localhost:50051");
  EXPECT_EQ(Target("buzzer-frontend.jobs.svc"), "buzzer-frontend.jobs.svc:50051");
  EXPECT_EQ(Target("10.0.0.7"), "10.0.0.7:50051");
  EXPECT_EQ(Target(":8080"), "localhost:8080");
  EXPECT_EQ(Target(" localhost:1\n"), "localhost:1");
  EXPECT_EQ(Target("localhost:8080/"), "localhost:8080");
}

TEST(TargetOf, TakesWhatABrowserHas) {
  EXPECT_EQ(Target("http://localhost:8080"), "localhost:8080");
  EXPECT_EQ(Target("HTTP://localhost:8080/"), "localhost:8080");
  EXPECT_EQ(Target("http://buzzer.example"), "buzzer.example:80");
  EXPECT_EQ(Target("https://buzzer.example", /*tls=*/true), "buzzer.example:443");
  EXPECT_EQ(Target("grpc://buzzer.example"), "buzzer.example:50051");
  EXPECT_THAT(Target("https://buzzer.example"), HasSubstr("https needs certificates"));
}

TEST(TargetOf, TakesLongNumbers) {
  EXPECT_EQ(Target("::1"), "[::1]:50051");
  EXPECT_EQ(Target("[::1]"), "[::1]:50051");
  EXPECT_EQ(Target("[::1]:8080"), "[::1]:8080");
  EXPECT_EQ(Target("http://[fe80::1%eth0]:8080/"), "[fe80::1%eth0]:8080");
}

TEST(TargetOf, LeavesGrpcsOwnNames) {
  for (const char* name : {"unix:/run/buzzer.sock", "dns:///buzzer:50051", "ipv4:127.0.0.1:1"}) {
    EXPECT_EQ(Target(name), name);
  }
}

TEST(TargetOf, SaysWhatWouldBeRight) {
  for (const auto& [address, words] : std::initializer_list<std::pair<const char*, const char*>>{
           {"", "is empty"},
           {"  ", "is empty"},
           {"50051", "has no host"},
           {"localhost:", "has a port that is no number"},
           {"localhost:0", "has a port that is no number"},
           {"localhost:65536", "has a port that is no number"},
           {"localhost:grpc", "has a port that is no number"},
           {"localhost: 80", "has a port that is no number"},
           {"localhost:+80", "has a port that is no number"},
           {"[::1]: 80", "has a port that is no number"},
           {"[::1", "has a [ without its ]"},
           {"[::1]x", "is no address"},
           {"[::1]:", "has a port"},
           {"[localhost]:1", "has no IPv6 address"},
           {"a b:1", "is no address"},
           {"http://", "is no address"},
           {"http://localhost:8080/v1/jobs", "has a path"},
           {"localhost:8080?x", "has a path"},
           {"amqp://localhost", "the scheme amqp:// is unknown"}}) {
    EXPECT_THAT(Target(address), HasSubstr(words)) << address;
    EXPECT_THAT(Target(address), HasSubstr("localhost:50051")) << address;
  }
}

TEST(TargetOf, RepeatsNoPassword) {
  EXPECT_THAT(Target("http://me:secret@localhost:8080"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace buzzer::cli

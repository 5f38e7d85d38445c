// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/list_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/errors/errors.h"

namespace buzzer::frontend {
namespace {

using ::testing::HasSubstr;

// The parsed filter as text; of an error the message.
std::string Parsed(absl::string_view filter) {
  const auto parsed = ParseListFilter(filter);
  return parsed.ok() ? parsed->ShortDebugString() : std::string(parsed.status().message());
}

TEST(ListFilter, RestrictsNothingIfEmpty) {
  EXPECT_EQ(Parsed(""), "");
  EXPECT_EQ(Parsed("   "), "");
}

TEST(ListFilter, TakesEachCondition) {
  EXPECT_EQ(Parsed("state = RUNNING"), "state: RUNNING");
  EXPECT_EQ(Parsed("type = demo.echo"), "type: \"demo.echo\"");
  EXPECT_EQ(Parsed("queue = photos"), "queue: \"photos\"");
  EXPECT_EQ(Parsed("labels.user = \"Ann\""), "labels { key: \"user\" value: \"Ann\" }");
  EXPECT_EQ(Parsed("create_time >= \"1970-01-02T00:00:00Z\""), "created_from { seconds: 86400 }");
  EXPECT_EQ(Parsed("create_time < 1970-01-02T01:00:00+01:00"), "created_until { seconds: 86400 }");
}

TEST(ListFilter, TakesSpacesAndQuotesFreely) {
  EXPECT_EQ(Parsed("state=FAILED"), "state: FAILED");
  EXPECT_EQ(Parsed("  state  =  \"FAILED\"  "), "state: FAILED");
  EXPECT_EQ(Parsed("labels.a/b-c_d.e=x"), "labels { key: \"a/b-c_d.e\" value: \"x\" }");
  EXPECT_EQ(Parsed("labels.a = \"\""), "labels { key: \"a\" value: \"\" }");
  EXPECT_EQ(Parsed(R"(labels.a = "x \"y\" \\ AND z = 1")"),
            "labels { key: \"a\" value: \"x \\\"y\\\" \\\\ AND z = 1\" }");
}

TEST(ListFilter, JoinsConditionsByAnd) {
  EXPECT_EQ(Parsed("state=FAILED AND type=a AND labels.x=1 AND create_time>1970-01-01T00:00:01Z "
                   "AND create_time<=1970-01-01T00:00:02Z"),
            "state: FAILED type: \"a\" labels { key: \"x\" value: \"1\" } "
            "created_from { seconds: 1 nanos: 1000000 } "
            "created_until { seconds: 2 nanos: 1000000 }");
}

TEST(ListFilter, RoundsTimesToTheMillisecondsOfIds) {
  const std::string time = "1970-01-01T00:00:00.0015Z";
  EXPECT_EQ(Parsed("create_time >= " + time), "created_from { nanos: 2000000 }");
  EXPECT_EQ(Parsed("create_time > " + time), "created_from { nanos: 2000000 }");
  EXPECT_EQ(Parsed("create_time < " + time), "created_until { nanos: 2000000 }");
  EXPECT_EQ(Parsed("create_time <= " + time), "created_until { nanos: 2000000 }");
}

TEST(ListFilter, SaysWhatIsWrongAndWhere) {
  const std::pair<const char*, const char*> kFaults[] = {
      {"nonsense", "at position 1: unknown condition \"nonsense\"; known are state"},
      {"state = RUNNING AND stat = X", "at position 21: unknown condition \"stat\""},
      {"= RUNNING", "at position 1: unknown condition \"\""},
      {"état = RUNNING", "at position 1: unknown condition"},
      {"state RUNNING", "at position 7: state takes ="},
      {"state != RUNNING", "at position 7: state takes ="},
      {"state >= RUNNING", "at position 7: state takes ="},
      {"state =", "at position 8: a value is missing"},
      {"state = running", "at position 9: unknown state \"running\""},
      {"state = STATE_UNSPECIFIED", "at position 9: unknown state"},
      {"type = Demo", "at position 8: type must be 1 to 63 lower-case letters"},
      {"queue = \"a b\"", "at position 9: queue must be"},
      {"create_time = 2026-01-31T00:00:00Z", "at position 13: create_time takes >=, >, <= or <"},
      {"create_time > yesterday", "at position 15: a time must be as"},
      {"create_time > 2026-01-31", "at position 15: a time must be as"},
      {"create_time > 1969-12-31T23:59:59Z", "at position 15: a time must be as"},
      {"create_time > infinite-future", "at position 15: a time must be as"},
      {"labels. = x", "at position 1: a label's key must be"},
      {"labels.a = \"x", "at position 12: this string does not end"},
      {"labels.a = \"\\n\"", "at position 13: in a string, only"},
      {"labels.a = \"x\\", "at position 14: in a string, only"},
      {"state = RUNNING type = a", "at position 17: AND or the end must follow"},
      {"state = RUNNING and type = a", "at position 17: AND or the end must follow"},
      {"state = RUNNING OR type = a", "at position 17: AND or the end must follow"},
      {"state = RUNNING AND", "at position 20: a condition must follow AND"},
      {"AND state = RUNNING", "at position 1: unknown condition \"AND\""},
      {"state = \"A\nB\x1b[m\"", "at position 9: unknown state \"A?B?[m\""},
  };
  for (const auto& [filter, message] : kFaults) {
    EXPECT_THAT(Parsed(filter), HasSubstr(message)) << filter;
  }
}

TEST(ListFilter, TakesEachConditionOnce) {
  for (const char* filter :
       {"state=FAILED AND state=FAILED", "type=a AND type=b", "queue=a AND queue=b",
        "labels.a=1 AND labels.a=2",
        "create_time>2026-01-01T00:00:00Z AND create_time>=2026-01-01T00:00:00Z",
        "create_time<2026-01-01T00:00:00Z AND create_time<=2026-01-01T00:00:00Z"}) {
    EXPECT_THAT(Parsed(filter), HasSubstr("stands twice")) << filter;
  }
}

TEST(ListFilter, IsBounded) {
  EXPECT_THAT(Parsed(std::string(1025, ' ')), HasSubstr("at most 1024"));
  EXPECT_EQ(Parsed(std::string(1024, ' ')), "");
  EXPECT_THAT(Parsed("labels." + std::string(64, 'k') + "=x"), HasSubstr("a label's key"));
  EXPECT_THAT(Parsed("labels.k=" + std::string(64, 'x')), HasSubstr("a label's value"));
}

TEST(ListFilter, HasTheReasonOfItsOwn) {
  EXPECT_EQ(ErrorReason(ParseListFilter("x").status()), "INVALID_FILTER");
}

}  // namespace
}  // namespace buzzer::frontend

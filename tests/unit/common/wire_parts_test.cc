// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/wire/wire_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/state_service.pb.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/errors/errors.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace buzzer {
namespace {

using internal::v1::SubmitRequest;
using internal::v1::WatchRequest;
using internal::v1::WorkRequest;
using ::testing::HasSubstr;

template <typename Message>
absl::StatusOr<WireParts> Count(const std::string& bytes, int64_t max_parts = 1000) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return CountWireParts(&stream, *Message::descriptor(), max_parts);
}

std::string Repeated(absl::string_view bytes, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all.append(bytes.data(), bytes.size());
  return all;
}

TEST(WireParts, CountsMessagesLabelsAndTimes) {
  SubmitRequest request;
  request.set_batch(7);
  for (int i = 0; i < 2; ++i) {
    auto* job = request.add_jobs();
    job->set_type("demo.echo");
    job->mutable_labels()->insert({"a", "1"});
    job->mutable_labels()->insert({"b", "2"});
    job->mutable_deadline()->set_seconds(3);
  }
  const auto parts = Count<SubmitRequest>(request.SerializeAsString());
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(parts->count, 2 * (1 + 2 + 1));
  EXPECT_FALSE(parts->has_unknown);
}

TEST(WireParts, CountsEachValueOfATree) {
  WorkRequest request;
  auto* list = request.add_progress()->mutable_progress()->mutable_data()->mutable_list_value();
  for (int i = 0; i < 100; ++i) list->add_values()->set_number_value(i);
  const auto parts = Count<WorkRequest>(request.SerializeAsString());
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(parts->count, 4 + 100);  // Report, progress, value, list, and what is in it.
}

TEST(WireParts, CountsNoNumbersPackedOrNot) {
  WatchRequest request;
  for (int i = 0; i < 10'000; ++i) request.add_stop(i);
  EXPECT_EQ(Count<WatchRequest>(request.SerializeAsString())->count, 0);
  EXPECT_EQ(Count<WatchRequest>(Repeated("\x10\x01", 10'000))->count, 0);
}

TEST(WireParts, CountsFieldsThatTheTypeDoesNotHave) {
  // Ten of number 1023; and `hello`, but as a number.
  const auto parts = Count<WorkRequest>(absl::StrCat(Repeated("\xf8\x3f\x01", 10), "\x08\x01"));
  ASSERT_TRUE(parts.ok()) << parts.status();
  EXPECT_EQ(parts->count, 11);
  EXPECT_TRUE(parts->has_unknown);
}

TEST(WireParts, RefusesMoreThanItIsToldAndSaysHowManyThereMayBe) {
  const std::string bytes = Repeated(absl::string_view("\x12\x00", 2), 1001);  // Empty claims.
  EXPECT_TRUE(Count<WorkRequest>(bytes, 1001).ok());
  const absl::Status refused = Count<WorkRequest>(bytes, 1000).status();
  EXPECT_EQ(ErrorReason(refused), "INVALID_REQUEST");
  EXPECT_THAT(refused.message(), HasSubstr("a WorkRequest has at most 1000"));
}

TEST(WireParts, RefusesWhatIsNoMessage) {
  for (const std::string& bytes : {
           std::string("\x12\x05\x00", 3),          // Longer than there are bytes.
           std::string("\x12\x02\x0a\x05", 4),      // Inside: longer than what holds it.
           std::string("\xfb\x3f\xfc\x3f", 4),      // A group.
           std::string("\x12\x80", 2),              // A length that is cut off.
           std::string("\xff\xff\xff\xff\xff", 5),  // A tag that is none.
           std::string("\x12\xff\xff\xff\xff\x0f", 6),
       }) {
    const auto parts = Count<WorkRequest>(bytes);
    EXPECT_EQ(ErrorReason(parts.status()), "INVALID_REQUEST") << bytes.size();
    EXPECT_FALSE(WorkRequest().ParseFromString(bytes) && bytes[0] == '\x12');
  }
}

TEST(WireParts, GoesAsDeepAsTheParserAndNoFurther) {
  google::protobuf::Value value;
  for (int i = 0; i <= 200; ++i) {
    google::protobuf::Value outer;
    *outer.mutable_list_value()->add_values() = std::move(value);
    value = std::move(outer);
    if (i == 40) {
      EXPECT_TRUE(Count<google::protobuf::Value>(value.SerializeAsString()).ok());
    }
  }
  EXPECT_FALSE(Count<google::protobuf::Value>(value.SerializeAsString()).ok());
}

}  // namespace
}  // namespace buzzer

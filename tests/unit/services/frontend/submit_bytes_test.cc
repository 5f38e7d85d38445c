// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/submit_bytes.h"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "buzzer/v1/job_service.pb.h"
#include "common/errors/errors.h"
#include "common/limits/limits.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "services/frontend/limits.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {
namespace {

using google::protobuf::Value;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Bytes(const std::function<void(Value*)>& fill) {
  v1::SubmitJobRequest request;
  request.set_type("demo.echo");
  fill(request.mutable_payload());
  return request.SerializeAsString();
}

// A list of so many values.
std::string ListOf(int count, const std::function<void(Value*)>& fill) {
  return Bytes([&](Value* payload) {
    for (int i = 0; i < count; ++i) fill(payload->mutable_list_value()->add_values());
  });
}

void EmptyList(Value* value) { value->mutable_list_value(); }
void Zero(Value* value) { value->set_number_value(0); }

// `depth` lists, each but the last with the next in it.
std::string Nested(int depth) {
  return Bytes([&](Value* value) {
    for (int i = 1; i < depth; ++i) value = value->mutable_list_value()->add_values();
    value->mutable_list_value();
  });
}

absl::Status ByValidation(const std::string& bytes) {
  v1::SubmitJobRequest request;
  EXPECT_TRUE(request.ParseFromString(bytes));
  SubmitContext context;
  context.tenant = "default";
  context.id = JobId::Make(absl::UnixEpoch());
  return MakeNewJob(request, context).status();
}

TEST(CheckSubmitBytes, TakesWhatValidationTakes) {
  for (const std::string& bytes :
       {std::string(), Bytes([](Value*) {}), Bytes(Zero), Bytes(EmptyList), Nested(32),
        ListOf(349'525, EmptyList), ListOf(524'287, Zero),
        Bytes([](Value* value) { value->set_string_value(std::string((1 << 20) - 2, 'x')); }),
        Bytes([](Value* value) {
          auto& fields = *value->mutable_struct_value()->mutable_fields();
          fields["a"].set_bool_value(true);
          fields["b"].set_null_value(google::protobuf::NULL_VALUE);
        })}) {
    EXPECT_TRUE(CheckSubmitBytes(bytes).ok()) << CheckSubmitBytes(bytes) << bytes.size();
  }
}

TEST(CheckSubmitBytes, RefusesAsValidationDoes) {
  for (const std::string& bytes :
       {Nested(33), ListOf(349'526, EmptyList), ListOf(524'288, Zero),
        Bytes([](Value* value) { value->set_string_value(std::string((1 << 20) - 1, 'x')); })}) {
    const absl::Status refused = CheckSubmitBytes(bytes);
    EXPECT_EQ(refused, ByValidation(bytes));
    EXPECT_FALSE(refused.ok()) << bytes.size();
  }
}

TEST(CheckSubmitBytes, RefusesMoreFieldsThanARequestCanHave) {
  std::string unknown;
  for (int i = 0; i < 100'000; ++i) unknown += std::string("\x98\x06\x00", 3);  // Field 99 is 0.
  EXPECT_EQ(ErrorReason(CheckSubmitBytes(unknown)), "INVALID_REQUEST");
  EXPECT_TRUE(CheckSubmitBytes(unknown.substr(0, 300)).ok());
  // The same inside of a payload, and of a duration.
  const auto in_field = [&](char tag, const std::string& inside) {
    v1::SubmitJobRequest length;
    length.set_payload_bytes(inside);
    return tag + length.SerializeAsString().substr(1);
  };
  EXPECT_EQ(ErrorReason(CheckSubmitBytes(in_field('\x22', unknown))), "INVALID_REQUEST");
  EXPECT_EQ(ErrorReason(CheckSubmitBytes(in_field('\x52', unknown))), "INVALID_REQUEST");
  // And a group, which holds as many as it likes.
  EXPECT_EQ(ErrorReason(CheckSubmitBytes("\x9b\x06" + unknown + "\x9c\x06")), "INVALID_REQUEST");
}

TEST(CheckSubmitBytes, RefusesTooManyLabels) {
  v1::SubmitJobRequest request;
  for (int i = 0; i <= kMaxLabels; ++i)
    (*request.mutable_labels())[absl::StrCat("k", i)] = std::string(1, 'v');
  EXPECT_THAT(std::string(CheckSubmitBytes(request.SerializeAsString()).message()),
              HasSubstr("`labels`: must be at most 32, not 33"));
}

// Whatever the parser and validation take is taken, and nothing breaks it.
TEST(CheckSubmitBytes, NeverRefusesWhatIsValidWhateverTheBytes) {
  const google::protobuf::LogSilencer texts_that_are_no_utf8;
  std::mt19937 random(4711);
  const std::string seeds[] = {Nested(4), ListOf(3, Zero), Bytes(Zero)};
  int valid = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = seeds[random() % 3];
    for (unsigned n = random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % 4 == 0 ? random() % bytes.size() : bytes.size());
    v1::SubmitJobRequest request;
    const bool parses = request.ParseFromString(bytes);
    if (!parses || !ByValidation(bytes).ok()) {
      CheckSubmitBytes(bytes).IgnoreError();
      continue;
    }
    ++valid;
    EXPECT_TRUE(CheckSubmitBytes(bytes).ok()) << CheckSubmitBytes(bytes) << request.DebugString();
  }
  EXPECT_GT(valid, 100);
}

absl::StatusOr<std::vector<std::string>> Split(const std::string& bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return SplitBatchBytes(&stream);
}

TEST(SplitBatchBytes, GivesTheBytesOfEachRequest) {
  v1::BatchSubmitJobsRequest batch;
  batch.add_requests()->set_type("a");
  batch.add_requests();
  const auto requests = Split(batch.SerializeAsString());
  ASSERT_TRUE(requests.ok()) << requests.status();
  ASSERT_THAT(*requests, SizeIs(2));
  EXPECT_EQ((*requests)[0], batch.requests(0).SerializeAsString());
  EXPECT_EQ((*requests)[1], "");
}

TEST(SplitBatchBytes, CountsTheRequests) {
  v1::BatchSubmitJobsRequest batch;
  EXPECT_THAT(std::string(Split("").status().message()), HasSubstr("has 0"));
  for (int i = 0; i < 1001; ++i) batch.add_requests();
  EXPECT_THAT(std::string(Split(batch.SerializeAsString()).status().message()),
              HasSubstr("must have 1 to 1000 jobs, and has 1001"));
}

TEST(SplitBatchBytes, RefusesWhatIsNoMessage) {
  for (const char* bytes : {"\x0a", "\x0a\x05", "\xff\xff\xff", "\x0a\xff\xff\xff\xff\x0f"}) {
    EXPECT_EQ(ErrorReason(Split(bytes).status()), "INVALID_REQUEST") << bytes;
  }
}

}  // namespace
}  // namespace buzzer::frontend

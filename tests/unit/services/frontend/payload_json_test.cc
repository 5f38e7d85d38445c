// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/payload_json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace buzzer::frontend {
namespace {

using google::protobuf::Value;

constexpr size_t kLarge = 1 << 20;

Value Number(double number) {
  Value value;
  value.set_number_value(number);
  return value;
}

Value String(const std::string& text) {
  Value value;
  value.set_string_value(text);
  return value;
}

// Arrays in arrays, `depth` of them.
Value Nested(int depth) {
  Value value;
  value.set_null_value(google::protobuf::NULL_VALUE);
  for (int i = 0; i < depth; ++i) {
    Value outer;
    outer.mutable_list_value()->add_values()->Swap(&value);
    value.Swap(&outer);
  }
  return value;
}

std::string Json(const Value& value) { return ToJson(value, 32, kLarge).value_or("an error"); }

TEST(PayloadJson, KeepsWholeNumbersWhole) {
  EXPECT_EQ(Json(Number(45)), "45");
  EXPECT_EQ(Json(Number(-3)), "-3");
  EXPECT_EQ(Json(Number(0)), "0");
  EXPECT_EQ(Json(Number(-0.0)), "0");
  EXPECT_EQ(Json(Number(9007199254740991)), "9007199254740991");
  EXPECT_EQ(Json(Number(1e17)), "100000000000000000");
}

TEST(PayloadJson, WritesOtherNumbersSoThatTheyReadBackTheSame) {
  EXPECT_EQ(Json(Number(0.1)), "0.1");
  EXPECT_EQ(Json(Number(-2.5)), "-2.5");
  for (const double number : {1e21, 1.7976931348623157e308, 5e-324, 1.0 / 3, 123456.789}) {
    const auto read = FromJson(Json(Number(number)));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->number_value(), number);
  }
}

TEST(PayloadJson, RefusesWhatJsonCannotSay) {
  for (const double number :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ToJson(Number(number), 32, kLarge).status()));
  }
}

TEST(PayloadJson, WritesTheSmallOnes) {
  Value truth;
  truth.set_bool_value(true);
  EXPECT_EQ(Json(truth), "true");
  EXPECT_EQ(Json(Value()), "null");
  Value list;
  list.mutable_list_value();
  EXPECT_EQ(Json(list), "[]");
  Value object;
  object.mutable_struct_value();
  EXPECT_EQ(Json(object), "{}");
}

TEST(PayloadJson, SortsKeys) {
  Value value;
  for (const char* key : {"b", "a", "", "ab", "B"}) {
    (*value.mutable_struct_value()->mutable_fields())[key] = Number(1);
  }
  EXPECT_EQ(Json(value), R"({"":1,"B":1,"a":1,"ab":1,"b":1})");
}

TEST(PayloadJson, EscapesStringsAndKeepsUtf8) {
  EXPECT_EQ(Json(String("a\"b\\c\nd\te\x01\x1f\x7f/é😀")),
            "\"a\\\"b\\\\c\\nd\\u0009e\\u0001\\u001f\x7f/é😀\"");
  EXPECT_EQ(Json(String(std::string("\0", 1))), "\"\\u0000\"");
}

TEST(PayloadJson, TakesTheDeepestNestingAndRefusesOneMore) {
  EXPECT_TRUE(ToJson(Nested(32), 32, kLarge).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ToJson(Nested(33), 32, kLarge).status()));
}

TEST(PayloadJson, TakesTheLargestAndRefusesOneByteMore) {
  EXPECT_TRUE(ToJson(String(std::string(98, 'x')), 32, 100).ok());
  EXPECT_TRUE(absl::IsOutOfRange(ToJson(String(std::string(99, 'x')), 32, 100).status()));
}

TEST(PayloadJson, ReadsBackWhatItWrote) {
  Value value;
  auto& fields = *value.mutable_struct_value()->mutable_fields();
  fields["list"].mutable_list_value()->add_values()->set_bool_value(false);
  fields["text"] = String("\"é\"\n");
  fields["nested"] = Nested(10);
  const auto read = FromJson(Json(value));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(Json(*read), Json(value));
}

TEST(PayloadJson, FailsOnATextThatIsNotJson) {
  EXPECT_TRUE(absl::IsInternal(FromJson("{").status()));
}

}  // namespace
}  // namespace buzzer::frontend

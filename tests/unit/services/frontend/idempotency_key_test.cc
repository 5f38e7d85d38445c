// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/idempotency_key.h"

#include <gtest/gtest.h>

#include <string>

namespace buzzer::frontend {
namespace {

std::string Key(absl::string_view header) {
  return ParseIdempotencyKey(header).value_or("an error");
}

TEST(IdempotencyKey, IsTakenQuotedOrBare) {
  EXPECT_EQ(Key("order-4711"), "order-4711");
  EXPECT_EQ(Key("\"order-4711\""), "order-4711");
  EXPECT_EQ(Key("  \"order 4711\" "), "order 4711");
  EXPECT_EQ(Key("two words"), "two words");
}

TEST(IdempotencyKey, UnescapesOnlyWhatAQuotedStringEscapes) {
  EXPECT_EQ(Key(R"("a\"b\\c")"), "a\"b\\c");
  EXPECT_EQ(Key(R"(a\b)"), "a\\b");
  EXPECT_EQ(Key(R"("a\b")"), "an error");
}

TEST(IdempotencyKey, RefusesQuotesThatDoNotMatch) {
  for (const char* header : {"\"", "\"abc", "\"a\"b\"", "\"abc\\\"", "\"a\" \"b\""}) {
    EXPECT_EQ(Key(header), "an error") << header;
  }
}

TEST(IdempotencyKey, Is1To255PrintableAsciiCharacters) {
  EXPECT_EQ(Key(std::string(255, 'k')), std::string(255, 'k'));
  EXPECT_EQ(Key("\"" + std::string(255, 'k') + "\""), std::string(255, 'k'));
  EXPECT_EQ(Key(std::string(256, 'k')), "an error");
  EXPECT_EQ(Key(std::string(10'000, 'k')), "an error");
  EXPECT_EQ(Key(""), "an error");
  EXPECT_EQ(Key("\"\""), "an error");
  EXPECT_EQ(Key("é"), "an error");
  EXPECT_EQ(Key("a\nb"), "an error");
  EXPECT_EQ(Key("a\x7f"), "an error");
}

}  // namespace
}  // namespace buzzer::frontend

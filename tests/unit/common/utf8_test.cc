// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/utf8/utf8.h"

#include <gtest/gtest.h>

namespace buzzer {
namespace {

TEST(Utf8, LeavesValidTextAsItIs) {
  const std::string text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\x80";  // one to four bytes
  EXPECT_EQ(ToValidUtf8(text), text);
  EXPECT_EQ(ToValidUtf8(absl::string_view("\0x", 2)), std::string("\0x", 2));
}

TEST(Utf8, ReplacesEveryInvalidByte) {
  EXPECT_EQ(ToValidUtf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(ToValidUtf8("\xE2\x82"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // cut short
  EXPECT_EQ(ToValidUtf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // overlong
  EXPECT_EQ(ToValidUtf8("\xED\xA0\x80").size(), 9u);               // surrogate
  EXPECT_EQ(ToValidUtf8("\xF4\x90\x80\x80").size(), 12u);          // above U+10FFFF
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string text = "ab\xE2\x82\xAC";
  EXPECT_EQ(Utf8Prefix(text, 5), text);
  EXPECT_EQ(Utf8Prefix(text, 4), "ab");
  EXPECT_EQ(Utf8Prefix(text, 2), "ab");
  const std::string end =
      "\xE2\x82\xAC"
      "ab";
  EXPECT_EQ(Utf8Suffix(end, 5), end);
  EXPECT_EQ(Utf8Suffix(end, 4), "ab");
}

TEST(Utf8, PutsWhatSomebodyWroteOnOneLine) {
  EXPECT_EQ(OneLine("a \xC3\xA4", 64), "a \xC3\xA4");
  EXPECT_EQ(OneLine("a\nb\r\x1b[31m\x7f", 64), "a?b??[31m?");
  EXPECT_EQ(OneLine("\xC2\x85\xC2\x9B\xC2\xA0", 64), "??\xC2\xA0");  // C1, but no U+00A0
  EXPECT_EQ(OneLine("a\xFF", 64), "a\xEF\xBF\xBD");
}

TEST(Utf8, CutsALineBetweenCharactersAndSaysSo) {
  EXPECT_EQ(OneLine("abcd", 4), "abcd");
  EXPECT_EQ(OneLine("abcde", 4), "abcd...");
  EXPECT_EQ(OneLine("ab\xE2\x82\xAC", 4), "ab...");
  EXPECT_EQ(OneLine("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(OneLine("\xFF\xFF", 4), "\xEF\xBF\xBD...");
}

}  // namespace
}  // namespace buzzer

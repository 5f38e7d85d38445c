// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/terminal_text.h"

#include <gtest/gtest.h>

namespace buzzer::cli {
namespace {

TEST(Printable, KeepsTextOfEveryLanguage) {
  EXPECT_EQ(Printable("step 4 of 9, größer, 写真, 😀"), "step 4 of 9, größer, 写真, 😀");
}

TEST(Printable, LetsNothingSteerTheTerminal) {
  EXPECT_EQ(Printable("a\x1b[2Jb"), "a?[2Jb");
  EXPECT_EQ(Printable("a\nb\tc\rd"), "a b c d");
  EXPECT_EQ(Printable(absl::string_view("a\0b\x7f", 4)), "a?b?");
  EXPECT_EQ(Printable("\xc2\x9b[2J"), "?[2J");              // CSI as one C1 character
  EXPECT_EQ(Printable("\xe2\x80\xaegpj.exe"), "?gpj.exe");  // right-to-left override
}

TEST(Printable, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(Printable("\xff\xfe"), "??");
  EXPECT_EQ(Printable("\xc0\xaf"), "??");            // overlong
  EXPECT_EQ(Printable("\xed\xa0\x80"), "???");       // surrogate
  EXPECT_EQ(Printable("ab\xe2\x82"), "ab??");        // ends too early
  EXPECT_EQ(Printable("\xf4\x90\x80\x80"), "????");  // above U+10FFFF
}

TEST(IsPlainText, TellsWhatMayGoToATerminal) {
  EXPECT_TRUE(IsPlainText(""));
  EXPECT_TRUE(IsPlainText("{\"a\": \"写真 👍\"}\n\ttab\r\n"));
  for (const char* text : {"\x1b[2J", "a\rb", "\xff", "\x89PNG", "\x7f", "\u202e", "\u009b"}) {
    EXPECT_FALSE(IsPlainText(text)) << text;
  }
  EXPECT_FALSE(IsPlainText(absl::string_view("\0", 1)));
}

TEST(Counted, KnowsOne) {
  EXPECT_EQ(Counted(0, "byte"), "0 bytes");
  EXPECT_EQ(Counted(1, "byte"), "1 byte");
  EXPECT_EQ(Counted(2, "slot"), "2 slots");
}

TEST(Columns, CountWideCharactersTwice) {
  EXPECT_EQ(Columns("abc"), 3);
  EXPECT_EQ(Columns("größer"), 6);
  EXPECT_EQ(Columns("写真"), 4);
  EXPECT_EQ(Columns("😀"), 2);
  EXPECT_EQ(Columns("e\xcc\x81"), 1);
}

TEST(CutToColumns, MarksWhatItCut) {
  EXPECT_EQ(CutToColumns("abcdef", 6), "abcdef");
  EXPECT_EQ(CutToColumns("abcdef", 5), "abcd…");
  EXPECT_EQ(CutToColumns("写真写真", 5), "写真…");
  EXPECT_EQ(CutToColumns("写真写真", 4), "写…");
  EXPECT_EQ(CutToColumns("abc", 1), "…");
  EXPECT_EQ(CutToColumns("abc", 0), "");
  EXPECT_EQ(CutToColumns("abc", -3), "");
}

TEST(Table, AlignsItsColumns) {
  EXPECT_EQ(Table({{"ID", "NAME", "X"}, {"1", "写真", "y"}, {"22", "abcdef", ""}}),
            "ID  NAME    X\n"
            "1   写真    y\n"
            "22  abcdef  \n");
}

}  // namespace
}  // namespace buzzer::cli

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/names/names.h"

#include <gtest/gtest.h>

#include <string>

namespace buzzer {
namespace {

TEST(Names, AreLowerCaseAndBeginWithALetter) {
  for (const char* good : {"a", "demo.echo", "images.thumbnails-2", "x_1"}) {
    EXPECT_TRUE(IsName(good)) << good;
  }
  EXPECT_TRUE(IsName(std::string(63, 'a')));
  for (const char* bad : {"", "A", "1a", ".a", "-a", "_a", "a b", "a/b", "a\n", "ä", "a:b"}) {
    EXPECT_FALSE(IsName(bad)) << bad;
  }
  EXPECT_FALSE(IsName(std::string(64, 'a')));
  EXPECT_FALSE(IsName(absl::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace buzzer

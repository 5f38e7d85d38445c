// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/response_metadata.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace buzzer::frontend {
namespace {

TEST(ResponseMetadata, TakesUsualKeysAndRefusesThoseThatEndAServer) {
  for (const char* key : {"etag", "x-http-code", "retry-after", "a_b.c-1"}) {
    EXPECT_TRUE(IsResponseMetadataKey(key)) << key;
  }
  for (const char* key : {"", ":status", "Location", "a b", "a\r\n", "é", "grpc-status", "data-bin",
                          "a:b", "a\x7f"}) {
    EXPECT_FALSE(IsResponseMetadataKey(key)) << key;
  }
  EXPECT_FALSE(IsResponseMetadataKey(std::string(64, 'a')));
}

TEST(ResponseMetadata, EncodesWhatAHeaderCannotHold) {
  EXPECT_EQ(EncodeMetadataValue("/v1/jobs/0190"), "/v1/jobs/0190");
  EXPECT_EQ(EncodeMetadataValue("a b"), "a b");
  EXPECT_EQ(EncodeMetadataValue(" a "), "%20a%20");
  EXPECT_EQ(EncodeMetadataValue("a\r\nset-cookie: b"), "a%0D%0Aset-cookie: b");
  EXPECT_EQ(EncodeMetadataValue("é"), "%C3%A9");
  EXPECT_EQ(EncodeMetadataValue(absl::string_view("\0\x7f", 2)), "%00%7F");
}

TEST(ResponseMetadata, IsBounded) {
  EXPECT_EQ(EncodeMetadataValue(std::string(100'000, 'a')).size(), 1024u);
  EXPECT_LE(EncodeMetadataValue(std::string(100'000, '\n')).size(), 1024u);
}

TEST(ResponseMetadata, MakesAnyBytesPrintable) {
  std::mt19937 random(4711);
  for (int i = 0; i < 10'000; ++i) {
    std::string bytes(random() % 50, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (const char c : EncodeMetadataValue(bytes)) {
      ASSERT_GE(c, 0x20);
      ASSERT_LE(c, 0x7e);
    }
  }
}

}  // namespace
}  // namespace buzzer::frontend

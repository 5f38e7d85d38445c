// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/result_headers.h"

#include <gtest/gtest.h>

#include <string>

#include "common/limits/limits.h"

namespace buzzer::frontend {
namespace {

TEST(ResultHeaders, ShowJsonPlainTextAndImagesInline) {
  for (const char* type : {"application/json", "Application/JSON; charset=utf-8", "text/plain",
                           "text/plain;charset=utf-8", "image/png", "IMAGE/JPEG"}) {
    EXPECT_TRUE(IsShownInline(type)) << type;
  }
}

TEST(ResultHeaders, OfferTheRestForDownload) {
  for (const char* type : {"", "text/html", "image/svg+xml", "image/SVG+xml; x=y", "image/svg",
                           "application/pdf", "application/jsonp", "text/plainx", "json"}) {
    EXPECT_FALSE(IsShownInline(type)) << type;
  }
}

TEST(ResultHeaders, NeverPassOnAContentTypeThatBreaksAHeader) {
  EXPECT_EQ(SafeContentType("text/plain; charset=utf-8"), "text/plain; charset=utf-8");
  for (const char* type : {"", "text/plain\r\nset-cookie: a=b", "text/é", "text/\x7f"}) {
    EXPECT_EQ(SafeContentType(type), "application/octet-stream") << type;
  }
}

TEST(ResultHeaders, PassOnNoContentTypeThatAJobCouldNotHaveToday) {
  const std::string longest = "text/" + std::string(kMaxContentTypeBytes - 5, 'x');
  EXPECT_EQ(SafeContentType(longest), longest);
  for (const std::string& type : {longest + "x", std::string("json"), std::string("text/")}) {
    EXPECT_EQ(SafeContentType(type), "application/octet-stream") << type;
  }
}

}  // namespace
}  // namespace buzzer::frontend

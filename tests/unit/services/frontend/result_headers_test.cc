// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/result_headers.h"

#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(SafeContentType(std::string(256, 'x')), "application/octet-stream");
}

}  // namespace
}  // namespace buzzer::frontend

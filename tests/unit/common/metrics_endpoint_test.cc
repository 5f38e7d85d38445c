// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/metrics/metrics_endpoint.h"

#include <civetweb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/counter.h>

#include <array>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

namespace buzzer {
namespace {

std::shared_ptr<prometheus::Registry> RegistryWithACounter() {
  auto registry = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter().Name("bells_total").Register(*registry).Add({}).Increment(3);
  return registry;
}

std::string Scrape(int port) {
  std::array<char, 128> error{};
  mg_connection* connection =
      mg_download("127.0.0.1", port, /*use_ssl=*/0, error.data(), error.size(),
                  "GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
  if (connection == nullptr) return absl::StrCat("no answer: ", error.data());
  std::string body;
  std::array<char, 4096> part;
  for (int size; (size = mg_read(connection, part.data(), part.size())) > 0;) {
    body.append(part.data(), size);
  }
  mg_close_connection(connection);
  return body;
}

TEST(MetricsEndpoint, ServesTheRegistrysMetrics) {
  auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", RegistryWithACounter());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_THAT(Scrape((*endpoint)->port()), testing::HasSubstr("\nbells_total 3\n"));
}

TEST(MetricsEndpoint, NamesTheFlagWhenItsPortIsTaken) {
  auto first = MetricsEndpoint::Start("127.0.0.1:0", RegistryWithACounter());
  ASSERT_TRUE(first.ok()) << first.status();
  auto second =
      MetricsEndpoint::Start(absl::StrCat("127.0.0.1:", (*first)->port()), RegistryWithACounter());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), testing::HasSubstr("--metrics_address"));
}

TEST(MetricsEndpoint, LetsItsPortGoWhenItEnds) {
  for (const char* address : {"127.0.0.1:0", "0.0.0.0:0"}) {
    auto endpoint = MetricsEndpoint::Start(address, RegistryWithACounter());
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    const int port = (*endpoint)->port();
    endpoint->reset();
    EXPECT_THAT(Scrape(port), testing::StartsWith("no answer"));
  }
}

}  // namespace
}  // namespace buzzer

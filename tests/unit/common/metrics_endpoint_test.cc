// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/metrics/metrics_endpoint.h"

#include <civetweb.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <prometheus/counter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

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

TEST(MetricsEndpoint, TellsWhatWasBuilt) {
  auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", RegistryWithACounter());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_THAT(
      Scrape((*endpoint)->port()),
      testing::ContainsRegex("buzzer_build_info.build_type=\"[A-Za-z]+\",commit=\"[-0-9a-z]+"
                             "\",version=\"[0-9.]+\". 1"));
}

// Connections that send nothing, or a byte now and then, and stay.
class SilentCrowd {
 public:
  SilentCrowd(int port, int size, absl::string_view first_bytes) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < size; ++i) {
      const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
      (void)send(fd, first_bytes.data(), first_bytes.size(), MSG_NOSIGNAL);
      connections_.push_back(fd);
    }
  }
  ~SilentCrowd() {
    for (const int fd : connections_) close(fd);
  }

 private:
  std::vector<int> connections_;
};

TEST(MetricsEndpoint, AnswersBesideConnectionsThatSayNothing) {
  auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", RegistryWithACounter());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  for (const int size : {1, 50}) {
    const SilentCrowd crowd((*endpoint)->port(), size, "");
    EXPECT_THAT(Scrape((*endpoint)->port()), testing::HasSubstr("\nbells_total 3\n")) << size;
  }
}

TEST(MetricsEndpoint, AnswersBesideConnectionsThatSendSlowly) {
  auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", RegistryWithACounter());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const SilentCrowd crowd((*endpoint)->port(), 50, "GET /metrics HTTP/1.1\r\nHost: l");
  EXPECT_THAT(Scrape((*endpoint)->port()), testing::HasSubstr("\nbells_total 3\n"));
}

TEST(MetricsEndpoint, EndsBesideConnectionsThatSayNothing) {
  auto endpoint = MetricsEndpoint::Start("127.0.0.1:0", RegistryWithACounter());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const SilentCrowd crowd((*endpoint)->port(), 50, "");
  endpoint->reset();
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

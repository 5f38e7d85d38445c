// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/metrics/metrics_endpoint.h"

#include <civetweb.h>
#include <prometheus/exposer.h>
#include <prometheus/gauge.h>

#include <array>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "common/version/version.h"

namespace buzzer {
namespace {

// Each connection holds a thread, so there are more than scrapers, and none may hold its
// thread for long: a second to send its request in, nothing after the answer.
constexpr char kThreads[] = "16";
constexpr char kRequestTimeoutMs[] = "1000";
// Accepted and waiting for a thread; further ones wait in the kernel, up to its backlog.
constexpr char kWaitingConnections[] = "32";
constexpr char kBacklog[] = "64";
constexpr char kMaxRequestBytes[] = "4096";

std::vector<std::string> Options(const std::string& address) {
  return {"listening_ports",    address,
          "num_threads",        kThreads,
          "request_timeout_ms", kRequestTimeoutMs,
          "enable_keep_alive",  "no",
          "connection_queue",   kWaitingConnections,
          "listen_backlog",     kBacklog,
          "max_request_size",   kMaxRequestBytes};
}

std::shared_ptr<prometheus::Registry> BuildInfo() {
  auto registry = std::make_shared<prometheus::Registry>();
  prometheus::BuildGauge()
      .Name("buzzer_build_info")
      .Help("1; its labels tell what was built")
      .Register(*registry)
      .Add({{"version", kVersion}, {"commit", kCommit}, {"build_type", kBuildType}})
      .Set(1);
  return registry;
}

// Connects once and hangs up.
void Knock(const std::string& host, int port) {
  std::array<char, 128> error;
  if (mg_connection* connection =
          mg_connect_client(host.c_str(), port, /*use_ssl=*/0, error.data(), error.size())) {
    mg_close_connection(connection);
  }
}

// The host of host:port, without an IPv6 address's brackets.
std::string HostOf(absl::string_view address) {
  absl::string_view host = address.substr(0, address.rfind(':'));
  absl::ConsumePrefix(&host, "[");
  absl::ConsumeSuffix(&host, "]");
  return std::string(host);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address, std::shared_ptr<prometheus::Registry> registry,
    std::shared_ptr<prometheus::Collectable> collector) {
  // prometheus-cpp reports a failed bind by throwing; it stops here.
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(Options(address));
    std::vector<std::shared_ptr<prometheus::Collectable>> collectables = {BuildInfo(),
                                                                          std::move(registry)};
    if (collector != nullptr) collectables.push_back(std::move(collector));
    for (const auto& collectable : collectables) exposer->RegisterCollectable(collectable);
    return std::unique_ptr<MetricsEndpoint>(
        new MetricsEndpoint(HostOf(address), std::move(exposer), std::move(collectables)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("cannot serve metrics on ", address, ": ", error.what(),
                     "; is the port taken? Choose another with --metrics_address"));
  }
}

MetricsEndpoint::MetricsEndpoint(std::string host, std::unique_ptr<prometheus::Exposer> exposer,
                                 std::vector<std::shared_ptr<prometheus::Collectable>> collectables)
    : host_(std::move(host)),
      collectables_(std::move(collectables)),
      exposer_(std::move(exposer)) {}

// civetweb, asked to stop, may take 2 s to look: it waits for connections that long. A
// service must not be down that long for its metrics, so connections wake it.
MetricsEndpoint::~MetricsEndpoint() {
  const int port = this->port();
  absl::Notification stopped;
  std::thread stopper([this, &stopped] {
    exposer_.reset();
    stopped.Notify();
  });
  while (!stopped.WaitForNotificationWithTimeout(absl::Milliseconds(10))) Knock(host_, port);
  stopper.join();
}

int MetricsEndpoint::port() const { return exposer_->GetListeningPorts().front(); }

}  // namespace buzzer

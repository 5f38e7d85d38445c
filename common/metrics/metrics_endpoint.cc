// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/metrics/metrics_endpoint.h"

#include <civetweb.h>
#include <prometheus/exposer.h>

#include <array>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace buzzer {
namespace {

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
    auto exposer = std::make_unique<prometheus::Exposer>(address, /*num_threads=*/1);
    exposer->RegisterCollectable(registry);
    if (collector != nullptr) exposer->RegisterCollectable(collector);
    return std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint(
        HostOf(address), std::move(exposer), std::move(registry), std::move(collector)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(
        absl::StrCat("cannot serve metrics on ", address, ": ", error.what(),
                     "; is the port taken? Choose another with --metrics_address"));
  }
}

MetricsEndpoint::MetricsEndpoint(std::string host, std::unique_ptr<prometheus::Exposer> exposer,
                                 std::shared_ptr<prometheus::Registry> registry,
                                 std::shared_ptr<prometheus::Collectable> collector)
    : host_(std::move(host)),
      registry_(std::move(registry)),
      collector_(std::move(collector)),
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

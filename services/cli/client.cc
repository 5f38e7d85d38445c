// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/client.h"

#include "common/grpc/channel.h"
#include "common/grpc/credentials.h"

namespace buzzer::cli {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(30);

}  // namespace

absl::StatusOr<Client> Client::Make(const Settings& settings) {
  const auto credentials =
      MakeChannelCredentials({settings.tls_certificate, settings.tls_key, settings.tls_ca});
  if (!credentials.ok()) return credentials.status();
  return Client(MakeChannel(settings.address, *credentials),
                settings.timeout.value_or(kCallTimeout));
}

}  // namespace buzzer::cli

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_CREDENTIALS_H_
#define COMMON_GRPC_CREDENTIALS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace buzzer {

// Files in PEM. All three set: mutual TLS (each side shows its certificate and
// checks the other's against `ca`). All empty: plaintext. Anything between is an
// error.
struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string ca;
};

// INVALID_ARGUMENT if only some files are named, or one cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsFiles& files);
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsFiles& files);

}  // namespace buzzer

#endif  // COMMON_GRPC_CREDENTIALS_H_

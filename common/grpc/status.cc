// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/status.h"

#include <string>

#include "common/errors/errors.h"

namespace buzzer {
namespace {

// gRPC's metadata limit is 8 KiB for all trailers together; binary ones grow by a
// third in base64.
constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxDetailBytes = 3072;

// Cuts at a character boundary.
std::string Cut(absl::string_view text, size_t limit) {
  if (text.size() <= limit) return std::string(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80) --limit;
  return std::string(text.substr(0, limit));
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rpc = ToRpcStatus(status);
  rpc.set_message(Cut(status.message(), kMaxMessageBytes));
  while (rpc.ByteSizeLong() > kMaxMessageBytes + kMaxDetailBytes && rpc.details_size() > 1) {
    rpc.mutable_details()->RemoveLast();
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), rpc.message(),
                      rpc.SerializeAsString());
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rpc;
  if (!status.error_details().empty() && rpc.ParseFromString(status.error_details()) &&
      rpc.code() == static_cast<int>(status.error_code())) {
    return FromRpcStatus(rpc);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace buzzer

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/status.h"

#include <algorithm>
#include <string>

#include "common/errors/errors.h"
#include "common/utf8/utf8.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/error_info.pb.h"

namespace buzzer {
namespace {

// gRPC's metadata limit is 8 KiB for all trailers together, and a call that is above it
// fails without a word. The message is among them as it is (but three bytes for each that
// is not printable ASCII) and once more in the details, which grow by a third in base64.
constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxEncodedMessageBytes = 3072;
constexpr size_t kMaxDetailBytes = 2048;

// Cuts at a character boundary.
std::string CutMessage(absl::string_view text) {
  size_t encoded = 0;
  size_t length = 0;
  while (length < std::min(text.size(), kMaxMessageBytes)) {
    const char c = text[length];
    encoded += c >= 0x20 && c <= 0x7e && c != '%' ? 1 : 3;
    if (encoded > kMaxEncodedMessageBytes) break;
    ++length;
  }
  return std::string(Utf8Prefix(text, length));
}

// What callers act on goes first, where there is not room for all.
int Importance(const google::protobuf::Any& detail) {
  if (detail.Is<google::rpc::ErrorInfo>()) return 0;
  if (detail.Is<google::rpc::RetryInfo>()) return 1;
  return 2;
}

void KeepWhatFits(google::protobuf::RepeatedPtrField<google::protobuf::Any>* details) {
  std::stable_sort(details->begin(), details->end(),
                   [](const auto& a, const auto& b) { return Importance(a) < Importance(b); });
  size_t bytes = 0;
  const auto fits = [&](const google::protobuf::Any& detail) {
    if (bytes + detail.ByteSizeLong() > kMaxDetailBytes) return false;
    bytes += detail.ByteSizeLong();
    return true;
  };
  details->erase(std::stable_partition(details->begin(), details->end(), fits), details->end());
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rpc = ToRpcStatus(status);
  rpc.set_message(CutMessage(status.message()));
  KeepWhatFits(rpc.mutable_details());
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

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/response_metadata.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "common/log/log.h"

namespace buzzer::frontend {
namespace {

// gRPC's peers take 8 KiB of metadata in all.
constexpr size_t kMaxValueBytes = 1024;
constexpr size_t kMaxKeyBytes = 63;

}  // namespace

bool SetResponseMetadata(grpc::CallbackServerContext* context, absl::string_view key,
                         absl::string_view value) {
  if (!IsResponseMetadataKey(key)) {
    log::Error("metadata_key_refused", {{"key", key}});
    return false;
  }
  context->AddInitialMetadata(std::string(key), EncodeMetadataValue(value));
  return true;
}

bool IsResponseMetadataKey(absl::string_view key) {
  const auto fits = [](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  };
  return !key.empty() && key.size() <= kMaxKeyBytes && std::all_of(key.begin(), key.end(), fits) &&
         !absl::StartsWith(key, "grpc-") && !absl::EndsWith(key, "-bin");
}

std::string EncodeMetadataValue(absl::string_view value) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (size_t i = 0; i < value.size(); ++i) {
    const auto c = static_cast<unsigned char>(value[i]);
    const bool at_end = i == 0 || i + 1 == value.size();
    const bool stays = c >= 0x20 && c <= 0x7e && !(c == ' ' && at_end);
    if (encoded.size() + (stays ? 1 : 3) > kMaxValueBytes) break;
    if (stays) {
      encoded += static_cast<char>(c);
    } else {
      encoded += '%';
      encoded += kHex[c >> 4];
      encoded += kHex[c & 0x0f];
    }
  }
  return encoded;
}

}  // namespace buzzer::frontend

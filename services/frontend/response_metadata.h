// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RESPONSE_METADATA_H_
#define SERVICES_FRONTEND_RESPONSE_METADATA_H_

#include <grpcpp/grpcpp.h>

#include <string>

#include "absl/strings/string_view.h"

namespace buzzer::frontend {

// Adds a pair to the call's initial metadata: the only place that does. gRPC 1.51 ends
// the whole process over a key or value that HTTP/2 does not take, so a key that would is
// refused (false, and a line in the log), and a value is encoded. Call before anything of
// the answer is sent.
bool SetResponseMetadata(grpc::CallbackServerContext* context, absl::string_view key,
                         absl::string_view value);

// Whether gRPC takes it as a key of text: 1 to 63 lower-case letters, digits, '_', '-'
// or '.'; not one that gRPC keeps for itself (`grpc-`) or takes as binary (`-bin`).
bool IsResponseMetadataKey(absl::string_view key);

// The value with everything but printable ASCII percent-encoded, as are spaces at the
// ends, which HTTP would drop; cut at 1024 bytes.
std::string EncodeMetadataValue(absl::string_view value);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RESPONSE_METADATA_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/grpc/raw_messages.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "common/wire/wire_parts.h"

namespace buzzer {

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, int64_t max_parts,
                          google::protobuf::Message* message) {
  RawReader counted(bytes);
  const auto parts = CountWireParts(&counted, *message->GetDescriptor(), max_parts);
  if (!parts.ok()) return parts.status();
  RawReader parsed(bytes);
  if (!message->ParseFromZeroCopyStream(&parsed)) {
    return NotAMessage(message->GetDescriptor()->name());
  }
  // Kept, they would be stored and sent on unseen.
  if (parts->has_unknown) message->DiscardUnknownFields();
  return absl::OkStatus();
}

grpc::Status WriteMessage(const google::protobuf::Message& message, grpc::ByteBuffer* bytes) {
  bytes->Clear();  // gRPC fills only a new one.
  bool own_buffer = false;
  return grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(message, bytes,
                                                                                    &own_buffer);
}

}  // namespace buzzer

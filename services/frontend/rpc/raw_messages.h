// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_RPC_RAW_MESSAGES_H_
#define SERVICES_FRONTEND_RPC_RAW_MESSAGES_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

namespace buzzer::frontend {

// Bytes of a call that gRPC did not make a message of, as the stream that Protobuf reads. Each
// reads from the beginning; the buffer stays as it is, and must outlive it.
class RawReader final : public grpc::ProtoBufferReader {
 public:
  explicit RawReader(const grpc::ByteBuffer& bytes)
      : ProtoBufferReader(const_cast<grpc::ByteBuffer*>(&bytes)) {}
};

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_RPC_RAW_MESSAGES_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_GRPC_RAW_MESSAGES_H_
#define COMMON_GRPC_RAW_MESSAGES_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

// Our services get their requests as bytes and look at them before they make messages of them,
// since a message may take fifty times the memory of its bytes.

namespace buzzer {

// A generated service whose named methods get and give bytes, for its implementation to inherit.
template <typename Service, template <typename> typename... Methods>
struct WithRawMethods {
  using Type = Service;
};
template <typename Service, template <typename> typename Method,
          template <typename> typename... Others>
struct WithRawMethods<Service, Method, Others...> {
  using Type = Method<typename WithRawMethods<Service, Others...>::Type>;
};

// The bytes of a call as the stream that Protobuf reads. Each reads from the beginning; the buffer
// stays as it is, and must outlive it.
class RawReader final : public grpc::ProtoBufferReader {
 public:
  explicit RawReader(const grpc::ByteBuffer& bytes)
      : ProtoBufferReader(const_cast<grpc::ByteBuffer*>(&bytes)) {}
};

// Fills a message, and leaves out fields that its type does not have. INVALID_ARGUMENT
// (INVALID_REQUEST): it would have more than `max_parts` (see WireParts), or the bytes are no such
// message.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, int64_t max_parts,
                          google::protobuf::Message* message);

// Replaces `bytes` by those of the message. INTERNAL: they cannot be made.
grpc::Status WriteMessage(const google::protobuf::Message& message, grpc::ByteBuffer* bytes);

}  // namespace buzzer

#endif  // COMMON_GRPC_RAW_MESSAGES_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_WIRE_WIRE_PARTS_H_
#define COMMON_WIRE_WIRE_PARTS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/zero_copy_stream.h"

namespace buzzer {

// What the bytes of a message become once they are parsed, found without building anything: an
// empty message of two bytes takes a hundred and more then, an unknown field sixteen.
struct WireParts {
  // How many messages are inside it, at any depth, how many texts are in its lists, and how many
  // fields have a number that the type of their message does not know.
  int64_t count = 0;
  bool has_unknown = false;
};

// Walks over the bytes of one message of `type`. INVALID_ARGUMENT (INVALID_REQUEST): there are
// more than `max_parts`; or the bytes are no such message, as far as that is seen without
// parsing them. Thread-safe.
absl::StatusOr<WireParts> CountWireParts(google::protobuf::io::ZeroCopyInputStream* bytes,
                                         const google::protobuf::Descriptor& type,
                                         int64_t max_parts);

// INVALID_ARGUMENT (INVALID_REQUEST): the bytes are no message of this name.
absl::Status NotAMessage(absl::string_view name);

}  // namespace buzzer

#endif  // COMMON_WIRE_WIRE_PARTS_H_

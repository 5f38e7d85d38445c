// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Bytes of the messages that peers send to state, counted before they are parsed.

#include "common/wire/wire_parts.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "buzzer/internal/v1/state_service.pb.h"
#include "buzzer/internal/v1/work_service.pb.h"
#include "common/errors/errors.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/message.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

absl::StatusOr<WireParts> Count(absl::string_view bytes, const Message& message,
                                int64_t max_parts = std::numeric_limits<int64_t>::max()) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return CountWireParts(&stream, *message.GetDescriptor(), max_parts);
}

// The same of a message that was parsed.
WireParts CountIn(const Message& message) {
  WireParts parts;
  const auto* reflection = message.GetReflection();
  parts.count = reflection->GetUnknownFields(message).field_count();
  parts.has_unknown = parts.count > 0;
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && field->is_repeated()) {
      parts.count += size;
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    for (int i = 0; i < size; ++i) {
      const WireParts inside =
          CountIn(field->is_repeated() ? reflection->GetRepeatedMessage(message, field, i)
                                       : reflection->GetMessage(message, field));
      parts.count += 1 + inside.count;
      parts.has_unknown = parts.has_unknown || inside.has_unknown;
    }
  }
  return parts;
}

void Run(absl::string_view bytes, Message* message) {
  const auto counted = Count(bytes, *message);
  if (!counted.ok()) {
    fuzz::CheckError(counted.status(), absl::StatusCode::kInvalidArgument, "");
    FUZZ_CHECK(ErrorReason(counted.status()) == "INVALID_REQUEST");
  }
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const WireParts parsed = CountIn(*message);
  if (counted.ok()) {
    // Parts that a later one replaces were counted too.
    FUZZ_CHECK(counted->count >= parsed.count);
    FUZZ_CHECK(counted->has_unknown || !parsed.has_unknown);
    FUZZ_CHECK(counted->count == 0 || !Count(bytes, *message, counted->count - 1).ok());
  }
  // Of what a client of ours makes nothing is refused, and the count is right.
  message->DiscardUnknownFields();
  const auto canonical = Count(message->SerializeAsString(), *message);
  FUZZ_CHECK_SEEN(canonical.ok(), canonical.status().message());
  FUZZ_CHECK(canonical->count == CountIn(*message).count && !canonical->has_unknown);
}

}  // namespace
}  // namespace buzzer

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = buzzer::fuzz::ToView(data, size);
  buzzer::internal::v1::WorkRequest work;
  buzzer::Run(bytes, &work);
  buzzer::internal::v1::SubmitRequest submit;
  buzzer::Run(bytes, &submit);
  buzzer::internal::v1::WatchRequest watch;
  buzzer::Run(bytes, &watch);
  return 0;
}

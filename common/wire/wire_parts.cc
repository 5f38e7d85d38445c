// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/wire/wire_parts.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format.h"

namespace buzzer {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormat;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// As deep as the parser goes.
constexpr int kMaxDepth = 100;

absl::Status InvalidRequest(absl::string_view message) {
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, "INVALID_REQUEST", message).Build();
}

// Whether the parser takes a value that is written like this for the field.
bool Fits(const FieldDescriptor& field, int wire) {
  if (wire == WireFormat::WireTypeForFieldType(field.type())) return true;
  return field.is_packable() && wire == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
}

class Walk {
 public:
  Walk(CodedInputStream* in, int64_t max_parts) : in_(in), max_parts_(max_parts) {}

  // False: there are too many parts, or the bytes are no message.
  bool Message(const Descriptor& type, int depth) {
    while (const uint32_t tag = in_->ReadTag()) {
      const FieldDescriptor* field = type.FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag));
      if (field == nullptr || !Fits(*field, WireFormatLite::GetTagWireType(tag))) {
        if (!Unknown(tag)) return false;
      } else if (field->message_type() != nullptr) {
        if (!Count() || !Inside(*field->message_type(), depth + 1)) return false;
      } else {
        const bool is_element =
            field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_STRING;
        if ((is_element && !Count()) || !WireFormatLite::SkipField(in_, tag)) return false;
      }
    }
    return in_->ConsumedEntireMessage();
  }

  const WireParts& parts() const { return parts_; }
  bool has_too_many() const { return parts_.count > max_parts_; }

 private:
  bool Count() {
    ++parts_.count;
    return !has_too_many();
  }

  bool Unknown(uint32_t tag) {
    parts_.has_unknown = true;
    // Nothing of ours is a group, and one may hold any number of fields.
    return Count() && WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_START_GROUP &&
           WireFormatLite::SkipField(in_, tag);
  }

  bool Inside(const Descriptor& type, int depth) {
    uint32_t size = 0;
    if (depth > kMaxDepth || !in_->ReadVarint32(&size) || size > INT32_MAX) return false;
    const auto limit = in_->PushLimit(static_cast<int>(size));
    // Less is left where the message is longer than what holds it.
    if (in_->BytesUntilLimit() != static_cast<int>(size) || !Message(type, depth)) return false;
    in_->PopLimit(limit);
    return true;
  }

  CodedInputStream* const in_;
  const int64_t max_parts_;
  WireParts parts_;
};

}  // namespace

absl::StatusOr<WireParts> CountWireParts(google::protobuf::io::ZeroCopyInputStream* bytes,
                                         const Descriptor& type, int64_t max_parts) {
  CodedInputStream in(bytes);
  Walk walk(&in, max_parts);
  if (walk.Message(type, 0)) return walk.parts();
  if (!walk.has_too_many()) return NotAMessage(type.name());
  return InvalidRequest(absl::StrCat("a ", type.name(), " has at most ", max_parts,
                                     " messages and texts in it, unknown fields included"));
}

absl::Status NotAMessage(absl::string_view name) {
  return InvalidRequest(
      absl::StrCat("the bytes are no ", name,
                   ": a text in it is not UTF-8, a length or a type of a field is "
                   "wrong, or it is nested too deep"));
}

}  // namespace buzzer

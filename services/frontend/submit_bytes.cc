// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/submit_bytes.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "buzzer/v1/job_service.pb.h"
#include "common/errors/errors.h"
#include "common/limits/limits.h"
#include "common/wire/wire_parts.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/wire_format_lite.h"
#include "services/frontend/field_errors.h"
#include "services/frontend/limits.h"

namespace buzzer::frontend {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Of a Timestamp or Duration: two numbers take 17.
constexpr uint32_t kMaxTimeBytes = 64;
// The shortest texts of JSON.
constexpr size_t kNullBytes = 4;
constexpr size_t kNumberBytes = 1;
constexpr size_t kBracketBytes = 2;
// Of an entry of Struct.fields.
constexpr int kKeyField = 1;
constexpr int kValueField = 2;

absl::Status InvalidRequest(absl::string_view message) {
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, "INVALID_REQUEST", message).Build();
}

// Walks over the bytes of one SubmitJobRequest.
class SubmitScan {
 public:
  explicit SubmitScan(CodedInputStream* in) : in_(in) {}

  absl::Status Run() {
    const bool whole = Fields([this](int field, int wire) {
      if (!Count()) return false;
      if (field == Request::kPayloadFieldNumber && wire == kLengthDelimited) {
        return Message([this] { return ScanValue(0); });
      }
      if (field == Request::kLabelsFieldNumber) ++labels_;
      const bool is_time =
          (field >= Request::kRunAtFieldNumber && field <= Request::kAttemptTimeoutFieldNumber) ||
          field == Request::kLeaseFieldNumber || field == Request::kRetentionFieldNumber;
      return is_time && wire == kLengthDelimited ? SkipTime() : Skip();
    });
    if (!error_.ok()) return error_;
    if (!whole) return NotAMessage(kName);
    if (labels_ > kMaxLabels) {
      return InvalidField("labels",
                          absl::StrCat("must be at most ", kMaxLabels, ", not ", labels_));
    }
    return absl::OkStatus();
  }

 private:
  using Request = v1::SubmitJobRequest;

  static constexpr char kName[] = "SubmitJobRequest";
  static constexpr int kLengthDelimited = WireFormatLite::WIRETYPE_LENGTH_DELIMITED;

  // Each field of the message that ends at the stream's limit. `on_field` consumes it, and false
  // from it ends the walk. False if it did, or if the bytes are no fields.
  template <typename OnField>
  bool Fields(OnField on_field) {
    while (true) {
      tag_ = in_->ReadTag();
      if (tag_ == 0) return in_->ConsumedEntireMessage();
      if (!on_field(WireFormatLite::GetTagFieldNumber(tag_),
                    WireFormatLite::GetTagWireType(tag_))) {
        return false;
      }
    }
  }

  // A field that is a message: `inside` reads it, up to its end.
  template <typename Inside>
  bool Message(Inside inside) {
    uint32_t size = 0;
    if (!in_->ReadVarint32(&size) || size > INT32_MAX) return false;
    // Of a message that is longer than what holds it, the parser may complain.
    const auto limit = in_->PushLimit(static_cast<int>(size));
    if (in_->BytesUntilLimit() != static_cast<int>(size)) return false;
    if (!inside()) return false;
    in_->PopLimit(limit);
    return true;
  }

  // A field that costs memory of its own, however short it is.
  bool Count() {
    if (++fields_ <= kMaxRequestFields) return true;
    return Refuse(InvalidRequest(absl::StrCat("a ", kName, " has at most ", kMaxRequestFields,
                                              " fields, those that are unknown included")));
  }

  bool Skip() {
    // Nothing of ours is a group, and one may hold any number of fields.
    return WireFormatLite::GetTagWireType(tag_) != WireFormatLite::WIRETYPE_START_GROUP &&
           WireFormatLite::SkipField(in_, tag_);
  }

  bool SkipUnknown() { return Count() && Skip(); }

  // A Timestamp or a Duration.
  bool SkipTime() {
    uint32_t size = 0;
    return in_->ReadVarint32(&size) && size <= kMaxTimeBytes && in_->Skip(static_cast<int>(size));
  }

  // `depth` objects and arrays are around it.
  bool ScanValue(int depth) {
    bool is_set = false;
    const bool whole = Fields([&](int field, int wire) {
      is_set = true;
      switch (field) {
        case Value::kStringValueFieldNumber:
          return wire == kLengthDelimited ? Text() : SkipUnknown();
        case Value::kStructValueFieldNumber:
          return wire == kLengthDelimited ? Nested(depth, [&] { return ScanStruct(depth + 1); })
                                          : SkipUnknown();
        case Value::kListValueFieldNumber:
          return wire == kLengthDelimited ? Nested(depth, [&] { return ScanList(depth + 1); })
                                          : SkipUnknown();
        case Value::kNullValueFieldNumber:
        case Value::kBoolValueFieldNumber:
          return Add(kNullBytes) && Skip();
        case Value::kNumberValueFieldNumber:
          return Add(kNumberBytes) && Skip();
        default:
          return SkipUnknown();
      }
    });
    return whole && (is_set || Add(kNullBytes));
  }

  template <typename Inside>
  bool Nested(int depth, Inside inside) {
    if (depth >= kMaxJsonDepth) {
      return Refuse(
          InvalidField("payload", absl::StrCat("must be nested at most ", kMaxJsonDepth, " deep")));
    }
    return Add(kBracketBytes) && Message(inside);
  }

  bool ScanStruct(int depth) {
    bool first = true;
    return Fields([&](int field, int wire) {
      if (field != Struct::kFieldsFieldNumber || wire != kLengthDelimited) return SkipUnknown();
      // The colon, and the comma before all but the first.
      return Add(std::exchange(first, false) ? 1 : 2) && Message([&] { return ScanEntry(depth); });
    });
  }

  bool ScanEntry(int depth) {
    return Fields([&](int field, int wire) {
      if (field == kKeyField && wire == kLengthDelimited) return Text();
      if (field == kValueField && wire == kLengthDelimited) {
        return Message([&] { return ScanValue(depth); });
      }
      return SkipUnknown();
    });
  }

  bool ScanList(int depth) {
    bool first = true;
    return Fields([&](int field, int wire) {
      if (field != ListValue::kValuesFieldNumber || wire != kLengthDelimited) return SkipUnknown();
      return Add(std::exchange(first, false) ? 0 : 1) && Message([&] { return ScanValue(depth); });
    });
  }

  bool Text() {
    uint32_t size = 0;
    if (!in_->ReadVarint32(&size) || size > static_cast<uint32_t>(INT32_MAX)) return false;
    return Add(kBracketBytes + size) && in_->Skip(static_cast<int>(size));
  }

  bool Add(size_t json_bytes) {
    json_bytes_ += json_bytes;
    if (json_bytes_ <= kMaxPayloadBytes) return true;
    const std::string why = absl::StrCat("must be at most ", kMaxPayloadBytes, " bytes as JSON");
    return Refuse(ErrorBuilder(absl::StatusCode::kInvalidArgument, "TOO_LARGE",
                               absl::StrCat("`payload`: ", why))
                      .Field("payload", why)
                      .Build());
  }

  bool Refuse(absl::Status error) {
    error_ = std::move(error);
    return false;
  }

  CodedInputStream* const in_;
  uint32_t tag_ = 0;
  size_t json_bytes_ = 0;
  int labels_ = 0;
  int fields_ = 0;
  absl::Status error_;
};

}  // namespace

absl::Status CheckSubmitBytes(google::protobuf::io::ZeroCopyInputStream* bytes) {
  CodedInputStream in(bytes);
  return SubmitScan(&in).Run();
}

absl::Status CheckSubmitBytes(absl::string_view bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  return CheckSubmitBytes(&stream);
}

absl::StatusOr<std::vector<std::string>> SplitBatchBytes(
    google::protobuf::io::ZeroCopyInputStream* bytes) {
  constexpr char kName[] = "BatchSubmitJobsRequest";
  CodedInputStream in(bytes);
  std::vector<std::string> requests;
  int count = 0;
  int others = 0;
  while (const uint32_t tag = in.ReadTag()) {
    if (tag != WireFormatLite::MakeTag(v1::BatchSubmitJobsRequest::kRequestsFieldNumber,
                                       WireFormatLite::WIRETYPE_LENGTH_DELIMITED)) {
      if (++others > kMaxRequestFields || !WireFormatLite::SkipField(&in, tag))
        return NotAMessage(kName);
      continue;
    }
    uint32_t size = 0;
    if (!in.ReadVarint32(&size) || size > INT32_MAX) return NotAMessage(kName);
    const bool read = ++count <= kMaxBatchRequests
                          ? in.ReadString(&requests.emplace_back(), static_cast<int>(size))
                          : in.Skip(static_cast<int>(size));
    if (!read) return NotAMessage(kName);
  }
  if (!in.ConsumedEntireMessage()) return NotAMessage(kName);
  if (count == 0 || count > kMaxBatchRequests) {
    return InvalidField(
        "requests", absl::StrCat("must have 1 to ", kMaxBatchRequests, " jobs, and has ", count));
  }
  return requests;
}

}  // namespace buzzer::frontend

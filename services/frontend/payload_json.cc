// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/payload_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace buzzer::frontend {
namespace {

using google::protobuf::Value;

// From here on a whole double is no longer written digit by digit, as in JavaScript.
constexpr double kExponentFrom = 1e21;

class Writer {
 public:
  Writer(int max_depth, size_t max_bytes) : max_depth_(max_depth), max_bytes_(max_bytes) {}

  absl::Status Write(const Value& value, int depth) {
    if (out_.size() > max_bytes_) return TooLarge();
    switch (value.kind_case()) {
      case Value::kNullValue:
      case Value::KIND_NOT_SET:
        out_ += "null";
        return absl::OkStatus();
      case Value::kBoolValue:
        out_ += value.bool_value() ? "true" : "false";
        return absl::OkStatus();
      case Value::kNumberValue:
        return WriteNumber(value.number_value());
      case Value::kStringValue:
        WriteString(value.string_value());
        return absl::OkStatus();
      case Value::kStructValue:
        return WriteObject(value.struct_value(), depth + 1);
      case Value::kListValue:
        return WriteArray(value.list_value(), depth + 1);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Take() {
    if (out_.size() > max_bytes_) return TooLarge();
    return std::move(out_);
  }

 private:
  absl::Status TooLarge() const {
    return absl::OutOfRangeError(absl::StrCat("must be at most ", max_bytes_, " bytes as JSON"));
  }

  absl::Status CheckDepth(int depth) const {
    if (depth <= max_depth_) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("must be nested at most ", max_depth_, " deep"));
  }

  absl::Status WriteNumber(double number) {
    if (!std::isfinite(number)) {
      return absl::InvalidArgumentError("must not hold NaN or an infinite number");
    }
    // Equal to 0, so its text is the same; "-0" would be read back as 0 anyway.
    if (number == 0) number = 0;
    const bool whole = std::trunc(number) == number && std::fabs(number) < kExponentFrom;
    char text[32];
    const auto end =
        whole ? std::to_chars(text, text + sizeof(text), number, std::chars_format::fixed)
              : std::to_chars(text, text + sizeof(text), number);
    out_.append(text, end.ptr);
    return absl::OkStatus();
  }

  void WriteString(const std::string& text) {
    static constexpr char kHex[] = "0123456789abcdef";
    out_ += '"';
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (static_cast<unsigned char>(c) < 0x20) {
        out_ += "\\u00";
        out_ += kHex[c >> 4];
        out_ += kHex[c & 0x0f];
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  absl::Status WriteObject(const google::protobuf::Struct& object, int depth) {
    if (absl::Status fits = CheckDepth(depth); !fits.ok()) return fits;
    std::vector<const std::string*> keys;
    keys.reserve(object.fields().size());
    for (const auto& [key, value] : object.fields()) keys.push_back(&key);
    std::sort(keys.begin(), keys.end(),
              [](const std::string* a, const std::string* b) { return *a < *b; });
    out_ += '{';
    for (size_t i = 0; i < keys.size(); ++i) {
      if (i > 0) out_ += ',';
      WriteString(*keys[i]);
      out_ += ':';
      if (absl::Status written = Write(object.fields().at(*keys[i]), depth); !written.ok()) {
        return written;
      }
    }
    out_ += '}';
    return absl::OkStatus();
  }

  absl::Status WriteArray(const google::protobuf::ListValue& array, int depth) {
    if (absl::Status fits = CheckDepth(depth); !fits.ok()) return fits;
    out_ += '[';
    for (int i = 0; i < array.values_size(); ++i) {
      if (i > 0) out_ += ',';
      if (absl::Status written = Write(array.values(i), depth); !written.ok()) return written;
    }
    out_ += ']';
    return absl::OkStatus();
  }

  const int max_depth_;
  const size_t max_bytes_;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> ToJson(const Value& value, int max_depth, size_t max_bytes) {
  Writer writer(max_depth, max_bytes);
  if (absl::Status written = writer.Write(value, 0); !written.ok()) return written;
  return writer.Take();
}

absl::StatusOr<Value> FromJson(absl::string_view json) {
  Value value;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(json.data(), json.size()), &value);
  if (!parsed.ok()) return absl::InternalError("the stored payload is not JSON");
  return value;
}

}  // namespace buzzer::frontend

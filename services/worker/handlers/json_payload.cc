// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/json_payload.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/utf8/utf8.h"

namespace buzzer::worker {
namespace {

// Of a field's name in a message.
constexpr size_t kMaxFieldBytes = 64;

}  // namespace

JsonPayload::JsonPayload(absl::string_view payload, const std::set<std::string>& known) {
  object_ = nlohmann::json::parse(payload.begin(), payload.end(), nullptr,
                                  /*allow_exceptions=*/false);
  if (!object_.is_object()) {
    object_ = nlohmann::json::object();
    Fault("payload",
          absl::StrCat("must be a JSON object with the fields ", absl::StrJoin(known, ", ")));
    return;
  }
  for (const auto& [field, value] : object_.items()) {
    if (!known.contains(field)) {
      Fault(absl::StrCat("payload.", OneLine(field, kMaxFieldBytes)),
            absl::StrCat("is not known; known are ", absl::StrJoin(known, ", ")));
    }
  }
}

double JsonPayload::Number(const char* field, double min, double max, double otherwise) {
  const nlohmann::json* value = Find(field);
  if (value == nullptr) return otherwise;
  if (!value->is_number() || value->get<double>() < min || value->get<double>() > max) {
    Fault(absl::StrCat("payload.", field),
          absl::StrCat("must be a number from ", min, " to ", max));
    return otherwise;
  }
  return value->get<double>();
}

int64_t JsonPayload::Integer(const char* field, int64_t min, int64_t max, int64_t otherwise) {
  const nlohmann::json* value = Find(field);
  if (value == nullptr) return otherwise;
  // JSON numbers are doubles: 9.0 is a whole number.
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max)) ||
      number != std::floor(number)) {
    Fault(absl::StrCat("payload.", field),
          absl::StrCat("must be a whole number from ", min, " to ", max));
    return otherwise;
  }
  return static_cast<int64_t>(number);
}

bool JsonPayload::Bool(const char* field, bool otherwise) {
  const nlohmann::json* value = Find(field);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) {
    Fault(absl::StrCat("payload.", field), "must be true or false");
    return otherwise;
  }
  return value->get<bool>();
}

std::string JsonPayload::Text(const char* field, std::string otherwise) {
  const nlohmann::json* value = Find(field);
  if (value == nullptr) return otherwise;
  if (!value->is_string()) {
    Fault(absl::StrCat("payload.", field), "must be a text");
    return otherwise;
  }
  return value->get<std::string>();
}

const nlohmann::json* JsonPayload::Find(const char* field) const {
  const auto it = object_.find(field);
  return it == object_.end() ? nullptr : &*it;
}

void JsonPayload::Fault(absl::string_view field, absl::string_view rule) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("`", field, "` ", rule));
}

Failure BadPayload(const absl::Status& status) {
  return {"INVALID_PAYLOAD", std::string(status.message()), false, ""};
}

}  // namespace buzzer::worker

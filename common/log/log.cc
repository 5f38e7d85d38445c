// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/log/log.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace buzzer::log {
namespace {

// Never destroyed, so that threads may log while the process exits.
std::string& Service() {
  static auto* const service = new std::string("buzzer");
  return *service;
}

void Write(absl::string_view level, absl::string_view event, std::initializer_list<Field> fields) {
  nlohmann::ordered_json line;
  line["time"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), absl::UTCTimeZone());
  line["level"] = std::string(level);
  line["service"] = Service();
  line["event"] = std::string(event);
  for (const Field& field : fields) {
    std::visit([&](const auto& value) { line[std::string(field.key())] = value; }, field.value());
  }
  std::string text = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.push_back('\n');
  // A log that cannot be written has nowhere to complain.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

void SetService(absl::string_view service) { Service() = std::string(service); }

void Info(absl::string_view event, std::initializer_list<Field> fields) {
  Write("info", event, fields);
}
void Warning(absl::string_view event, std::initializer_list<Field> fields) {
  Write("warning", event, fields);
}
void Error(absl::string_view event, std::initializer_list<Field> fields) {
  Write("error", event, fields);
}

}  // namespace buzzer::log

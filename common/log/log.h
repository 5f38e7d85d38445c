// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_LOG_LOG_H_
#define COMMON_LOG_LOG_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <variant>

#include "absl/strings/string_view.h"

namespace buzzer::log {

// One key and value of a log line. The key is a literal; the value is copied.
// Usual keys: `job`, `attempt`, `tenant`, `type`, `queue`, `worker`, `error`.
// Never log a payload, a result or a secret.
class Field {
 public:
  using Value = std::variant<std::string, int64_t, double, bool>;

  Field(absl::string_view key, absl::string_view value) : key_(key), value_(std::string(value)) {}
  Field(absl::string_view key, const char* value) : key_(key), value_(std::string(value)) {}
  Field(absl::string_view key, const std::string& value) : key_(key), value_(value) {}
  Field(absl::string_view key, bool value) : key_(key), value_(value) {}
  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number>>>
  Field(absl::string_view key, Number value)
      : key_(key), value_([&]() -> Value {
          if constexpr (std::is_floating_point_v<Number>) return static_cast<double>(value);
          return static_cast<int64_t>(value);
        }()) {}

  absl::string_view key() const { return key_; }
  const Value& value() const { return value_; }

 private:
  absl::string_view key_;
  Value value_;
};

// Names the service in every line; call once at the start of main.
void SetService(absl::string_view service);

// Each writes one line of JSON to standard error: `time` (RFC 3339, UTC),
// `level`, `service`, `event` (snake_case, constant) and the fields. Invalid UTF-8
// is replaced. Thread-safe; lines of up to 4 KiB do not mix with those of others who write
// to the same pipe. The line is written when this returns, unless there is a Gathering.
void Info(absl::string_view event, std::initializer_list<Field> fields = {});
void Warning(absl::string_view event, std::initializer_list<Field> fields = {});
void Error(absl::string_view event, std::initializer_list<Field> fields = {});

// From its making to its end, a line of Info that comes within 10 ms of the last write waits for
// the end of these 10 ms, and goes with what else came: every job has three lines, and at thousands
// of jobs a second a write(2) for each took 5 to 9 % of the CPU time. A line that comes alone is
// written at once, and so is every Warning and Error, after all lines before it. What ends the
// process without the end of this (a crash, a kill, _exit without Flush) takes the lines of the
// last 10 ms along, or what a slow reader has left waiting, at most 128 KiB.
//
// One in a process; made and ended by the main thread, after BlockServiceSignals.
class Gathering {
 public:
  Gathering();
  ~Gathering();

  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;
};

// Writes what has gathered. Thread-safe.
void Flush();

}  // namespace buzzer::log

#endif  // COMMON_LOG_LOG_H_

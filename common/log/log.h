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
// is replaced. Thread-safe; a write(2) has whole lines, so lines do not mix.
void Info(absl::string_view event, std::initializer_list<Field> fields = {});
void Warning(absl::string_view event, std::initializer_list<Field> fields = {});
void Error(absl::string_view event, std::initializer_list<Field> fields = {});

// While it lives, lines of Info that come within 10 ms of the last write go together at the end of
// these 10 ms: thousands of jobs a second have three lines each, and writing them one by one cost
// 5 to 9 % of all that their jobs did. A line that comes alone is written at once, and so is every
// warning and error, after all lines before it. A process that crashes (SIGSEGV, SIGABRT and the
// like) still writes what has gathered; SIGKILL, and _exit without Flush, lose up to 10 ms of it.
//
// One at a time; made and ended by the main thread.
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

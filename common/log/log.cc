// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/log/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/log/gatherer.h"

namespace buzzer::log {
namespace {

constexpr std::chrono::milliseconds kGather(10);

// Never destroyed once it is made: as for Service.
std::atomic<Gatherer*> gatherer{nullptr};

// Never destroyed, so that threads may log while the process exits.
std::string& Service() {
  static auto* const service = new std::string("buzzer");
  return *service;
}

bool NeedsNoEscape(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void Append(absl::string_view text, std::string* line) {
  if (NeedsNoEscape(text)) {
    absl::StrAppend(line, "\"", text, "\"");
  } else {
    line->append(nlohmann::json(std::string(text))
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

void Append(const Field::Value& value, std::string* line) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    Append(absl::string_view(*text), line);
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    absl::StrAppend(line, *number);
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    line->append(*flag ? "true" : "false");
  } else if (const double real = std::get<double>(value); std::isfinite(real)) {
    std::array<char, 32> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), real).ptr;
    line->append(digits.data(), end);
  } else {
    line->append("null");
  }
}

// Lines of the same second share what is costly to make.
void AppendTime(absl::Time time, std::string* line) {
  // Nothing that is destroyed: threads may log while the process exits.
  thread_local int64_t second = std::numeric_limits<int64_t>::min();
  thread_local std::array<char, 19> text;
  if (const int64_t now = absl::ToUnixSeconds(time); now != second) {
    second = now;
    absl::FormatTime("%Y-%m-%dT%H:%M:%S", time, absl::UTCTimeZone()).copy(text.data(), text.size());
  }
  const int64_t micros = absl::ToInt64Microseconds(time - absl::FromUnixSeconds(second));
  // The 1 in front keeps the zeros.
  const absl::AlphaNum fraction(1'000'000 + micros);
  absl::StrAppend(line, absl::string_view(text.data(), text.size()), ".",
                  fraction.Piece().substr(1), "Z");
}

// Put together by hand: every job has three lines, and a JSON library makes a tree of each.
void Write(absl::string_view level, bool at_once, absl::string_view event,
           std::initializer_list<Field> fields) {
  std::string line = "{\"time\":\"";
  line.reserve(256);
  AppendTime(absl::Now(), &line);
  absl::StrAppend(&line, "\",\"level\":\"", level, "\",\"service\":");
  Append(absl::string_view(Service()), &line);
  absl::StrAppend(&line, ",\"event\":");
  Append(event, &line);
  for (const Field& field : fields) {
    line.push_back(',');
    Append(field.key(), &line);
    line.push_back(':');
    Append(field.value(), &line);
  }
  line.append("}\n");
  if (Gatherer* const there = gatherer.load(); there != nullptr) {
    there->Add(line, at_once);
  } else {
    WriteLines(STDERR_FILENO, line);
  }
}

}  // namespace

void SetService(absl::string_view service) { Service() = std::string(service); }

void Info(absl::string_view event, std::initializer_list<Field> fields) {
  Write("info", false, event, fields);
}
void Warning(absl::string_view event, std::initializer_list<Field> fields) {
  Write("warning", true, event, fields);
}
void Error(absl::string_view event, std::initializer_list<Field> fields) {
  Write("error", true, event, fields);
}

Gathering::Gathering() { gatherer.store(new Gatherer(STDERR_FILENO, kGather)); }

Gathering::~Gathering() { gatherer.load()->Stop(); }

void Flush() {
  if (Gatherer* const there = gatherer.load(); there != nullptr) there->Flush();
}

}  // namespace buzzer::log

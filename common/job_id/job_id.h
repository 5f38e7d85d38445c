// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_JOB_ID_JOB_ID_H_
#define COMMON_JOB_ID_JOB_ID_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace buzzer {

// A job's id: a UUIDv7 (RFC 9562), so ids sort by the millisecond of their making
// and cannot be guessed (74 random bits). A value type.
class JobId {
 public:
  // The nil id, which is no job's.
  JobId() = default;

  // A new id for a job made at `now`.
  static JobId Make(absl::Time now);

  // From 36 characters of lower-case text (`8-4-4-4-12`), any UUID version;
  // nullopt if it is anything else.
  static std::optional<JobId> Parse(absl::string_view text);

  // From 16 bytes; nullopt if there are not 16.
  static std::optional<JobId> FromBytes(absl::string_view bytes);

  // 36 characters, lower case.
  std::string ToString() const;

  // When it was made, as the id itself tells: at millisecond precision.
  absl::Time time() const;

  // The lowest id that can be made at or after `time` (the lowest of all if that is before
  // 1970): for ranges of ids.
  static JobId LowestAt(absl::Time time);

  // 16 bytes, big-endian: their order is the order of ids.
  absl::string_view bytes() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

  friend auto operator<=>(const JobId&, const JobId&) = default;

  template <typename H>
  friend H AbslHashValue(H h, const JobId& id) {
    return H::combine(std::move(h), id.bytes_);
  }

 private:
  void SetMillis(int64_t millis);

  std::array<uint8_t, 16> bytes_{};
};

// `count` bytes from the kernel's random generator: for lease and claim ids.
std::string RandomBytes(size_t count);

}  // namespace buzzer

#endif  // COMMON_JOB_ID_JOB_ID_H_

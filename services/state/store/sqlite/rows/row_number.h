// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_ROWS_ROW_NUMBER_H_
#define SERVICES_STATE_STORE_SQLITE_ROWS_ROW_NUMBER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "common/job_id/job_id.h"

namespace buzzer::state {

// A job's row has this number or, if other jobs have it, one of the next: of the id's time the
// milliseconds since 2020 (for 69 years; then they begin anew, and only the order of lists
// suffers), and of the bits that follow the first 21 that are random. So numbers rise with ids.
inline constexpr int64_t kRowEpochMillis = 1'577'836'800'000;
inline constexpr int64_t kMaxRowMillis = (int64_t{1} << 41) - 1;

inline int64_t FirstRowOf(const JobId& id) {
  const auto byte = [bytes = id.bytes()](size_t place) {
    return uint64_t{static_cast<uint8_t>(bytes[place])};
  };
  uint64_t millis = 0;
  for (size_t place = 0; place < 6; ++place) millis = millis << 8 | byte(place);
  // The four bits of the version and the two of the variant are the same for all.
  const uint64_t random =
      (byte(6) & 0x0f) << 17 | byte(7) << 9 | (byte(8) & 0x3f) << 3 | byte(9) >> 5;
  return static_cast<int64_t>((millis - kRowEpochMillis) & kMaxRowMillis) << 21 |
         static_cast<int64_t>(random);
}

// No job made at or after `time` has a lower number.
inline int64_t LowestRowAt(absl::Time time) {
  const absl::Time epoch = absl::FromUnixMillis(kRowEpochMillis);
  const absl::Time end = absl::FromUnixMillis(kRowEpochMillis + kMaxRowMillis);
  time = std::clamp(time, epoch, end);
  // Rounded up, as ids are.
  int64_t millis = absl::ToUnixMillis(time);
  if (absl::FromUnixMillis(millis) < time) ++millis;
  return (millis - kRowEpochMillis) << 21;
}

// So many jobs at most have the same first number. Of 20 jobs in one millisecond two have with a
// chance of 1 in 10 000, so that more than that many are made on purpose; of other jobs there is
// hardly any within reach.
inline constexpr int64_t kRowsOfOneNumber = 4096;

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_ROWS_ROW_NUMBER_H_

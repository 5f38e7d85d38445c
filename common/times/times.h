// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_TIMES_TIMES_H_
#define COMMON_TIMES_TIMES_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>

#include "absl/time/time.h"

namespace buzzer {

// The bounds of a google.protobuf.Timestamp: the years 1 to 9999 in UTC. What lies outside has
// no JSON, and a message with such a time in it cannot be told over REST at all.
absl::Time MinTimestamp();
absl::Time MaxTimestamp();
// The longest google.protobuf.Duration, some 10 000 years; the shortest is as far below 0.
inline constexpr absl::Duration kMaxProtoDuration = absl::Seconds(315'576'000'000);

// The value of a message that may come from anybody; nullopt if its seconds and nanos are
// not what timestamp.proto and duration.proto allow.
std::optional<absl::Time> CheckedTime(const google::protobuf::Timestamp& timestamp);
std::optional<absl::Duration> CheckedDuration(const google::protobuf::Duration& duration);

// Whether it is a duration, and from `min` to `max`.
bool IsInRange(const google::protobuf::Duration& duration, absl::Duration min, absl::Duration max);

}  // namespace buzzer

#endif  // COMMON_TIMES_TIMES_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_DURATIONS_H_
#define SERVICES_WORKER_DURATIONS_H_

#include <google/protobuf/util/time_util.h>

#include "absl/time/time.h"

namespace buzzer::worker {

inline absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

inline google::protobuf::Duration ToProto(absl::Duration duration) {
  return google::protobuf::util::TimeUtil::NanosecondsToDuration(
      absl::ToInt64Nanoseconds(duration));
}

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_DURATIONS_H_

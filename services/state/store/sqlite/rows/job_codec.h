// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_ROWS_JOB_CODEC_H_
#define SERVICES_STATE_STORE_SQLITE_ROWS_JOB_CODEC_H_

#include <string>

#include "absl/strings/string_view.h"
#include "services/state/store/job_rows.h"

namespace buzzer::state {

// The packed half of a row (the message StoredJob): everything of the record but id, state, spec
// and progress.
void Pack(const JobRow& row, std::string* bytes);

// The other way; leaves what is not in it. What cannot be read stays as it is.
struct Unpacked {
  int history_inside = 0;
  int history_aside = 0;
};
Unpacked Unpack(absl::string_view bytes, JobRecord* job);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_ROWS_JOB_CODEC_H_

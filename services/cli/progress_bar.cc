// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/progress_bar.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/cli/job_text.h"
#include "services/cli/terminal_text.h"

namespace buzzer::cli {
namespace {

constexpr int kWidestBar = 40;
constexpr int kNarrowestBar = 10;

std::string Bar(double fraction, int cells) {
  const int full = static_cast<int>(std::floor(fraction * cells));
  std::string bar(full, '=');
  if (full < cells) bar += '>';
  bar.resize(cells, ' ');
  return absl::StrCat("[", bar, "]");
}

// What the clock beside the state counts.
std::string Clock(const v1::Job& job, absl::Time now) {
  switch (job.state()) {
    case v1::Job::SCHEDULED:
      return job.has_run_at() ? absl::StrCat("in ", ShortDuration(ToTime(job.run_at()) - now)) : "";
    case v1::Job::QUEUED:
      return job.has_create_time() ? ShortDuration(now - ToTime(job.create_time())) : "";
    default:
      return job.has_start_time() ? ShortDuration(now - ToTime(job.start_time())) : "";
  }
}

}  // namespace

std::string ProgressBar(const v1::Job& job, absl::Time now, int columns) {
  const bool running = job.state() == v1::Job::RUNNING || job.state() == v1::Job::CANCELLING;
  std::string line = absl::StrFormat("%-10s", v1::Job::State_Name(job.state()));
  if (running && job.has_progress()) {
    // A third of the line, so that the message has the rest.
    const int cells = std::min(kWidestBar, columns / 3 - 2);
    const double fraction = std::clamp(job.progress().fraction(), 0.0, 1.0);
    if (cells >= kNarrowestBar) absl::StrAppend(&line, " ", Bar(fraction, cells));
    absl::StrAppend(&line, absl::StrFormat(" %3d %%", static_cast<int>(fraction * 100)));
  }
  if (const std::string clock = Clock(job, now); !clock.empty()) {
    absl::StrAppend(&line, "  ", clock);
  }
  if (const std::string waits = WaitText(job); !waits.empty()) absl::StrAppend(&line, "  ", waits);
  if (job.attempt() > 1) absl::StrAppend(&line, "  attempt ", job.attempt());
  if (running && !job.progress().message().empty()) {
    absl::StrAppend(&line, "  ", Printable(job.progress().message()));
  }
  return CutToColumns(line, columns);
}

}  // namespace buzzer::cli

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_CLI_WATCH_VIEW_H_
#define SERVICES_CLI_WATCH_VIEW_H_

#include <functional>
#include <memory>
#include <ostream>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "buzzer/v1/job.pb.h"

namespace buzzer::cli {

// Shows a watch. Lives on the thread that watches.
class WatchView {
 public:
  virtual ~WatchView() = default;

  // After each event; `job` is what is known of the job with it.
  virtual void Show(const v1::JobEvent& event, const v1::Job& job) = 0;

  // The reason why the job waits has changed, perhaps to none. No event tells of that.
  virtual void ShowWait(const v1::Job& job) = 0;

  // About twice a second, for what moves by itself.
  virtual void Tick(const v1::Job& job) = 0;

  // Something about the watch itself, like a broken connection.
  virtual void Note(absl::string_view text) = 0;

  // After the last event; the job is terminal.
  virtual void End(const v1::Job& job) = 0;
};

// The streams must outlive the views; notes go to `err`. `now` is the wall clock.

// A line for each event, for pipes and logs.
std::unique_ptr<WatchView> MakeLineView(std::ostream& out, std::ostream& err, absl::TimeZone zone,
                                        std::function<absl::Time()> now);

// A bar that is drawn again in place. `columns` is asked each time, because a terminal's
// width changes.
std::unique_ptr<WatchView> MakeBarView(std::ostream& out, std::ostream& err,
                                       std::function<int()> columns,
                                       std::function<absl::Time()> now);

// A JobEvent as JSON on each line.
std::unique_ptr<WatchView> MakeJsonView(std::ostream& out, std::ostream& err);

}  // namespace buzzer::cli

#endif  // SERVICES_CLI_WATCH_VIEW_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/watch_view.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/job_state/job_state.h"
#include "services/cli/exit_code.h"
#include "services/cli/job_text.h"
#include "services/cli/json_text.h"
#include "services/cli/progress_bar.h"

namespace buzzer::cli {
namespace {

class LineView final : public WatchView {
 public:
  LineView(std::ostream& out, std::ostream& err, absl::TimeZone zone,
           std::function<absl::Time()> now)
      : out_(out), err_(err), zone_(zone), now_(std::move(now)) {}

  void Show(const v1::JobEvent& event, const v1::Job& job) override {
    // The line of End tells more.
    if (IsTerminal(job.state())) return;
    const std::string waits = WaitText(job);
    std::string what;
    if (event.has_error()) {
      what = absl::StrCat(ErrorLine(event.error()), waits.empty() ? "" : "; ", waits);
    } else if (!waits.empty()) {
      what = waits;
    } else if (event.has_progress()) {
      what = ProgressText(event.progress());
    } else if (event.attempt() > 0) {
      what = absl::StrCat("attempt ", event.attempt());
    }
    Print(ToTime(event.time()), event.state(), what);
  }

  // The state alone takes back what an earlier line says of the wait.
  void ShowWait(const v1::Job& job) override { Print(now_(), job.state(), WaitText(job)); }
  void Tick(const v1::Job&) override {}
  void Note(absl::string_view text) override { err_ << text << std::endl; }
  void End(const v1::Job& job) override {
    out_ << absl::FormatTime("%H:%M:%S  ", ToTime(job.update_time()), zone_) << EndText(job)
         << std::flush;
  }

 private:
  void Print(absl::Time time, v1::Job::State state, absl::string_view what) {
    out_ << absl::FormatTime("%H:%M:%S  ", time, zone_)
         << (what.empty() ? v1::Job::State_Name(state)
                          : absl::StrFormat("%-10s  %s", v1::Job::State_Name(state), what))
         << std::endl;
  }

  std::ostream& out_;
  std::ostream& err_;
  const absl::TimeZone zone_;
  const std::function<absl::Time()> now_;
};

class BarView final : public WatchView {
 public:
  BarView(std::ostream& out, std::ostream& err, std::function<int()> columns,
          std::function<absl::Time()> now)
      : out_(out), err_(err), columns_(std::move(columns)), now_(std::move(now)) {}

  ~BarView() override { Clear(); }

  void Show(const v1::JobEvent& event, const v1::Job& job) override {
    // A failed attempt stays on the screen above the bar.
    if (event.state() == v1::Job::SCHEDULED && event.has_error()) {
      Clear();
      out_ << "attempt " << event.attempt() << " failed: " << ErrorLine(event.error()) << "\n";
    }
    Tick(job);
  }

  void ShowWait(const v1::Job& job) override { Tick(job); }

  void Tick(const v1::Job& job) override {
    if (job.state() == v1::Job::STATE_UNSPECIFIED || IsTerminal(job.state())) return;
    // The last column stays free: writing there wraps on some terminals.
    out_ << kStartOfLine << ProgressBar(job, now_(), columns_() - 1) << kClearRest << std::flush;
    drawn_ = true;
  }

  void Note(absl::string_view text) override {
    Clear();
    err_ << text << std::endl;
  }

  void End(const v1::Job& job) override {
    Clear();
    out_ << EndText(job) << std::flush;
  }

 private:
  static constexpr char kStartOfLine[] = "\r";
  static constexpr char kClearRest[] = "\x1b[K";

  void Clear() {
    if (drawn_) out_ << kStartOfLine << kClearRest << std::flush;
    drawn_ = false;
  }

  std::ostream& out_;
  std::ostream& err_;
  const std::function<int()> columns_;
  const std::function<absl::Time()> now_;
  bool drawn_ = false;
};

class JsonView final : public WatchView {
 public:
  JsonView(std::ostream& out, std::ostream& err) : out_(out), err_(err) {}

  void Show(const v1::JobEvent& event, const v1::Job&) override {
    out_ << JsonText(event) << std::endl;
  }
  void ShowWait(const v1::Job&) override {}
  void Tick(const v1::Job&) override {}
  void Note(absl::string_view text) override { err_ << text << std::endl; }
  void End(const v1::Job&) override {}

 private:
  std::ostream& out_;
  std::ostream& err_;
};

}  // namespace

std::unique_ptr<WatchView> MakeLineView(std::ostream& out, std::ostream& err, absl::TimeZone zone,
                                        std::function<absl::Time()> now) {
  return std::make_unique<LineView>(out, err, zone, std::move(now));
}

std::unique_ptr<WatchView> MakeBarView(std::ostream& out, std::ostream& err,
                                       std::function<int()> columns,
                                       std::function<absl::Time()> now) {
  return std::make_unique<BarView>(out, err, std::move(columns), std::move(now));
}

std::unique_ptr<WatchView> MakeJsonView(std::ostream& out, std::ostream& err) {
  return std::make_unique<JsonView>(out, err);
}

}  // namespace buzzer::cli

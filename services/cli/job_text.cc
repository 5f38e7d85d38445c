// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/job_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/duration/duration.h"
#include "services/cli/json_text.h"
#include "services/cli/terminal_text.h"

namespace buzzer::cli {
namespace {

// Of the last column of a list: where no terminal sets it, and where one leaves little room.
constexpr int kNoteColumns = 60;
constexpr int kNarrowestNote = 20;

constexpr char kTimeFormat[] = "%Y-%m-%d %H:%M:%S %Z";

using Rows = std::vector<std::vector<std::string>>;

void AddTime(absl::string_view name, bool set, const google::protobuf::Timestamp& time,
             absl::TimeZone zone, Rows* rows) {
  if (!set) return;
  rows->push_back({std::string(name), absl::FormatTime(kTimeFormat, ToTime(time), zone)});
}

std::string Text(const google::protobuf::Duration& duration) {
  return DurationText(absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos()));
}

void AddDuration(absl::string_view name, bool set, const google::protobuf::Duration& duration,
                 Rows* rows) {
  if (set) rows->push_back({std::string(name), Text(duration)});
}

void AddText(absl::string_view name, absl::string_view text, Rows* rows) {
  if (!text.empty()) rows->push_back({std::string(name), Printable(text)});
}

// Of the effective policy: every field of it is set.
std::string Retries(const v1::RetryPolicy& policy) {
  std::string text = absl::StrCat("after ", Text(policy.initial_delay()), ", each wait ",
                                  policy.factor(), " times the last, up to ",
                                  Text(policy.max_delay()), "; jitter ", policy.jitter());
  if (!policy.final_reasons().empty()) {
    absl::StrAppend(&text, "; not after ", absl::StrJoin(policy.final_reasons(), ", "));
  }
  return text;
}

std::string Labels(const v1::Job& job) {
  std::vector<std::string> labels;
  for (const auto& [key, value] : job.labels()) labels.push_back(absl::StrCat(key, "=", value));
  std::sort(labels.begin(), labels.end());
  return absl::StrJoin(labels, " ");
}

std::string Payload(const v1::Job& job) {
  if (job.has_payload()) return JsonText(job.payload());
  if (!job.payload_bytes().empty()) {
    return Counted(static_cast<int64_t>(job.payload_bytes().size()), "byte");
  }
  return "";
}

std::string History(const v1::Job& job, absl::TimeZone zone) {
  if (job.history().empty()) return "";
  Rows rows;
  for (const v1::JobEvent& event : job.history()) {
    rows.push_back({absl::StrCat("  ", event.revision()),
                    absl::FormatTime(kTimeFormat, ToTime(event.time()), zone),
                    v1::Job::State_Name(event.state()), Printable(event.cause()),
                    event.attempt() > 0 ? absl::StrCat("attempt ", event.attempt()) : "",
                    event.has_error() ? ErrorLine(event.error()) : ""});
  }
  return absl::StrCat("history\n", Table(rows));
}

// A program's last lines on standard error, indented below the job.
std::string Detail(const v1::JobError& error) {
  std::string lines;
  for (absl::string_view line : absl::StrSplit(error.detail(), '\n', absl::SkipWhitespace())) {
    absl::StrAppend(&lines, "  | ", Printable(line), "\n");
  }
  return lines;
}

// What a row of the list tells beside the state.
std::string Note(const v1::Job& job, absl::Time now) {
  const bool running = job.state() == v1::Job::RUNNING || job.state() == v1::Job::CANCELLING;
  if (job.state() == v1::Job::SCHEDULED && job.has_run_at()) {
    const absl::Duration left = ToTime(job.run_at()) - now;
    const std::string waits = WaitText(job);
    return absl::StrCat(
        left > absl::ZeroDuration() ? absl::StrCat("due in ", ShortDuration(left)) : "due now",
        waits.empty() ? "" : absl::StrCat("; ", waits),
        job.has_error() ? absl::StrCat("; ", ErrorLine(job.error())) : "");
  }
  if (const std::string waits = WaitText(job); !waits.empty()) return waits;
  if (job.has_error()) return ErrorLine(job.error());
  return running && job.has_progress() ? ProgressText(job.progress()) : "";
}

std::string OldestAge(const v1::Queue& queue) {
  return queue.has_oldest_ready_age()
             ? ShortDuration(absl::Seconds(queue.oldest_ready_age().seconds()))
             : "";
}

std::string ShortQueueName(const v1::Queue& queue) {
  return Printable(absl::StripPrefix(queue.name(), "queues/"));
}

}  // namespace

absl::Time ToTime(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

std::string ShortDuration(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (duration < absl::Milliseconds(1)) return "0s";
  if (seconds < 10) {
    // Below a second, milliseconds.
    if (seconds == 0) return absl::FormatDuration(absl::Floor(duration, absl::Milliseconds(1)));
    return absl::FormatDuration(absl::Floor(duration, absl::Milliseconds(100)));
  }
  struct Unit {
    int64_t seconds;
    char letter;
  };
  constexpr Unit kUnits[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  const Unit* unit = kUnits;
  while (seconds < unit->seconds) ++unit;
  std::string text = absl::StrCat(seconds / unit->seconds, std::string(1, unit->letter));
  const int64_t rest = seconds % unit->seconds;
  if (unit->seconds > 1 && rest >= unit[1].seconds) {
    absl::StrAppend(&text, rest / unit[1].seconds, std::string(1, unit[1].letter));
  }
  return text;
}

std::string ErrorLine(const v1::JobError& error) {
  return error.message().empty() ? Printable(error.reason())
                                 : Printable(absl::StrCat(error.reason(), ": ", error.message()));
}

std::string WaitText(const v1::Job& job) {
  switch (job.wait_reason()) {
    case v1::Job::NO_WORKER:
      return Printable(absl::StrCat("no connected worker takes jobs of type ", job.type()));
    case v1::Job::QUEUE_PAUSED:
      return Printable(absl::StrCat("queue ", job.queue(), " is paused"));
    default:
      return "";
  }
}

std::string ProgressText(const v1::Progress& progress) {
  const double fraction = std::clamp(progress.fraction(), 0.0, 1.0);
  std::string text = absl::StrFormat("%3d %%", static_cast<int>(std::floor(fraction * 100)));
  if (!progress.message().empty()) absl::StrAppend(&text, "  ", Printable(progress.message()));
  return text;
}

std::string DescribeJob(const v1::Job& job, absl::TimeZone zone) {
  Rows rows;
  AddText("job", job.id(), &rows);
  AddText("type", job.type(), &rows);
  AddText("queue", absl::StrCat(job.queue(), ", ", v1::Job::Priority_Name(job.priority())), &rows);
  AddText("state", absl::StrCat(v1::Job::State_Name(job.state()), ", revision ", job.revision()),
          &rows);
  AddText("waits", WaitText(job), &rows);
  AddText("attempt",
          absl::StrCat(job.attempt(), "; ", job.failed_attempts(), " of ", job.max_attempts(),
                       " allowed have failed"),
          &rows);
  if (job.has_progress()) AddText("progress", ProgressText(job.progress()), &rows);
  if (job.has_error()) AddText("error", ErrorLine(job.error()), &rows);
  if (job.has_result()) {
    AddText("result",
            absl::StrCat(Counted(job.result().size(), "byte"), " of ", job.result().content_type()),
            &rows);
  }
  AddText("payload", Payload(job), &rows);
  AddText("labels", Labels(job), &rows);
  AddText("key", job.idempotency_key(), &rows);
  AddText("worker", job.worker(), &rows);
  AddTime("created", job.has_create_time(), job.create_time(), zone, &rows);
  AddTime("run at", job.has_run_at(), job.run_at(), zone, &rows);
  AddTime("started", job.has_start_time(), job.start_time(), zone, &rows);
  AddTime("ended", job.has_end_time(), job.end_time(), zone, &rows);
  AddTime("deadline", job.has_deadline_time(), job.deadline_time(), zone, &rows);
  AddTime("deleted at", job.has_purge_time(), job.purge_time(), zone, &rows);
  if (job.has_retry()) AddText("retries", Retries(job.retry()), &rows);
  AddDuration("attempt timeout", job.has_attempt_timeout(), job.attempt_timeout(), &rows);
  AddDuration("lease", job.has_lease(), job.lease(), &rows);
  AddDuration("retention", job.has_retention(), job.retention(), &rows);
  return absl::StrCat(Table(rows), Detail(job.error()), History(job, zone));
}

std::string JobTable(const v1::ListJobsResponse& jobs, absl::Time now, std::optional<int> columns) {
  if (jobs.jobs().empty()) return "";
  Rows rows = {{"ID", "TYPE", "STATE", "AGE", "ATTEMPT", ""}};
  for (const v1::Job& job : jobs.jobs()) {
    rows.push_back({Printable(job.id()), Printable(job.type()), v1::Job::State_Name(job.state()),
                    ShortDuration(now - ToTime(job.create_time())), absl::StrCat(job.attempt()),
                    ""});
  }
  int note_columns = kNoteColumns;
  if (columns.has_value()) {
    const std::string without_notes = Table(rows);
    const int taken = Columns(without_notes.substr(0, without_notes.find('\n')));
    note_columns = std::max(kNarrowestNote, *columns - taken);
  }
  rows[0].back() = "PROGRESS";
  for (int i = 0; i < jobs.jobs_size(); ++i) {
    rows[i + 1].back() = CutToColumns(Note(jobs.jobs(i), now), note_columns);
  }
  return Table(rows);
}

std::string DescribeQueue(const v1::Queue& queue) {
  Rows rows = {
      {"queue", ShortQueueName(queue)},
      {"state", queue.paused() ? "PAUSED" : "open"},
      {"ready", absl::StrCat(queue.ready())},
      {"running", absl::StrCat(queue.running())},
      {"scheduled", absl::StrCat(queue.scheduled())},
      {"succeeded", absl::StrCat(queue.succeeded())},
      {"failed", absl::StrCat(queue.failed())},
      {"cancelled", absl::StrCat(queue.cancelled())},
  };
  AddText("oldest ready", OldestAge(queue), &rows);
  rows.push_back(
      {"workers", absl::StrCat(queue.workers(), " with ", Counted(queue.slots(), "slot"))});
  if (queue.stalled_workers() > 0) {
    AddText("take nothing",
            absl::StrCat(Counted(queue.stalled_workers(), "worker"), "; ", queue.stall_reason()),
            &rows);
  }
  rows.push_back(
      {"rates", absl::StrFormat("%.1f submitted, %.1f started, %.1f ended per second",
                                queue.submit_rate(), queue.start_rate(), queue.end_rate())});
  AddText("types", absl::StrJoin(queue.types(), " "), &rows);
  if (queue.max_waiting() > 0) AddText("at most", absl::StrCat(queue.max_waiting()), &rows);
  return Table(rows);
}

std::string QueueTable(const v1::ListQueuesResponse& queues) {
  if (queues.queues().empty()) return "";
  Rows rows = {{"QUEUE", "STATE", "READY", "RUNNING", "SCHEDULED", "SUCCEEDED", "FAILED",
                "CANCELLED", "OLDEST", "WORKERS", "SLOTS"}};
  const bool any_stalled =
      std::any_of(queues.queues().begin(), queues.queues().end(),
                  [](const v1::Queue& queue) { return queue.stalled_workers() > 0; });
  if (any_stalled) rows[0].emplace_back("TAKE NOTHING");
  for (const v1::Queue& queue : queues.queues()) {
    rows.push_back({ShortQueueName(queue), queue.paused() ? "PAUSED" : "open",
                    absl::StrCat(queue.ready()), absl::StrCat(queue.running()),
                    absl::StrCat(queue.scheduled()), absl::StrCat(queue.succeeded()),
                    absl::StrCat(queue.failed()), absl::StrCat(queue.cancelled()), OldestAge(queue),
                    absl::StrCat(queue.workers()), absl::StrCat(queue.slots())});
    if (any_stalled) {
      rows.back().push_back(queue.stalled_workers() == 0
                                ? ""
                                : absl::StrCat(Counted(queue.stalled_workers(), "worker"), "; ",
                                               Printable(queue.stall_reason())));
    }
  }
  return Table(rows);
}

std::string EndText(const v1::Job& job) {
  std::string text = v1::Job::State_Name(job.state());
  if (job.has_create_time() && job.has_end_time()) {
    absl::StrAppend(&text, " after ",
                    ShortDuration(ToTime(job.end_time()) - ToTime(job.create_time())));
  }
  if (job.attempt() > 1) absl::StrAppend(&text, " at attempt ", job.attempt());
  if (job.has_error()) absl::StrAppend(&text, ": ", ErrorLine(job.error()));
  if (job.has_result()) {
    absl::StrAppend(&text, ": ", Counted(job.result().size(), "byte"), " of ",
                    Printable(job.result().content_type()));
  }
  return absl::StrCat(text, "\n", Detail(job.error()));
}

}  // namespace buzzer::cli

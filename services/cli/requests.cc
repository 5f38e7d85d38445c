// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/requests.h"

#include <google/protobuf/util/json_util.h>

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/limits/limits.h"
#include "nlohmann/json.hpp"

namespace buzzer::cli {
namespace {

// The server counts the compact form; white space may make a file longer.
constexpr size_t kMaxJsonFileBytes = 4 * kMaxPayloadBytes;

absl::StatusOr<std::pair<std::string, std::string>> SplitLabel(const std::string& label) {
  const size_t equals = label.find('=');
  if (equals == std::string::npos || equals == 0) {
    return BadOption("label", absl::StrCat("'", label, "' is no label; write KEY=VALUE"));
  }
  return std::pair(label.substr(0, equals), label.substr(equals + 1));
}

absl::Status SetPayload(const Arguments& arguments, FileReader read_file,
                        v1::SubmitJobRequest* request) {
  if (arguments.Has("payload-file")) {
    if (arguments.Has("payload")) return BadOption("payload", "not together with --payload-file");
    auto bytes = read_file(arguments.Text("payload-file"), kMaxPayloadBytes);
    if (!bytes.ok()) return BadOption("payload-file", bytes.status().message());
    request->set_payload_bytes(*std::move(bytes));
    request->set_payload_content_type(arguments.Text("content-type"));
    return absl::OkStatus();
  }
  if (arguments.Has("content-type")) {
    return BadOption("content-type", "only with --payload-file; --payload is application/json");
  }
  if (!arguments.Has("payload")) return absl::OkStatus();
  std::string json = arguments.Text("payload");
  if (json == "-" || absl::StartsWith(json, "@")) {
    auto text = read_file(json == "-" ? json : json.substr(1), kMaxJsonFileBytes);
    if (!text.ok()) return BadOption("payload", text.status().message());
    json = *std::move(text);
  }
  // Protobuf's own parser takes what is not JSON, single quotes for one.
  if (!nlohmann::json::accept(json) ||
      !google::protobuf::util::JsonStringToMessage(json, request->mutable_payload()).ok()) {
    return BadOption("payload",
                     "that is not JSON; write it like '{\"seconds\": 5}', name a file with @FILE, "
                     "or send bytes with --payload-file");
  }
  return absl::OkStatus();
}

absl::Status SetPriority(const Arguments& arguments, v1::SubmitJobRequest* request) {
  const std::string priority = arguments.Text("priority");
  v1::Job::Priority value = v1::Job::PRIORITY_UNSPECIFIED;
  if (arguments.Has("priority") &&
      (!v1::Job::Priority_Parse(absl::AsciiStrToUpper(priority), &value) ||
       value == v1::Job::PRIORITY_UNSPECIFIED)) {
    return BadOption("priority",
                     absl::StrCat("'", priority, "' is unknown; it is high, normal or low"));
  }
  request->set_priority(value);
  return absl::OkStatus();
}

// `field` is asked only if the option was given: asking sets it.
template <typename Message>
absl::Status SetDuration(const Arguments& arguments, absl::string_view option,
                         google::protobuf::Duration* (Message::*field)(), Message* message) {
  const auto duration = arguments.Duration(option);
  if (!duration.ok()) return duration.status();
  if (!duration->has_value()) return absl::OkStatus();
  const int64_t seconds = absl::ToInt64Seconds(**duration);
  google::protobuf::Duration* const value = (message->*field)();
  value->set_seconds(seconds);
  value->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(**duration - absl::Seconds(seconds))));
  return absl::OkStatus();
}

absl::Status SetTimes(const Arguments& arguments, v1::SubmitJobRequest* request) {
  using Request = v1::SubmitJobRequest;
  absl::Status status;
  status.Update(SetDuration(arguments, "delay", &Request::mutable_delay, request));
  status.Update(SetDuration(arguments, "deadline", &Request::mutable_deadline, request));
  status.Update(
      SetDuration(arguments, "attempt-timeout", &Request::mutable_attempt_timeout, request));
  status.Update(SetDuration(arguments, "lease", &Request::mutable_lease, request));
  status.Update(SetDuration(arguments, "retention", &Request::mutable_retention, request));
  if (!status.ok() || !arguments.Has("run-at")) return status;
  if (arguments.Has("delay")) return BadOption("run-at", "not together with --delay");
  absl::Time time;
  const std::string text = arguments.Text("run-at");
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ||
      time == absl::InfiniteFuture() || time == absl::InfinitePast()) {
    return BadOption("run-at", absl::StrCat("'", text,
                                            "' is no time; write it with its zone, like "
                                            "2026-01-31T08:00:00Z or 2026-01-31T09:00:00+01:00"));
  }
  const int64_t seconds = absl::ToUnixSeconds(time);
  request->mutable_run_at()->set_seconds(seconds);
  request->mutable_run_at()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return status;
}

absl::Status SetNumber(const Arguments& arguments, absl::string_view option,
                       void (v1::RetryPolicy::*set)(double), v1::RetryPolicy* retry) {
  if (!arguments.Has(option)) return absl::OkStatus();
  double number = 0;
  if (!absl::SimpleAtod(arguments.Text(option), &number)) {
    return BadOption(option, absl::StrCat("'", arguments.Text(option), "' is no number"));
  }
  (retry->*set)(number);
  return absl::OkStatus();
}

absl::Status SetRetries(const Arguments& arguments, v1::SubmitJobRequest* request) {
  using Policy = v1::RetryPolicy;
  const auto max_attempts = arguments.Number("max-attempts", 1, kMaxMaxAttempts);
  if (!max_attempts.ok()) return max_attempts.status();
  request->set_max_attempts(static_cast<int32_t>(max_attempts->value_or(0)));
  v1::RetryPolicy retry;
  absl::Status status;
  status.Update(SetDuration(arguments, "retry-initial", &Policy::mutable_initial_delay, &retry));
  status.Update(SetDuration(arguments, "retry-max", &Policy::mutable_max_delay, &retry));
  status.Update(SetNumber(arguments, "retry-factor", &Policy::set_factor, &retry));
  status.Update(SetNumber(arguments, "retry-jitter", &Policy::set_jitter, &retry));
  for (const std::string& reason : arguments.All("retry-final")) retry.add_final_reasons(reason);
  if (retry.ByteSizeLong() > 0) *request->mutable_retry() = std::move(retry);
  return status;
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}}), "\"");
}

// The resource's name, also out of a URL or a path of the REST API, which people paste:
// `http://localhost:8080/v1/jobs/ID:watch`, `/v1/jobs/ID/result?x=y`.
std::string Name(absl::string_view collection, absl::string_view argument) {
  absl::string_view id = absl::StripAsciiWhitespace(argument);
  const std::string path = absl::StrCat("v1/", collection);
  if (const size_t found = id.find(path); found != id.npos) {
    id.remove_prefix(found + path.size());
  } else {
    absl::ConsumePrefix(&id, "/");
    absl::ConsumePrefix(&id, collection);
  }
  id = absl::StripAsciiWhitespace(id.substr(0, id.find_first_of("/?#:")));
  return absl::StrCat(collection, id);
}

}  // namespace

absl::StatusOr<v1::SubmitJobRequest> MakeSubmitRequest(const Arguments& arguments,
                                                       FileReader read_file) {
  v1::SubmitJobRequest request;
  request.set_type(arguments.argument());
  request.set_queue(arguments.Text("queue"));
  request.set_idempotency_key(arguments.Text("key"));
  if (arguments.Has("key") && arguments.Text("key").empty()) {
    return BadOption("key", "is empty; a key has 1 to 255 printable ASCII characters");
  }
  for (const std::string& text : arguments.All("label")) {
    const auto label = SplitLabel(text);
    if (!label.ok()) return label.status();
    if (!request.mutable_labels()->insert({label->first, label->second}).second) {
      return BadOption("label", absl::StrCat("'", label->first, "' is given twice"));
    }
  }
  absl::Status status = SetPriority(arguments, &request);
  status.Update(SetTimes(arguments, &request));
  status.Update(SetRetries(arguments, &request));
  // Last, because it may wait for standard input.
  if (status.ok()) status = SetPayload(arguments, read_file, &request);
  if (!status.ok()) return status;
  return request;
}

absl::StatusOr<v1::ListJobsRequest> MakeListRequest(const Arguments& arguments) {
  std::vector<std::string> conditions;
  if (arguments.Has("filter")) conditions.push_back(arguments.Text("filter"));
  if (arguments.Has("state")) {
    v1::Job::State state;
    const std::string name = absl::AsciiStrToUpper(arguments.Text("state"));
    if (!v1::Job::State_Parse(name, &state) || state == v1::Job::STATE_UNSPECIFIED) {
      return BadOption("state", absl::StrCat("'", arguments.Text("state"),
                                             "' is unknown; it is scheduled, queued, running, "
                                             "cancelling, succeeded, failed or cancelled"));
    }
    conditions.push_back(absl::StrCat("state = ", name));
  }
  for (const char* option : {"type", "queue"}) {
    if (arguments.Has(option)) {
      conditions.push_back(absl::StrCat(option, " = ", Quoted(arguments.Text(option))));
    }
  }
  for (const std::string& text : arguments.All("label")) {
    const auto label = SplitLabel(text);
    if (!label.ok()) return label.status();
    conditions.push_back(absl::StrCat("labels.", label->first, " = ", Quoted(label->second)));
  }
  v1::ListJobsRequest request;
  request.set_filter(absl::StrJoin(conditions, " AND "));
  return request;
}

std::string JobName(absl::string_view argument) { return Name("jobs/", argument); }

std::string QueueName(absl::string_view argument) { return Name("queues/", argument); }

std::string TypeName(absl::string_view argument) { return Name("types/", argument); }

}  // namespace buzzer::cli

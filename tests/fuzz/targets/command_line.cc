// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The words of the `buzzer` command, one a line, and the requests that are made of them.

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "common/utf8/utf8.h"
#include "services/cli/arguments.h"
#include "services/cli/requests.h"
#include "services/cli/terminal_text.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::cli {
namespace {

absl::StatusOr<std::string> ReadNothing(const std::string&, size_t) {
  return std::string("{\"from\": \"a file\"}");
}

void CheckDuration(bool is_set, const google::protobuf::Duration& duration) {
  if (!is_set) return;
  FUZZ_CHECK(duration.seconds() >= 0);
  FUZZ_CHECK(duration.nanos() >= 0 && duration.nanos() < 1'000'000'000);
}

void CheckSubmit(const Arguments& arguments) {
  const auto request = MakeSubmitRequest(arguments, ReadNothing);
  if (!request.ok()) {
    FUZZ_CHECK(request.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(!request.status().message().empty());
    return;
  }
  FUZZ_CHECK(request->type() == arguments.argument());
  FUZZ_CHECK(request->max_attempts() >= 0 && request->max_attempts() <= 100);
  FUZZ_CHECK(!request->has_run_at() || !request->has_delay());
  CheckDuration(request->has_delay(), request->delay());
  CheckDuration(request->has_deadline(), request->deadline());
  CheckDuration(request->has_attempt_timeout(), request->attempt_timeout());
  CheckDuration(request->has_lease(), request->lease());
  CheckDuration(request->has_retention(), request->retention());
  const v1::RetryPolicy& retry = request->retry();
  CheckDuration(retry.has_initial_delay(), retry.initial_delay());
  CheckDuration(retry.has_max_delay(), retry.max_delay());
  if (request->has_run_at()) {
    FUZZ_CHECK(request->run_at().nanos() >= 0 && request->run_at().nanos() < 1'000'000'000);
  }
  FUZZ_CHECK(!request->has_payload() || request->payload_bytes().empty());
}

void Run(const std::string& input) {
  std::vector<std::string> words = absl::StrSplit(input, '\n');
  if (words.size() > 40) return;
  const auto arguments = Arguments::Parse(words);
  if (!arguments.ok()) {
    FUZZ_CHECK(arguments.status().code() == absl::StatusCode::kInvalidArgument);
    FUZZ_CHECK(!arguments.status().message().empty());
    return;
  }
  if (arguments->command() == nullptr) {
    FUZZ_CHECK(arguments->help());
    return;
  }
  if (arguments->help()) return;
  FUZZ_CHECK(arguments->command()->argument.empty() == arguments->argument().empty());
  if (arguments->command()->name == "submit") CheckSubmit(*arguments);
  if (arguments->command()->name == "list") (void)MakeListRequest(*arguments);
  FUZZ_CHECK(JobName(JobName(arguments->argument())) == JobName(arguments->argument()));
}

}  // namespace
}  // namespace buzzer::cli

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // As main does, or gRPC would refuse it.
  buzzer::cli::Run(buzzer::ToValidUtf8(buzzer::fuzz::ToView(data, size)));
  return 0;
}

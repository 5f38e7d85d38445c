// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-load: submits jobs over gRPC, and tells rates and latencies as one line of JSON.
//
//   buzzer-load --jobs=100000 --in_flight=64              closed loop
//   buzzer-load --jobs=100000 --batch=100 --in_flight=4   the same by BatchSubmitJobs
//   buzzer-load --jobs=6000 --rate=100                    open loop
//   buzzer-load --jobs=60 --rest=1200..3000               lone calls on one idle connection
//
// In the open loop calls start when they are due, however slow the answers are, and their
// latency counts from then: a stall of the server shows in every call that it delays.

#include <iostream>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/bench/load/load.h"

ABSL_FLAG(std::string, address, "127.0.0.1:50051", "The frontend: host:port or unix:PATH.");
ABSL_FLAG(std::string, type, "demo.echo", "Type of the jobs.");
ABSL_FLAG(int64_t, jobs, 10'000, "How many to submit.");
ABSL_FLAG(int, batch, 0, "Jobs of one BatchSubmitJobs call; 0: SubmitJob.");
ABSL_FLAG(int, in_flight, 64, "Closed loop: calls under way. Open loop: most of them.");
ABSL_FLAG(int, channels, 4, "TCP connections.");
ABSL_FLAG(double, rate, 0, "Calls a second of the open loop; 0: closed loop.");
ABSL_FLAG(std::string, rest, "", "MIN..MAX: ms of rest before each lone call, at random.");
ABSL_FLAG(int, payload_bytes, 16, "Size of each payload, a JSON string.");
ABSL_FLAG(std::string, label, "", "KEY=VALUE that each job has.");

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Submits jobs, and tells rates and latencies as JSON.");
  absl::ParseCommandLine(argc, argv);
  buzzer::bench::Options options;
  options.address = absl::GetFlag(FLAGS_address);
  options.type = absl::GetFlag(FLAGS_type);
  options.jobs = absl::GetFlag(FLAGS_jobs);
  options.batch = absl::GetFlag(FLAGS_batch);
  options.in_flight = absl::GetFlag(FLAGS_in_flight);
  options.channels = absl::GetFlag(FLAGS_channels);
  options.rate = absl::GetFlag(FLAGS_rate);
  options.payload_bytes = absl::GetFlag(FLAGS_payload_bytes);
  options.label = absl::GetFlag(FLAGS_label);
  if (const std::string rest = absl::GetFlag(FLAGS_rest); !rest.empty()) {
    const std::pair<std::string, std::string> ends = absl::StrSplit(rest, "..");
    auto& [least, most] = options.rest_ms.emplace();
    if (!absl::SimpleAtod(ends.first, &least) || !absl::SimpleAtod(ends.second, &most) ||
        least < 0 || most < least) {
      std::cerr << "--rest: must be two times in ms, as 1200..3000" << std::endl;
      return 2;
    }
    if (options.batch > 0 || options.rate > 0) {
      std::cerr << "--rest: lone SubmitJob calls have neither --batch nor --rate" << std::endl;
      return 2;
    }
    options.channels = 1;
  }
  std::cout << buzzer::bench::Run(options) << std::endl;
  return 0;
}

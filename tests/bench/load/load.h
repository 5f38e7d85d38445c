// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_LOAD_LOAD_H_
#define TESTS_BENCH_LOAD_LOAD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace buzzer::bench {

// See the flags of buzzer-load.
struct Options {
  std::string address;
  std::string type;
  int64_t jobs = 0;
  int batch = 0;
  int in_flight = 1;
  int channels = 1;
  double rate = 0;
  // Milliseconds of rest before each of lone calls, at random within these.
  std::optional<std::pair<double, double>> rest_ms;
  int payload_bytes = 0;
  // KEY=VALUE, or empty.
  std::string label;
};

// Submits the jobs and waits for every answer. Gives a JSON object: jobs accepted, errors by
// name, seconds, jobs_per_second, and the latency of calls in ms as p50, p90, p99, p999 and
// max. Of an open loop also how many calls could not start when due, since in_flight of them
// were under way.
std::string Run(const Options& options);

}  // namespace buzzer::bench

#endif  // TESTS_BENCH_LOAD_LOAD_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_BOUNDARY_HELLO_ANSWER_H_
#define SERVICES_WORKER_BOUNDARY_HELLO_ANSWER_H_

#include <string>
#include <vector>

#include "buzzer/internal/v1/work_service.pb.h"

namespace buzzer::worker {

// What state did not take of a worker's Hello. At most one of queue and type is set; neither: it
// concerns the whole worker.
struct Refusal {
  std::string queue;
  std::string type;
  // For people: one line of valid UTF-8, at most 512 bytes.
  std::string message;

  bool operator==(const Refusal&) const = default;
};

// The refusals that can be understood, at most 1000: each names what is a name, or nothing.
std::vector<Refusal> ReadHelloAnswer(const internal::v1::HelloAnswer& answer);

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_BOUNDARY_HELLO_ANSWER_H_

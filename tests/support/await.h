// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SUPPORT_AWAIT_H_
#define TESTS_SUPPORT_AWAIT_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/integration/support/watched.h"

namespace buzzer::testing {

// Starts a call that answers by a callback, and waits for the answer:
//   auto job = Await<JobRecord>([&](auto done) { store->Get(tenant, id, done); });
// DEADLINE_EXCEEDED if none comes within a minute.
template <typename T, typename Start>
absl::StatusOr<T> Await(Start start) {
  auto answer = std::make_shared<Watched<std::optional<absl::StatusOr<T>>>>();
  start([answer](absl::StatusOr<T> value) { answer->Set(std::move(value)); });
  if (!answer->Await([](const auto& value) { return value.has_value(); })) {
    return absl::DeadlineExceededError("no answer came");
  }
  return *answer->Get();
}

}  // namespace buzzer::testing

#endif  // TESTS_SUPPORT_AWAIT_H_

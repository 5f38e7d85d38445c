// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SUPPORT_AWAIT_H_
#define TESTS_SUPPORT_AWAIT_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "tests/integration/support/watched.h"

namespace buzzer::testing {

// The same status with nothing shared. A status counts its references inside Debian's
// Abseil, which ThreadSanitizer cannot see: what is shared between threads looks like a race.
inline absl::Status Unshared(const absl::Status& status) {
  absl::Status copy(status.code(), status.message());
  status.ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    copy.SetPayload(type, absl::Cord(std::string(payload)));
  });
  return copy;
}

// Starts a call that answers by a callback, and waits for the answer:
//   auto job = Await<JobRecord>([&](const auto& done) { store->Get(tenant, id, done); });
// DEADLINE_EXCEEDED if none comes within a minute.
template <typename T, typename Start>
absl::StatusOr<T> Await(const Start& start) {
  auto answer = std::make_shared<Watched<std::optional<absl::StatusOr<T>>>>();
  start([answer](absl::StatusOr<T> value) {
    if (!value.ok()) value = Unshared(value.status());
    answer->Update([&](auto& place) { place = std::move(value); });
  });
  if (!answer->Await([](const auto& value) { return value.has_value(); })) {
    return absl::DeadlineExceededError("no answer came");
  }
  absl::StatusOr<T> taken = absl::UnknownError("");
  answer->Update([&](auto& place) { taken = *std::exchange(place, std::nullopt); });
  return taken;
}

}  // namespace buzzer::testing

#endif  // TESTS_SUPPORT_AWAIT_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_FIELD_ERRORS_H_
#define SERVICES_FRONTEND_FIELD_ERRORS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace buzzer::frontend {

// Gathers every faulty field of a request, so that one answer names them all. Not
// thread-safe.
class FieldErrors {
 public:
  // `field` is the proto path; `description` says what would be right.
  void Add(absl::string_view field, absl::string_view description);

  // As Add, and the whole answer carries this reason in place of INVALID_FIELD; of
  // several, the first one's.
  void AddWithReason(absl::string_view reason, absl::string_view field,
                     absl::string_view description);

  bool empty() const { return fields_.empty(); }

  // OK if there is none, else INVALID_ARGUMENT with a violation for each field (the
  // first 20).
  absl::Status ToStatus() const;

 private:
  std::string reason_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

// What a caller sent, for a message: at most 64 bytes of it, on one line, in quotes.
std::string Quoted(absl::string_view text);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_FIELD_ERRORS_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_REQUEST_HASH_H_
#define SERVICES_FRONTEND_REQUEST_HASH_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "buzzer/v1/job_service.pb.h"

namespace buzzer::frontend {

// Which fields, in which form, RequestHash covers. Stored beside each hash: whoever
// changes the form raises it, so that old hashes are never compared with new ones.
inline constexpr int32_t kRequestHashVersion = 1;

// What makes two submits with one idempotency key "the same request": the SHA-256 (32
// bytes) over the fields as the caller gave them, in the order of their numbers. Unset
// fields are left out, and so is a retry policy that sets nothing; so a field that is new
// leaves the hash of a request without it as it was. Labels are sorted, delays are taken as
// given; the idempotency key itself is not covered. `payload` is the JSON text of the
// request's payload, as ToJson makes it, or empty if it has none.
std::string RequestHash(const v1::SubmitJobRequest& request, absl::string_view payload);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_REQUEST_HASH_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_FRONTEND_PAGE_TOKEN_H_
#define SERVICES_FRONTEND_PAGE_TOKEN_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/job_id/job_id.h"

namespace buzzer::frontend {

// Where a page of ListJobs begins, as opaque text (base64url, 43 characters). It is
// bound to the tenant and the filter by a checksum, so that a token that was changed,
// or came from another list, is found out. It holds no secret: whoever makes one up can
// only begin a list of its own tenant elsewhere.
std::string MakePageToken(absl::string_view tenant, absl::string_view filter, const JobId& before);

// nullopt for an empty token: the list begins at the newest. INVALID_ARGUMENT
// (INVALID_PAGE_TOKEN) if it is not one that MakePageToken made for the same tenant and
// filter.
absl::StatusOr<std::optional<JobId>> ParsePageToken(absl::string_view tenant,
                                                    absl::string_view filter,
                                                    absl::string_view token);

}  // namespace buzzer::frontend

#endif  // SERVICES_FRONTEND_PAGE_TOKEN_H_

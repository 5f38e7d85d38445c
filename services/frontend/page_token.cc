// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "services/frontend/sha256.h"

namespace buzzer::frontend {
namespace {

constexpr size_t kIdBytes = 16;
constexpr size_t kChecksumBytes = 16;
// Changes with the form, so that a token of another version is not misread.
constexpr char kVersion[] = "buzzer.v1 page token 1";

std::string Checksum(absl::string_view tenant, absl::string_view filter, absl::string_view id) {
  Sha256 hash;
  // The parts cannot run into each other: a tenant has no NUL, the id's length is fixed.
  hash.Update(absl::string_view(kVersion, sizeof(kVersion)));
  hash.Update(tenant);
  hash.Update(absl::string_view("\0", 1));
  hash.Update(id);
  hash.Update(filter);
  return hash.Finish().substr(0, kChecksumBytes);
}

}  // namespace

std::string MakePageToken(absl::string_view tenant, absl::string_view filter, const JobId& before) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(before.bytes(), Checksum(tenant, filter, before.bytes())));
}

absl::StatusOr<std::optional<JobId>> ParsePageToken(absl::string_view tenant,
                                                    absl::string_view filter,
                                                    absl::string_view token) {
  if (token.empty()) return std::optional<JobId>();
  std::string bytes;
  if (absl::WebSafeBase64Unescape(token, &bytes) && bytes.size() == kIdBytes + kChecksumBytes) {
    const absl::string_view id = absl::string_view(bytes).substr(0, kIdBytes);
    // Several texts decode to the same bytes; only ours is taken.
    if (absl::string_view(bytes).substr(kIdBytes) == Checksum(tenant, filter, id) &&
        absl::WebSafeBase64Escape(bytes) == token) {
      return JobId::FromBytes(id);
    }
  }
  constexpr char kWhat[] =
      "must be the next_page_token of the page before, sent with the same filter";
  return ErrorBuilder(absl::StatusCode::kInvalidArgument, "INVALID_PAGE_TOKEN",
                      absl::StrCat("`page_token`: ", kWhat))
      .Field("page_token", kWhat)
      .Build();
}

}  // namespace buzzer::frontend

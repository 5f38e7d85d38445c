// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// Page tokens, as a caller changes them: three texts, tenant, filter and token.

#include "services/frontend/page_token.h"

#include "common/errors/errors.h"
#include "services/frontend/validation.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::frontend {
namespace {

void Run(absl::string_view input) {
  fuzz::Parts parts(input);
  const absl::string_view tenant = parts.Next();
  if (!ParseTenant(tenant).ok()) return;
  const absl::string_view filter = parts.Next();
  const absl::string_view token = parts.Rest();

  const auto before = ParsePageToken(tenant, filter, token);
  if (!before.ok()) {
    fuzz::CheckError(before.status(), absl::StatusCode::kInvalidArgument, "page_token", 256);
    FUZZ_CHECK(ErrorReason(before.status()) == "INVALID_PAGE_TOKEN");
  } else if (!token.empty()) {
    FUZZ_CHECK(before->has_value());
    FUZZ_CHECK(MakePageToken(tenant, filter, **before) == token);
  } else {
    FUZZ_CHECK(!before->has_value());
  }

  // Whatever id it is, its own token leads back to it, and to no other list.
  std::string bytes(token.substr(0, 16));
  bytes.resize(16);
  const JobId id = *JobId::FromBytes(bytes);
  std::string made = MakePageToken(tenant, filter, id);
  FUZZ_CHECK(made.size() == 43 && fuzz::IsPrintableAscii(made));
  const auto again = ParsePageToken(tenant, filter, made);
  FUZZ_CHECK(again.ok() && *again == id);
  FUZZ_CHECK(!ParsePageToken(tenant, std::string(filter) + "x", made).ok());
  FUZZ_CHECK(!ParsePageToken(std::string(tenant) + "x", filter, made).ok());
  // Nor does one with a character changed.
  char& changed = made[token.size() % made.size()];
  changed = changed == 'A' ? 'B' : 'A';
  FUZZ_CHECK(!ParsePageToken(tenant, filter, made).ok());
}

}  // namespace
}  // namespace buzzer::frontend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  buzzer::frontend::Run(buzzer::fuzz::ToView(data, size));
  return 0;
}

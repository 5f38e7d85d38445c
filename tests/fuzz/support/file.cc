// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/support/file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/fuzz/support/check.h"

namespace buzzer::fuzz {

// Its path is as short as that of a real one.
File::File() : fd_(memfd_create("fuzz.yaml", 0)), path_(absl::StrCat("/proc/self/fd/", fd_)) {
  FUZZ_CHECK(fd_ >= 0);
}

File::~File() { close(fd_); }

void File::Write(absl::string_view text) {
  FUZZ_CHECK(ftruncate(fd_, 0) == 0);
  FUZZ_CHECK(pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
}

void CheckFaults(const absl::Status& error, const std::string& path) {
  constexpr size_t kMaxBytes = 40 << 10;
  FUZZ_CHECK(error.code() == absl::StatusCode::kInvalidArgument);
  FUZZ_CHECK_SEEN(error.message().size() <= kMaxBytes, error.message());
  const std::vector<absl::string_view> faults = absl::StrSplit(error.message(), '\n');
  for (absl::string_view fault : faults) {
    CheckText(fault, 2048);
    FUZZ_CHECK_SEEN(absl::ConsumePrefix(&fault, absl::StrCat(path, ":")), error.message());
    if (absl::StartsWith(fault, " and ")) continue;  // And so many more.
    const size_t colon = fault.find(": ");
    FUZZ_CHECK_SEEN(colon != absl::string_view::npos && colon + 2 < fault.size(), fault);
    int line = 0;
    FUZZ_CHECK_SEEN(absl::SimpleAtoi(fault.substr(0, colon), &line) && line >= 0, fault);
  }
}

}  // namespace buzzer::fuzz

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/free_disk.h"

#include <sys/statvfs.h>

namespace buzzer::state {

std::optional<int64_t> FreeDisk(const std::string& directory) {
  struct statvfs disk;
  if (statvfs(directory.c_str(), &disk) != 0) return std::nullopt;
  return static_cast<int64_t>(disk.f_bavail * disk.f_frsize);
}

}  // namespace buzzer::state

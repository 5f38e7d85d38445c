// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_FILE_FREE_DISK_H_
#define SERVICES_STATE_STORE_SQLITE_FILE_FREE_DISK_H_

#include <cstdint>
#include <optional>
#include <string>

namespace buzzer::state {

// Bytes that this user may still write to the disk of the directory; nullopt if the file system
// does not tell.
std::optional<int64_t> FreeDisk(const std::string& directory);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_FILE_FREE_DISK_H_

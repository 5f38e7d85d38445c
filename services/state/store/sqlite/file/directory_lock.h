// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_FILE_DIRECTORY_LOCK_H_
#define SERVICES_STATE_STORE_SQLITE_FILE_DIRECTORY_LOCK_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace buzzer::state {

// Holds a directory for this process until destroyed; the kernel lets go of it when
// the process dies, however it dies.
class DirectoryLock {
 public:
  // Creates the directory if need be. FAILED_PRECONDITION names the process that
  // holds it; UNAVAILABLE if it cannot be created or written.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Acquire(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_FILE_DIRECTORY_LOCK_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_HANDLERS_FILE_DESCRIPTOR_H_
#define SERVICES_WORKER_HANDLERS_FILE_DESCRIPTOR_H_

#include <unistd.h>

#include <utility>

namespace buzzer::worker {

// Owns an open file descriptor; -1: none. Not thread-safe.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_HANDLERS_FILE_DESCRIPTOR_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FUZZ_SUPPORT_FILE_H_
#define TESTS_FUZZ_SUPPORT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace buzzer::fuzz {

// A file in memory that is written anew again and again, for what reads files by their path.
class File {
 public:
  File();
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void Write(absl::string_view text);
  const std::string& path() const { return path_; }

 private:
  const int fd_;
  const std::string path_;
};

// Every line of the error names the file and a line in it, says something, and is fit to be
// read; there are not more than so many bytes of them.
void CheckFaults(const absl::Status& error, const std::string& path);

}  // namespace buzzer::fuzz

#endif  // TESTS_FUZZ_SUPPORT_FILE_H_

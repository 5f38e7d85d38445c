// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/files.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace buzzer::cli {

absl::StatusOr<std::string> ReadFile(const std::string& name, size_t max_bytes, std::istream& in) {
  std::ifstream file;
  if (name != "-") {
    file.open(name, std::ios::binary);
    if (!file) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot read the file '", name, "': ", strerror(errno)));
    }
  }
  std::istream& source = name == "-" ? in : file;
  std::string bytes(max_bytes + 1, '\0');
  source.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (source.bad()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read '", name, "': it is no file"));
  }
  bytes.resize(static_cast<size_t>(source.gcount()));
  if (bytes.size() > max_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is larger than ", max_bytes, " bytes"));
  }
  return bytes;
}

absl::Status WriteFile(const std::string& path, absl::string_view bytes) {
  const std::string partial = absl::StrCat(path, ".partial-", getpid());
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  file << bytes;
  file.close();
  if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
    absl::Status status =
        absl::InvalidArgumentError(absl::StrCat("cannot write ", path, ": ", strerror(errno)));
    std::remove(partial.c_str());
    return status;
  }
  return absl::OkStatus();
}

}  // namespace buzzer::cli

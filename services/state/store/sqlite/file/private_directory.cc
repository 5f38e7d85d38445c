// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/store/sqlite/file/private_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "common/log/log.h"

namespace buzzer::state {
namespace {

constexpr mode_t kOthers = S_IRWXO;

// Whether this was a file of ours that others had a right to.
bool CloseFile(int directory, const char* name) {
  struct stat file {};
  if (fstatat(directory, name, &file, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(file.st_mode) ||
      (file.st_mode & kOthers) == 0 || file.st_uid != geteuid()) {
    return false;
  }
  return fchmodat(directory, name, file.st_mode & 07777 & ~kOthers, 0) == 0;
}

}  // namespace

void KeepPrivate(const std::string& directory) {
  DIR* const opened = opendir(directory.c_str());
  if (opened == nullptr) return;
  int closed = 0;
  while (const dirent* entry = readdir(opened)) {
    closed += CloseFile(dirfd(opened), entry->d_name) ? 1 : 0;
  }
  struct stat info {};
  const bool known = fstat(dirfd(opened), &info) == 0;
  closedir(opened);
  if (closed > 0) {
    log::Warning("data_was_open_to_others",
                 {{"directory", directory},
                  {"files", closed},
                  {"error", "other users of this machine could read the jobs; now they cannot"}});
  }
  // One that belongs to somebody else, such as a volume of Kubernetes, is theirs to close, unless
  // others could put a database of theirs in the place of ours.
  if (known && (info.st_mode & kOthers) != 0 &&
      (info.st_uid == geteuid() || (info.st_mode & S_IWOTH) != 0)) {
    log::Warning("data_directory_open_to_others",
                 {{"directory", directory},
                  {"error", absl::StrCat("other users of this machine can ",
                                         (info.st_mode & S_IWOTH) != 0 ? "write to" : "look into",
                                         " it; close it with: chmod o-rwx ", directory)}});
  }
}

}  // namespace buzzer::state

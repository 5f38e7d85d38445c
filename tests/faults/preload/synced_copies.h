// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FAULTS_PRELOAD_SYNCED_COPIES_H_
#define TESTS_FAULTS_PRELOAD_SYNCED_COPIES_H_

#include <mutex>
#include <string>

namespace buzzer::faults {

// What a directory would hold after a power cut: every file in it as of its last fsync,
// kept in the directory DIRECTORY.synced beside it. After the process was killed, the
// test puts that in the place of the directory (tests/faults/preload/cut_power).
//
// - A file's name is taken to be as durable as its content: it is there from the first
//   fsync, and an unlink or a rename counts at once. No program is wronged by that.
// - The copy is written in place after the fsync and before its caller goes on. A kill in
//   between leaves a mixture of old and new, which a disk does as well.
// - What was there before the first process that ran with this counts as synced.
// - Not seen, and so dropped: msync, O_SYNC, syncfs, renames of directories. SQLite uses
//   none of them; its -shm, mapped and never synced, needs to outlive nothing.
// Thread-safe.
class SyncedCopies {
 public:
  // Takes the directory as it is, unless it has copies already.
  explicit SyncedCopies(const std::string& directory);

  // The file was fsynced.
  void Keep(int fd);
  void Remove(const char* path);
  void Move(const char* from, const char* to);

 private:
  // Where the copy of a file is; empty for one outside of the directory.
  std::string CopyOf(const std::string& path) const;

  std::string directory_;
  std::string copies_;
  std::mutex mutex_;
};

}  // namespace buzzer::faults

#endif  // TESTS_FAULTS_PRELOAD_SYNCED_COPIES_H_

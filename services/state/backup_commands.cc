// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/backup_commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "buzzer/internal/v1/backup_service.grpc.pb.h"
#include "common/grpc/channel.h"
#include "services/state/store/sqlite/backup.h"

namespace buzzer::state {
namespace {

absl::Status SystemError(absl::string_view what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::strerror(errno)));
}

absl::Status Write(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return SystemError("cannot write the backup");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return absl::OkStatus();
}

// Bytes written.
absl::StatusOr<int64_t> Fetch(const StateAddress& from, int fd) {
  auto credentials = MakeChannelCredentials(from.tls);
  if (!credentials.ok()) return credentials.status();
  const auto stub = internal::v1::BackupService::NewStub(
      MakeChannel(from.address, *credentials, from.tls_server_name));
  grpc::ClientContext context;
  const auto pieces = stub->Backup(&context, internal::v1::BackupRequest());
  int64_t bytes = 0;
  for (internal::v1::BackupPiece piece; pieces->Read(&piece);) {
    if (absl::Status written = Write(fd, piece.data()); !written.ok()) {
      context.TryCancel();
      return written;
    }
    bytes += static_cast<int64_t>(piece.data().size());
  }
  if (const grpc::Status status = pieces->Finish(); !status.ok()) {
    return absl::UnavailableError(
        absl::StrCat("no backup from ", from.address, ": ", status.error_message()));
  }
  return bytes;
}

}  // namespace

absl::Status BackUp(const StateAddress& from, const std::string& file) {
  if (file == "-") return Fetch(from, STDOUT_FILENO).status();
  const std::string part = absl::StrCat(file, ".part");
  // Payloads are in it.
  const int fd = open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return SystemError(absl::StrCat("cannot make ", part));
  absl::Cleanup remove_part = [&part] { unlink(part.c_str()); };
  const absl::Cleanup close_it = [fd] { close(fd); };
  const auto bytes = Fetch(from, fd);
  if (!bytes.ok()) return bytes.status();
  if (fsync(fd) != 0 || rename(part.c_str(), file.c_str()) != 0) {
    return SystemError(absl::StrCat("cannot keep ", file));
  }
  std::move(remove_part).Cancel();
  std::cerr << absl::StrFormat("%s: %.1f MiB\n", file, static_cast<double>(*bytes) / (1 << 20));
  return absl::OkStatus();
}

absl::Status Restore(const std::string& file, const std::string& directory, bool replace) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return SystemError(absl::StrCat("cannot open ", file));
  }
  const auto restored = RestoreDatabase(file == "-" ? std::cin : opened, directory, replace);
  if (!restored.ok()) return restored.status();
  std::cerr << absl::StrFormat(
      "%s: %d jobs, of which %d waited and %d ran; newest change %s\n", directory, restored->jobs,
      restored->waiting, restored->running,
      restored->jobs == 0
          ? "none"
          : absl::FormatTime(absl::RFC3339_sec, restored->newest, absl::UTCTimeZone()));
  if (!restored->replaced.empty()) {
    std::cerr << "the database that was there is now " << restored->replaced << "\n";
  }
  return absl::OkStatus();
}

}  // namespace buzzer::state

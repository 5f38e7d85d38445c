// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/backup_service.h"

#include <grpcpp/alarm.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "common/grpc/status.h"
#include "common/log/log.h"
#include "common/mutex/mutex.h"
#include "services/state/store/sqlite/backup.h"

namespace buzzer::state {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

// A reader that takes no piece for this long is gone, whatever its connection says: the next
// backup must not wait for it.
constexpr std::chrono::seconds kStall(60);

// Cancels the call if this guard lives longer than kStall.
class StallGuard {
 public:
  explicit StallGuard(grpc::ServerContext* context) : call_(std::make_shared<Call>(context)) {
    alarm_.Set(std::chrono::system_clock::now() + kStall, [call = call_](bool due) {
      MutexLock lock(&call->mutex);
      if (due && call->context != nullptr) call->context->TryCancel();
    });
  }
  ~StallGuard() {
    MutexLock lock(&call_->mutex);
    call_->context = nullptr;
  }
  StallGuard(const StallGuard&) = delete;
  StallGuard& operator=(const StallGuard&) = delete;

 private:
  // The alarm may come when the call is over.
  struct Call {
    explicit Call(grpc::ServerContext* of) : context(of) {}
    Mutex mutex;
    grpc::ServerContext* context ABSL_GUARDED_BY(mutex);
  };
  const std::shared_ptr<Call> call_;
  grpc::Alarm alarm_;
};

}  // namespace

BackupService::BackupService(std::string directory, int64_t min_free_disk)
    : directory_(std::move(directory)),
      min_free_disk_(min_free_disk),
      copy_(absl::StrCat(directory_, "/backup.tmp")) {
  // Of a service that was killed over it.
  std::error_code none;
  std::filesystem::remove(copy_, none);
}

grpc::Status BackupService::Backup(grpc::ServerContext* context,
                                   const internal::v1::BackupRequest* /*request*/,
                                   grpc::ServerWriter<internal::v1::BackupPiece>* pieces) {
  if (busy_.exchange(true)) {
    return ToGrpcStatus(ErrorBuilder(absl::StatusCode::kFailedPrecondition, "BACKUP_UNDER_WAY",
                                     "another backup is under way; try again when it is done")
                            .Build());
  }
  const absl::Cleanup free = [this] { busy_ = false; };
  const absl::Time begun = absl::Now();
  const absl::Status sent = Send(context, pieces);
  const double seconds = absl::ToDoubleSeconds(absl::Now() - begun);
  if (sent.ok()) {
    log::Info("backup_sent", {{"seconds", seconds}});
  } else {
    log::Warning("backup_failed", {{"error", sent.message()}, {"seconds", seconds}});
  }
  return ToGrpcStatus(sent);
}

absl::Status BackupService::CheckRoom() const {
  auto size = CopySize(directory_);
  if (!size.ok()) return size.status();
  std::error_code error;
  const auto disk = std::filesystem::space(directory_, error);
  if (error || static_cast<int64_t>(disk.available) >= *size + min_free_disk_) {
    return absl::OkStatus();
  }
  return ErrorBuilder(absl::StatusCode::kResourceExhausted, "NO_ROOM_FOR_BACKUP",
                      absl::StrCat("a backup needs ", (*size + min_free_disk_) >> 20,
                                   " MiB free on the data directory's disk, which has ",
                                   disk.available >> 20, " MiB"))
      .Build();
}

absl::Status BackupService::Send(grpc::ServerContext* context,
                                 grpc::ServerWriter<internal::v1::BackupPiece>* pieces) {
  if (absl::Status room = CheckRoom(); !room.ok()) return room;
  const absl::Cleanup remove_copy = [this] {
    std::error_code none;
    std::filesystem::remove(copy_, none);
  };
  if (absl::Status copied =
          CopyDatabase(directory_, copy_, [context] { return !context->IsCancelled(); });
      !copied.ok()) {
    return copied;
  }
  std::ifstream copy(copy_, std::ios::binary);
  internal::v1::BackupPiece piece;
  while (copy) {
    std::string& data = *piece.mutable_data();
    data.resize(kPieceBytes);
    copy.read(data.data(), static_cast<std::streamsize>(data.size()));
    data.resize(static_cast<size_t>(copy.gcount()));
    if (data.empty()) continue;
    const StallGuard guard(context);
    if (!pieces->Write(piece))
      return absl::CancelledError("the caller went away, or reads nothing");
  }
  if (!copy.eof()) return absl::UnavailableError("cannot read the copy");
  return absl::OkStatus();
}

}  // namespace buzzer::state

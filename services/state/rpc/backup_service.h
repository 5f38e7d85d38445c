// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_RPC_BACKUP_SERVICE_H_
#define SERVICES_STATE_RPC_BACKUP_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "buzzer/internal/v1/backup_service.grpc.pb.h"

namespace buzzer::state {

// Gives out a copy of the database while the service goes on with it. Synchronous, since it is
// called seldom and waits for the disk. Thread-safe.
class BackupService final : public internal::v1::BackupService::Service {
 public:
  // Copies wait for their reader in `directory`, whose disk keeps `min_free_disk` bytes free.
  BackupService(std::string directory, int64_t min_free_disk);

  grpc::Status Backup(grpc::ServerContext* context, const internal::v1::BackupRequest* request,
                      grpc::ServerWriter<internal::v1::BackupPiece>* pieces) override;

 private:
  absl::Status Send(grpc::ServerContext* context,
                    grpc::ServerWriter<internal::v1::BackupPiece>* pieces);
  absl::Status CheckRoom() const;

  const std::string directory_;
  const int64_t min_free_disk_;
  const std::string copy_;
  std::atomic<bool> busy_ = false;
};

}  // namespace buzzer::state

#endif  // SERVICES_STATE_RPC_BACKUP_SERVICE_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_BACKUP_COMMANDS_H_
#define SERVICES_STATE_BACKUP_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "common/grpc/credentials.h"

namespace buzzer::state {

// Which state service is asked, and how.
struct StateAddress {
  std::string address;
  TlsFiles tls;
  // The name that its certificate must have; empty: that of `address`.
  std::string tls_server_name;
};

// What `buzzer-state backup FILE` does: asks the service for its database, and has it in FILE,
// synced, or nothing there. "-" is standard output. Tells the size on standard error. Main
// thread. Errors as of BackupService, and what the file system says.
absl::Status BackUp(const StateAddress& from, const std::string& file);

// What `buzzer-state restore FILE` does; see RestoreDatabase. "-" is standard input. Tells what
// it restored on standard error. Main thread.
absl::Status Restore(const std::string& file, const std::string& directory, bool replace);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_BACKUP_COMMANDS_H_

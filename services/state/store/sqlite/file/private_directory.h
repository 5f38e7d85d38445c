// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_STATE_STORE_SQLITE_FILE_PRIVATE_DIRECTORY_H_
#define SERVICES_STATE_STORE_SQLITE_FILE_PRIVATE_DIRECTORY_H_

#include <string>

namespace buzzer::state {

// Payloads, results and errors of every tenant lie in the data directory. Takes the rights
// that other users (neither owner nor group) have to files of ours in it away, as an earlier
// release or a copy may have left them; and says in the log what they could read, and how
// to close the directory itself, whose mode stays as its owner has set it. Nothing happens if
// it is not there yet.
void KeepPrivate(const std::string& directory);

}  // namespace buzzer::state

#endif  // SERVICES_STATE_STORE_SQLITE_FILE_PRIVATE_DIRECTORY_H_

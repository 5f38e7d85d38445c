// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_SHUTDOWN_SHUTDOWN_H_
#define COMMON_SHUTDOWN_SHUTDOWN_H_

namespace buzzer {

// Makes SIGTERM and SIGINT a thing to wait for, and ignores SIGPIPE. Call first
// in main, before any thread starts: threads inherit the blocked signals.
void BlockShutdownSignals();

// Waits for SIGTERM or SIGINT and returns its number. A second signal after that
// ends the process at once.
int WaitForShutdownSignal();

}  // namespace buzzer

#endif  // COMMON_SHUTDOWN_SHUTDOWN_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_FOREIGN_LOG_FOREIGN_LOG_H_
#define COMMON_FOREIGN_LOG_FOREIGN_LOG_H_

namespace buzzer {

// From now on what gRPC and Protobuf log becomes lines of ours, with the events `grpc` and
// `protobuf`. They would write it to standard error as it is, and some of it is a peer's text:
// with a newline in it, a line that looks like ours. A fault that is repeated is one line with a
// count (see log::FaultCounter), and a text is cut at 1 KiB.
//
// Call once, in main, before gRPC starts. GRPC_VERBOSITY=DEBUG and GRPC_TRACE still work.
void TakeForeignLogs();

}  // namespace buzzer

#endif  // COMMON_FOREIGN_LOG_FOREIGN_LOG_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/supervisor/protocol.h"

#include <cstring>

namespace buzzer::worker {
namespace {

constexpr int kMaxErrno = 4095;
constexpr int kMaxExitCode = 255;
constexpr int kMaxSignal = 64;

bool IsWithin(int value, int min, int max) { return value >= min && value <= max; }

bool IsSound(const SupervisorReport& report) {
  if (!IsWithin(report.ending, SupervisorReport::kByItself, SupervisorReport::kForSilence)) {
    return false;
  }
  switch (report.kind) {
    case SupervisorReport::kExited:
      return IsWithin(report.code, 0, kMaxExitCode);
    case SupervisorReport::kSignalled:
      return IsWithin(report.code, 1, kMaxSignal);
    case SupervisorReport::kNotStarted:
      return IsWithin(report.code, 0, kMaxErrno) &&
             IsWithin(report.failed_step, SupervisorReport::kFork, SupervisorReport::kReadProc);
    default:
      return false;
  }
}

}  // namespace

SupervisorMessage ReadSupervisorMessage(const char* data, size_t size) {
  SupervisorMessage message;
  if (size == 1 && *data == kAreYouThere) {
    message.kind = SupervisorMessage::kIsThere;
  } else if (size == sizeof(message.report)) {
    std::memcpy(&message.report, data, size);
    if (IsSound(message.report)) message.kind = SupervisorMessage::kReport;
  }
  return message;
}

}  // namespace buzzer::worker

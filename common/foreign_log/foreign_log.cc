// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/foreign_log/foreign_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/log/fault_counter.h"
#include "common/log/log.h"
#include "common/utf8/utf8.h"

namespace buzzer {
namespace {

constexpr size_t kMaxTextBytes = 1024;

// Where the text was logged, without the directories of whoever built the library.
std::string Place(absl::string_view file, int line) {
  return absl::StrCat(file.substr(file.rfind('/') + 1), ":", line);
}

// Never destroyed: the libraries' threads may log while the process exits.
log::FaultCounter& Faults() {
  static auto* const faults = new log::FaultCounter;
  return *faults;
}

// `place` is what makes two faults the same: the texts differ, with ports and peers in them.
void LogFault(absl::string_view event, const std::string& place, absl::string_view text) {
  const int64_t times = Faults().Note(absl::StrCat(event, " ", place));
  if (times == 0) return;
  const std::string valid = ToValidUtf8(text.substr(0, kMaxTextBytes));
  log::Warning(event, {{"at", place}, {"text", valid}, {"times", times}});
}

void OnGrpcLog(gpr_log_func_args* args) {
  const std::string place = Place(args->file, args->line);
  if (args->severity == GPR_LOG_SEVERITY_ERROR) {
    LogFault("grpc", place, args->message);
  } else {
    // Only who asked for it by GRPC_VERBOSITY has these, and wants all of them.
    log::Info("grpc",
              {{"at", place},
               {"text", ToValidUtf8(absl::string_view(args->message).substr(0, kMaxTextBytes))}});
  }
}

void OnProtobufLog(google::protobuf::LogLevel level, const char* file, int line,
                   const std::string& text) {
  // What is fatal ends the process by an exception after this.
  if (level >= google::protobuf::LOGLEVEL_WARNING) LogFault("protobuf", Place(file, line), text);
}

}  // namespace

void TakeForeignLogs() {
  gpr_set_log_function(OnGrpcLog);
  google::protobuf::SetLogHandler(OnProtobufLog);
}

}  // namespace buzzer

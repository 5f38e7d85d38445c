// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// What a program writes to its progress pipe, and what its supervisor says of its end. The
// first byte says in which pieces the rest arrives.

#include <google/protobuf/util/json_util.h>

#include <string>

#include "common/limits/limits.h"
#include "services/worker/handlers/line_reader.h"
#include "services/worker/progress.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::worker {
namespace {

constexpr size_t kMaxLine = 100;

void CheckLine(absl::string_view line) {
  FUZZ_CHECK(!line.empty() && line.size() <= kMaxLine);
  FUZZ_CHECK(line.find('\n') == absl::string_view::npos);
  v1::Progress progress;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  if (!google::protobuf::util::JsonStringToMessage(
           google::protobuf::StringPiece(line.data(), line.size()), &progress, options)
           .ok()) {
    return;
  }
  FitProgress(&progress);
  FUZZ_CHECK(progress.fraction() >= 0 && progress.fraction() <= 1);
  FUZZ_CHECK(progress.message().size() <= kMaxProgressMessageBytes);
  FUZZ_CHECK(!progress.has_update_time());
  // It can be sent: gRPC refuses strings that are not UTF-8.
  v1::Progress again;
  FUZZ_CHECK(again.ParseFromString(progress.SerializeAsString()));
}

std::string Read(absl::string_view text, size_t piece, int64_t* long_lines) {
  std::string lines;
  LineReader reader(kMaxLine, [&](absl::string_view line) {
    CheckLine(line);
    lines.append(line.data(), line.size());
    lines += '\n';
  });
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.Add(text.substr(0, piece));
  }
  reader.End();
  *long_lines = reader.long_lines();
  return lines;
}

void Run(size_t piece, absl::string_view text) {
  int64_t long_lines = 0, long_lines_in_pieces = 0;
  const std::string lines = Read(text, text.size() + 1, &long_lines);
  FUZZ_CHECK(Read(text, piece, &long_lines_in_pieces) == lines);
  FUZZ_CHECK(long_lines == long_lines_in_pieces);
}

}  // namespace
}  // namespace buzzer::worker

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) buzzer::worker::Run(1 + data[0] % 32, buzzer::fuzz::ToView(data + 1, size - 1));
  return 0;
}

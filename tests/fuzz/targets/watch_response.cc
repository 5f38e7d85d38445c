// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// State's news of watched jobs, as the frontend reads them: revisions only rise, and nobody
// is told anything after the end.

#include <memory>
#include <optional>

#include "services/frontend/server_sent_event.h"
#include "services/frontend/watch_table.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/message_mutator.h"

namespace buzzer::frontend {
namespace {

// An event is what it says it is: two fields, a line each, and an empty line.
void CheckEvent(const v1::JobEvent& event) {
  const auto text = ToServerSentEvent(event);
  if (!text.ok()) return;
  const std::string begin = "id: " + std::to_string(event.revision()) + "\ndata: {";
  FUZZ_CHECK_SEEN(text->substr(0, begin.size()) == begin, *text);
  FUZZ_CHECK_SEEN(text->find_first_of("\n\r", begin.size()) == text->size() - 2, *text);
  FUZZ_CHECK_SEEN(text->substr(text->size() - 2) == "\n\n", *text);
}

struct Recorder final : Watcher {
  void OnUpdate(google::protobuf::RepeatedPtrField<v1::JobEvent>& events,
                const std::optional<absl::Status>& the_end) override {
    FUZZ_CHECK(!ended);
    for (const v1::JobEvent& event : events) {
      FUZZ_CHECK(event.revision() > told);
      told = event.revision();
      CheckEvent(event);
    }
    ended = the_end.has_value();
  }
  int64_t told = 0;
  bool ended = false;
};

void Run(internal::v1::WatchResponse& response) {
  WatchTable table;
  table.OnUp();
  const auto watcher = std::make_shared<Recorder>();
  const auto other = std::make_shared<Recorder>();
  const int64_t first = table.Start("default", JobId(), 0, watcher);
  table.Start("default", JobId(), 5, other);
  internal::v1::WatchRequest request;
  FUZZ_CHECK(table.NextRequest(&request) && request.start_size() == 2);
  internal::v1::WatchResponse copy = response;
  if (table.OnResponse(response)) table.Retry();
  request.Clear();
  table.NextRequest(&request);
  if (table.OnResponse(copy)) table.Retry();
  table.OnDown();
  table.OnUp();
  request.Clear();
  table.NextRequest(&request);
  for (const auto& start : request.start()) {
    const Recorder& recorder = start.watch() == first ? *watcher : *other;
    FUZZ_CHECK(!recorder.ended);
    FUZZ_CHECK(start.after_revision() >= recorder.told);
  }
  FUZZ_CHECK(table.size() == static_cast<size_t>(request.start_size()));
}

}  // namespace
}  // namespace buzzer::frontend

BUZZER_FUZZ_MESSAGE(buzzer::internal::v1::WatchResponse, buzzer::frontend::Run)

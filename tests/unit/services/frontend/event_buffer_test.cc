// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/event_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "services/frontend/limits.h"

namespace buzzer::frontend {
namespace {

using ::testing::ElementsAre;

void Push(EventBuffer& buffer, int64_t revision, const std::string& cause) {
  google::protobuf::RepeatedPtrField<v1::JobEvent> events;
  auto* event = events.Add();
  event->set_revision(revision);
  event->set_cause(cause);
  buffer.Push(events);
}

std::vector<int64_t> TakeAll(EventBuffer& buffer) {
  std::vector<int64_t> revisions;
  while (auto event = buffer.Take()) revisions.push_back(event->revision());
  return revisions;
}

TEST(EventBuffer, GivesStateChangesInOrder) {
  EventBuffer buffer(0);
  Push(buffer, 1, "SNAPSHOT");
  Push(buffer, 2, "CLAIMED");
  EXPECT_THAT(TakeAll(buffer), ElementsAre(1, 2));
  EXPECT_EQ(buffer.last_taken(), 2);
}

TEST(EventBuffer, KeepsOfProgressTheNewest) {
  EventBuffer buffer(0);
  Push(buffer, 2, "CLAIMED");
  for (int revision = 3; revision < 1000; ++revision) Push(buffer, revision, "PROGRESS");
  Push(buffer, 1000, "SUCCEEDED");
  EXPECT_THAT(TakeAll(buffer), ElementsAre(2, 999, 1000));
  EXPECT_FALSE(buffer.missed());
}

TEST(EventBuffer, DropsWhatIsTooMuchAndSaysWhereToGoOn) {
  EventBuffer buffer(5);
  EXPECT_EQ(buffer.last_taken(), 5);
  for (int revision = 6; revision < 1000; ++revision) Push(buffer, revision, "FAILED");
  EXPECT_TRUE(buffer.missed());
  EXPECT_EQ(TakeAll(buffer).size(), kMaxBufferedChanges);
  EXPECT_EQ(buffer.last_taken(), 5 + static_cast<int64_t>(kMaxBufferedChanges));
  Push(buffer, 1000, "FAILED");
  EXPECT_TRUE(buffer.empty());
  buffer.Restarted();
  Push(buffer, buffer.last_taken() + 1, "FAILED");
  EXPECT_FALSE(buffer.empty());
}

}  // namespace
}  // namespace buzzer::frontend

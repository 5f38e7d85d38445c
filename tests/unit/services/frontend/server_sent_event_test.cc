// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/server_sent_event.h"

#include <gtest/gtest.h>

namespace buzzer::frontend {
namespace {

TEST(ServerSentEvent, HasTheRevisionAsIdAndTheEventInOneLine) {
  v1::JobEvent event;
  event.set_revision(7);
  event.set_state(v1::Job::RUNNING);
  event.set_cause("PROGRESS");
  event.mutable_progress()->set_fraction(0.5);
  event.mutable_progress()->set_message("one\ntwo\r\n\ndata: three");
  EXPECT_EQ(ToServerSentEvent(event).value_or("an error"),
            "id: 7\ndata: {\"revision\":\"7\",\"state\":\"RUNNING\",\"attempt\":0,"
            "\"cause\":\"PROGRESS\",\"progress\":{\"fraction\":0.5,"
            "\"message\":\"one\\ntwo\\r\\n\\ndata: three\"}}\n\n");
}

}  // namespace
}  // namespace buzzer::frontend

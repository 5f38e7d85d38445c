// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_STATE_STORE_TEST_H_
#define TESTS_UNIT_SERVICES_STATE_STORE_TEST_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "services/state/open_store.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/blocking_store.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::state {

// A test of a part that stands on a real store. What observes the store must outlive it:
// call CloseStore first in the destructor of the test that owns the part.
class StoreTest : public ::testing::Test {
 protected:
  StoreTest() { OpenStore(); }

  void OpenStore() {
    JobStoreOptions options;
    options.clock = &clock_;
    options.jitter = [] { return 0.0; };
    options.limits.min_free_disk = 0;
    auto store = OpenSqliteJobStore(directory_.path(), std::move(options));
    if (!store.ok()) {
      ADD_FAILURE() << store.status();
      return;
    }
    store_ = *std::move(store);
  }
  void CloseStore() { store_.reset(); }

  BlockingStore store() const { return BlockingStore(store_.get()); }
  internal::v1::NewJob NewJob() const { return MakeNewJob(clock_.Now()); }
  JobRecord Submit() { return store().MustSubmit(NewJob()); }

  testing::FakeClock clock_;
  testing::TemporaryDirectory directory_;
  std::unique_ptr<JobStore> store_;
};

}  // namespace buzzer::state

#endif  // TESTS_UNIT_SERVICES_STATE_STORE_TEST_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <cstdlib>
#include <map>
#include <utility>

#include "services/state/open_store.h"
#include "tests/conformance/state_service_conformance.h"
#include "tests/fakes/fake_clock.h"
#include "tests/support/blocking_store.h"
#include "tests/support/served_state.h"
#include "tests/support/temporary_directory.h"

namespace buzzer::testing {
namespace {

// The real service over SQLite. What its workers do goes to the store at once.
class RealState final : public StateUnderTest {
 public:
  RealState() : store_(Open(directory_.path(), &clock_)), served_(store_.get(), &clock_) {
    Announce("demo.echo", "demo.echo");
  }
  ~RealState() override {
    served_.StopServing();
    store_.reset();
  }

  std::string address() const override { return served_.address(); }
  absl::Time Now() const override { return clock_.Now(); }
  void Announce(const std::string& type, const std::string& queue) override {
    served_.Announce(type, queue);
  }
  void Connect(const std::string& type, const std::string& queue) override {
    served_.Connect(++workers_, type, queue);
  }
  void Claim(const JobId& job) override { leases_[job] = store().MustClaim(job); }
  void Report(const JobId& job, double fraction) override {
    store().Report(leases_.at(job), fraction);
  }
  void Succeed(const JobId& job, const std::string& content_type,
               const std::string& body) override {
    state::OutcomeReport outcome;
    outcome.lease = leases_.at(job);
    outcome.success.set_content_type(content_type);
    outcome.success.set_result(body);
    EXPECT_TRUE(store().Finish(std::move(outcome)));
  }
  void Fail(const JobId& job, bool retryable) override {
    EXPECT_TRUE(store().Fail(leases_.at(job), retryable));
  }

 private:
  static std::unique_ptr<state::JobStore> Open(const std::string& directory, const Clock* clock) {
    state::JobStoreOptions options;
    options.clock = clock;
    options.jitter = [] { return 0.0; };
    options.limits.min_free_disk = 0;
    auto store = state::OpenSqliteJobStore(directory, std::move(options));
    if (!store.ok()) std::abort();
    return *std::move(store);
  }
  state::BlockingStore store() const { return state::BlockingStore(store_.get()); }

  FakeClock clock_;
  TemporaryDirectory directory_;
  std::unique_ptr<state::JobStore> store_;
  state::ServedState served_;
  std::map<JobId, state::LeaseRef> leases_;
  int64_t workers_ = 0;
};

INSTANTIATE_TEST_SUITE_P(All, StateServiceConformance,
                         ::testing::Values(StateKind{"Real",
                                                     [] { return std::make_unique<RealState>(); }}),
                         KindName);

}  // namespace
}  // namespace buzzer::testing

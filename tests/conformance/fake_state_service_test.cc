// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "absl/time/clock.h"
#include "tests/conformance/state_service_conformance.h"
#include "tests/fakes/fake_state.h"

namespace buzzer::testing {
namespace {

// The fake, led as the frontend's tests lead it.
class FakeStateUnderTest final : public StateUnderTest {
 public:
  FakeStateUnderTest() { Announce("demo.echo", "demo.echo"); }

  std::string address() const override { return fake_.address(); }
  absl::Time Now() const override { return absl::Now(); }
  void Announce(const std::string& type, const std::string& queue) override {
    fake_.Announce(type, queue);
  }
  void Connect(const std::string& type, const std::string& queue) override {
    fake_.Connect(type, queue);
  }
  void Claim(const JobId& job) override { fake_.Change(job, v1::Job::RUNNING, "CLAIMED"); }
  void Report(const JobId& job, double fraction) override { fake_.Progress(job, fraction); }
  void Succeed(const JobId& job, const std::string& content_type,
               const std::string& body) override {
    fake_.SetResult(job, content_type, body);
    fake_.Change(job, v1::Job::SUCCEEDED, "SUCCEEDED");
  }
  void Fail(const JobId& job, bool retryable) override {
    v1::JobError error;
    error.set_reason("HANDLER_FAILED");
    error.set_retryable(retryable);
    fake_.Fail(job, std::move(error));
  }

 private:
  FakeState fake_;
};

INSTANTIATE_TEST_SUITE_P(All, StateServiceConformance,
                         ::testing::Values(StateKind{
                             "Fake", [] { return std::make_unique<FakeStateUnderTest>(); }}),
                         KindName);

}  // namespace
}  // namespace buzzer::testing

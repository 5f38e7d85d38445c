// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_CONFORMANCE_STATE_SERVICE_CONFORMANCE_H_
#define TESTS_CONFORMANCE_STATE_SERVICE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/job_id/job_id.h"
#include "tests/support/state_caller.h"

namespace buzzer::testing {

// A state service that the suite calls as a frontend does; and, since jobs do not run by
// themselves, the hand of the worker behind it.
class StateUnderTest {
 public:
  virtual ~StateUnderTest() = default;

  virtual std::string address() const = 0;
  // The time that the service goes by.
  virtual absl::Time Now() const = 0;

  // A worker has announced the type, and is gone.
  virtual void Announce(const std::string& type, const std::string& queue) = 0;
  // A worker that takes jobs of the type is there, and stays.
  virtual void Connect(const std::string& type, const std::string& queue) = 0;

  // A worker takes the QUEUED job.
  virtual void Claim(const JobId& job) = 0;
  // What the worker tells of the job that it has claimed.
  virtual void Report(const JobId& job, double fraction) = 0;
  virtual void Succeed(const JobId& job, const std::string& content_type,
                       const std::string& body) = 0;
  // With the reason HANDLER_FAILED.
  virtual void Fail(const JobId& job, bool retryable) = 0;
};

// One implementation, for INSTANTIATE_TEST_SUITE_P. It knows the type demo.echo, in the queue of
// that name, and no other.
struct StateKind {
  std::string name;
  std::function<std::unique_ptr<StateUnderTest>()> make;

  friend void PrintTo(const StateKind& kind, std::ostream* out) { *out << kind.name; }
};

// What a frontend relies on of buzzer.internal.v1.StateService, whoever serves it: the real
// service, or the fake on which the frontend's own tests stand. The state_*_conformance.cc files
// hold the tests.
//
// What only the real service does is no part of this, and tested at tests/unit/services/state:
// limits, deadlines and other things that come with time; rates, ages and slots of queues; the
// declared types that DeleteType refuses; streams that end for what no frontend sends.
class StateServiceConformance : public ::testing::TestWithParam<StateKind> {
 protected:
  StateServiceConformance();

  // A job that a frontend would send, younger than the one before it.
  internal::v1::NewJob NewJob();
  // The same with an idempotency key; `request` stands for all that the request hash covers.
  internal::v1::NewJob NewJobWithKey(const std::string& key, char request = 'a');
  // Submits it, and fails the test if it is not stored.
  JobId Submit(const internal::v1::NewJob& job);
  JobId Submit() { return Submit(NewJob()); }
  // The same for a job that has come as far as the name says.
  JobId Running();
  JobId Succeeded();
  JobId Failed();
  JobId Cancelled();

  // Fails the test if there is no such job.
  v1::Job Get(const JobId& job);
  // Ids of all pages of the list, in the order of the list.
  std::vector<JobId> ListAll(internal::v1::ListJobsRequest request);

  const std::unique_ptr<StateUnderTest> state_;
  StateCaller caller_;
  // When the first job is made; the next a millisecond later, and so on.
  const absl::Time first_;

 private:
  int made_ = 0;
};

inline std::string KindName(const ::testing::TestParamInfo<StateKind>& info) {
  return info.param.name;
}

JobId IdOf(const internal::v1::NewJob& job);
// Causes of events, in order.
std::vector<std::string> Causes(const google::protobuf::RepeatedPtrField<v1::JobEvent>& events);

// Fails the test unless the status has this code and reason.
void ExpectError(const absl::Status& status, absl::StatusCode code, const std::string& reason);

}  // namespace buzzer::testing

#endif  // TESTS_CONFORMANCE_STATE_SERVICE_CONFORMANCE_H_

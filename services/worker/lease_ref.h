// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef SERVICES_WORKER_LEASE_REF_H_
#define SERVICES_WORKER_LEASE_REF_H_

#include <compare>
#include <string>
#include <utility>

#include "common/job_id/job_id.h"

namespace buzzer::worker {

// Names one attempt of one job. A worker may hold two attempts of a job for a while:
// one that lost its lease and is being stopped, and the next.
struct AttemptKey {
  JobId job;
  int32_t attempt = 0;

  friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const AttemptKey& key) {
    return H::combine(std::move(h), key.job, key.attempt);
  }
};

// An attempt and what proves that it is ours.
struct LeaseRef {
  AttemptKey key;
  std::string lease_id;

  // Fills in the three fields that every message about an attempt has.
  template <typename Message>
  void Fill(Message* message) const {
    message->set_job_id(std::string(key.job.bytes()));
    message->set_attempt(key.attempt);
    message->set_lease_id(lease_id);
  }
};

// The attempt that an answer is about.
template <typename Message>
AttemptKey KeyOf(const Message& message) {
  return {JobId::FromBytes(message.job_id()).value_or(JobId()), message.attempt()};
}

}  // namespace buzzer::worker

#endif  // SERVICES_WORKER_LEASE_REF_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_UNIT_SERVICES_WORKER_SUPPORT_SILENT_LISTENER_H_
#define TESTS_UNIT_SERVICES_WORKER_SUPPORT_SILENT_LISTENER_H_

#include "services/worker/state_session.h"

namespace buzzer::worker {

// Does not care what the state service says; tests override what they do care for.
class SilentListener : public StateSession::Listener {
 public:
  void OnStateUp() override {}
  void OnStateDown() override {}
  void OnClaimAnswer(internal::v1::ClaimAnswer&) override {}
  void OnLeaseStatus(const internal::v1::LeaseStatus&) override {}
  void OnOutcomeAnswer(const internal::v1::OutcomeAnswer&) override {}
  void OnCancelNotice(const internal::v1::CancelNotice&) override {}
  void OnOffer(const internal::v1::Offer&) override {}
  void OnHelloAnswer(const internal::v1::HelloAnswer&) override {}
};

}  // namespace buzzer::worker

#endif  // TESTS_UNIT_SERVICES_WORKER_SUPPORT_SILENT_LISTENER_H_

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/boundary/dispatch_message.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "buzzer/internal/v1/dispatch.pb.h"
#include "common/names/names.h"

namespace buzzer::worker {

DispatchedJobs ReadDispatchMessage(absl::string_view body) {
  DispatchedJobs read;
  internal::v1::DispatchMessage message;
  // Sizes first: parsing costs several times the bytes.
  if (body.size() > kMaxMessageBytes) {
    read.fault = absl::StrCat("a message has at most ", kMaxMessageBytes, " bytes");
  } else if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    read.fault = "not a dispatch message";
  } else if (message.jobs().empty()) {
    read.fault = "a message names at least one job";
  } else if (message.jobs_size() > kMaxJobsOfMessage) {
    read.fault = absl::StrCat("a message names at most ", kMaxJobsOfMessage, " jobs");
  }
  if (!read.fault.empty()) return read;
  absl::flat_hash_set<JobId> seen;
  read.jobs.reserve(static_cast<size_t>(message.jobs_size()));
  for (auto& entry : *message.mutable_jobs()) {
    const auto id = JobId::FromBytes(entry.job_id());
    if (!id.has_value() || *id == JobId()) {
      read.fault = "a job's id has 16 bytes, not all of them 0";
    } else if (!IsName(entry.type())) {
      read.fault = absl::StrCat("a job's type is ", kNameRule);
    } else if (!seen.insert(*id).second) {
      read.fault = "a message names a job once";
    } else {
      read.jobs.push_back({*id, std::move(*entry.mutable_type())});
    }
  }
  return read;
}

}  // namespace buzzer::worker

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/boundary/work_checks.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/job_fields/job_fields.h"
#include "common/names/names.h"
#include "common/times/times.h"
#include "common/utf8/utf8.h"
#include "services/state/boundary/field_checks.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/values.h"

namespace buzzer::state {
namespace {

using internal::v1::Claim;
using internal::v1::Hello;
using internal::v1::Outcome;

absl::Status CheckCount(absl::string_view field, int count, int limit) {
  if (count <= limit) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be at most ", limit, ", not ", count));
}

// Of the element `index` of a list.
std::string Element(absl::string_view list, int index, absl::string_view field) {
  return absl::StrCat(list, "[", index, "].", field);
}

absl::Status CheckName(const std::string& field, absl::string_view name) {
  if (IsName(name)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be ", kNameRule));
}

absl::Status CheckNumber(const std::string& field, int32_t number, int32_t max) {
  if (number >= 0 && number <= max) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be 0 to ", max, ", not ", number));
}

// Whether it is one line of text.
bool IsLine(absl::string_view text, size_t max_bytes) {
  return text.size() <= max_bytes && !HasControl(text);
}

absl::Status CheckTypes(const Hello& hello, absl::flat_hash_set<std::string>* queues) {
  for (int i = 0; i < hello.types_size(); ++i) {
    const Hello::Type& type = hello.types(i);
    const auto field = [&](absl::string_view name) { return Element("hello.types", i, name); };
    if (auto bad = CheckName(field("type"), type.type()); !bad.ok()) return bad;
    if (auto bad = CheckName(field("queue"), type.queue()); !bad.ok()) return bad;
    for (const auto& [name, number] :
         {std::pair("slots", type.slots()), std::pair("idle_slots", type.idle_slots())}) {
      if (auto bad = CheckNumber(field(name), number, kMaxSlotsOfAWorker); !bad.ok()) return bad;
    }
    queues->insert(type.queue());
  }
  return absl::OkStatus();
}

absl::Status CheckQueues(const Hello& hello, absl::flat_hash_set<std::string>* queues) {
  absl::flat_hash_set<std::string> counted;
  for (int i = 0; i < hello.queues_size(); ++i) {
    const Hello::QueueSlots& queue = hello.queues(i);
    const auto field = [&](absl::string_view name) { return Element("hello.queues", i, name); };
    if (auto bad = CheckName(field("queue"), queue.queue()); !bad.ok()) return bad;
    if (auto bad = CheckNumber(field("slots"), queue.slots(), kMaxSlotsOfAWorker); !bad.ok()) {
      return bad;
    }
    if (auto bad = CheckNumber(field("prefetch"), queue.prefetch(), kMaxPrefetch); !bad.ok()) {
      return bad;
    }
    if (!IsLine(queue.problem(), kMaxProblemBytes)) {
      return InvalidField(field("problem"), absl::StrCat("must be at most ", kMaxProblemBytes,
                                                         " printable characters, or empty"));
    }
    if (!counted.insert(queue.queue()).second) {
      return InvalidField(field("queue"), "stands twice; each queue is told once");
    }
    queues->insert(queue.queue());
  }
  return absl::OkStatus();
}

// Of a renewal, a report or an outcome.
template <typename Message>
absl::Status CheckLease(const Message& message) {
  if (auto bad = CheckId("job_id", message.job_id()); !bad.ok()) return bad;
  if (message.lease_id().size() != kIdBytes) return InvalidField("lease_id", "must be 16 bytes");
  if (message.attempt() < 1) return InvalidField("attempt", "must be 1 or more");
  return absl::OkStatus();
}

void Cut(std::string* text, size_t limit) { text->resize(Utf8Prefix(*text, limit).size()); }

}  // namespace

absl::Status CheckCounts(const internal::v1::WorkRequest& request) {
  for (const auto& [field, count] :
       {std::pair("claims", request.claims_size()), std::pair("renewals", request.renewals_size()),
        std::pair("progress", request.progress_size()),
        std::pair("outcomes", request.outcomes_size())}) {
    if (auto bad = CheckCount(field, count, kMaxItemsOfAMessage); !bad.ok()) return bad;
  }
  return absl::OkStatus();
}

absl::Status Check(const Hello& hello) {
  if (hello.worker().empty() || hello.worker().size() > kMaxWorkerNameBytes ||
      HasControl(hello.worker())) {
    return InvalidField("hello.worker",
                        absl::StrCat("must be 1 to ", kMaxWorkerNameBytes,
                                     " printable characters, as `host-pid-random`"));
  }
  // Each is empty in a worker from before its field.
  for (const auto& [field, text, max_bytes] :
       {std::tuple("hello.version", &hello.version(), kMaxVersionBytes),
        std::tuple("hello.broker_queue_prefix", &hello.broker_queue_prefix(),
                   kMaxQueuePrefixBytes)}) {
    if (IsLine(*text, max_bytes)) continue;
    return InvalidField(field,
                        absl::StrCat("must be at most ", max_bytes, " printable characters"));
  }
  if (auto bad = CheckNumber("hello.slots", hello.slots(), kMaxSlotsOfAWorker); !bad.ok()) {
    return bad;
  }
  if (auto bad = CheckCount("hello.types", hello.types_size(), kMaxTypesOfAWorker); !bad.ok()) {
    return bad;
  }
  if (auto bad = CheckCount("hello.queues", hello.queues_size(), kMaxQueuesOfAWorker); !bad.ok()) {
    return bad;
  }
  absl::flat_hash_set<std::string> queues;
  if (auto bad = CheckTypes(hello, &queues); !bad.ok()) return bad;
  if (auto bad = CheckQueues(hello, &queues); !bad.ok()) return bad;
  if (queues.size() <= static_cast<size_t>(kMaxQueuesOfAWorker)) return absl::OkStatus();
  return InvalidField("hello.types", absl::StrCat("must be of at most ", kMaxQueuesOfAWorker,
                                                  " queues, not ", queues.size()));
}

absl::Status Check(const Claim& claim) {
  if (claim.claim_id().size() != kIdBytes) return InvalidField("claim_id", "must be 16 bytes");
  if (auto bad = CheckId("job_id", claim.job_id()); !bad.ok()) return bad;
  if (!Claim::Intent_IsValid(claim.intent()) || claim.intent() == Claim::INTENT_UNSPECIFIED) {
    return InvalidField("intent", absl::StrCat("must be one that is known, not ", claim.intent()));
  }
  if (claim.has_grace() && !IsInRange(claim.grace(), absl::ZeroDuration(), kMaxHandlerTime)) {
    return InvalidField("grace", "must be 0 s to 366 days");
  }
  if (claim.has_attempt_timeout() &&
      !IsInRange(claim.attempt_timeout(), absl::ZeroDuration(), kMaxHandlerTime)) {
    return InvalidField("attempt_timeout", "must be 0 s (none) to 366 days");
  }
  return CheckRetries(claim.retry(), claim.max_attempts());
}

absl::Status Check(const internal::v1::Renewal& renewal) { return CheckLease(renewal); }

absl::Status Check(const internal::v1::ProgressReport& report) { return CheckLease(report); }

absl::Status Check(const Outcome& outcome) {
  if (auto bad = CheckLease(outcome); !bad.ok()) return bad;
  if (outcome.outcome_case() == Outcome::OUTCOME_NOT_SET) {
    return InvalidField("outcome", "must be success, failure or handed_back");
  }
  return absl::OkStatus();
}

void Mend(Outcome* outcome) {
  if (outcome->has_success() && outcome->success().result().size() > kMaxResultBytes) {
    v1::JobError& error = *outcome->mutable_failure();  // The success is gone with this.
    error.set_reason("RESULT_TOO_LARGE");
    error.set_message("the result is larger than the limit of 2 MiB");
  }
  if (outcome->has_success() && !IsContentType(outcome->success().content_type())) {
    outcome->mutable_success()->set_content_type("application/octet-stream");
  }
  if (!outcome->has_failure()) return;
  v1::JobError& error = *outcome->mutable_failure();
  if (error.reason().empty() || HasControl(error.reason())) error.set_reason("HANDLER_FAILED");
  Cut(error.mutable_reason(), kMaxErrorReasonBytes);
  Cut(error.mutable_message(), kMaxErrorMessageBytes);
  Cut(error.mutable_detail(), kMaxErrorDetailBytes);
  if (!error.has_retry_after()) return;
  const auto retry_after = CheckedDuration(error.retry_after());
  if (!retry_after.has_value() || *retry_after < absl::ZeroDuration()) {
    error.clear_retry_after();
  } else if (*retry_after > kMaxRetryAfter) {
    error.mutable_retry_after()->set_seconds(absl::ToInt64Seconds(kMaxRetryAfter));
    error.mutable_retry_after()->set_nanos(0);
  }
}

void Mend(internal::v1::ProgressReport* report) {
  v1::Progress& progress = *report->mutable_progress();
  Cut(progress.mutable_message(), kMaxProgressMessageBytes);
  // SQLite keeps no NaN: it would be NULL, and the whole transaction would fail.
  const double fraction = progress.fraction();
  progress.set_fraction(std::isnan(fraction) ? 0 : std::clamp(fraction, 0.0, 1.0));
  if (progress.has_data() && (progress.data().ByteSizeLong() > kMaxProgressBytes ||
                              !IsTellable(progress.data(), kMaxJsonDepth))) {
    progress.clear_data();
  }
}

}  // namespace buzzer::state

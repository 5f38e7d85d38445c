// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// The bytes of SubmitJob and BatchSubmitJobs, before they are messages.

#include "services/frontend/submit_bytes.h"

#include <string>

#include "common/errors/errors.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "services/frontend/validation.h"
#include "tests/fuzz/support/check.h"
#include "tests/fuzz/support/parts.h"

namespace buzzer::frontend {
namespace {

void CheckRefusal(const absl::Status& refused) {
  fuzz::CheckError(refused, absl::StatusCode::kInvalidArgument, "");
  const std::string reason = ErrorReason(refused);
  FUZZ_CHECK_SEEN(reason == "INVALID_REQUEST" || reason == "INVALID_FIELD" || reason == "TOO_LARGE",
                  reason);
}

void RunSubmit(absl::string_view bytes) {
  const absl::Status checked = CheckSubmitBytes(bytes);
  if (!checked.ok()) CheckRefusal(checked);
  v1::SubmitJobRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  SubmitContext context;
  context.tenant = "default";
  context.now = absl::FromUnixSeconds(1'772'366'400);
  context.id = JobId::LowestAt(context.now);
  if (!MakeNewJob(request, context).ok()) return;
  // Bytes may be refused that no client makes, such as a value that is overwritten by the next.
  request.DiscardUnknownFields();
  const absl::Status canonical = CheckSubmitBytes(request.SerializeAsString());
  FUZZ_CHECK_SEEN(canonical.ok(), canonical.message());
}

void RunBatch(absl::string_view bytes) {
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  const auto requests = SplitBatchBytes(&stream);
  if (!requests.ok()) {
    CheckRefusal(requests.status());
    return;
  }
  v1::BatchSubmitJobsRequest batch;
  if (!batch.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  FUZZ_CHECK(static_cast<int>(requests->size()) == batch.requests_size());
  for (int i = 0; i < batch.requests_size(); ++i) {
    v1::SubmitJobRequest request;
    FUZZ_CHECK(request.ParseFromString((*requests)[i]));
    FUZZ_CHECK(request.ByteSizeLong() == batch.requests(i).ByteSizeLong());
  }
}

}  // namespace
}  // namespace buzzer::frontend

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes = buzzer::fuzz::ToView(data, size);
  buzzer::frontend::RunSubmit(bytes);
  buzzer::frontend::RunBatch(bytes);
  return 0;
}

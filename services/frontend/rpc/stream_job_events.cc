// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/grpc/raw_messages.h"
#include "common/grpc/status.h"
#include "common/job_state/job_state.h"
#include "services/frontend/http_codes.h"
#include "services/frontend/response_metadata.h"
#include "services/frontend/rpc/call_metadata.h"
#include "services/frontend/rpc/fetch_job.h"
#include "services/frontend/rpc/job_event_stream.h"
#include "services/frontend/rpc/job_service.h"
#include "services/frontend/server_sent_event.h"
#include "services/frontend/validation.h"

namespace buzzer::frontend {
namespace {

using google::api::HttpBody;

// Envoy holds the headers of an answer back until its first message, and makes 200 of
// any stream that has sent metadata: so nothing is set before it is clear what the
// answer is.
class ServerSentEventStream final : public JobEventStream {
 public:
  ServerSentEventStream(grpc::CallbackServerContext* context, const Parts& parts)
      : JobEventStream(context, parts, Method::kStreamJobEvents) {}

 private:
  // A new watch says by its snapshot that the job exists; one that resumes may have
  // nothing to say for long, so the job is looked at first.
  void Begin(const JobTarget& target, int64_t after_revision) override {
    if (after_revision == 0) {
      StartWatch();
      return;
    }
    FetchJob(parts(), target, /*full=*/false,
             [this, stream = self(), after_revision](const absl::StatusOr<v1::Job>& job) {
               if (!job.ok()) {
                 End(job.status());
               } else if (IsTerminal(job->state()) && job->revision() == after_revision) {
                 no_content_ = true;
                 End(absl::OkStatus());
               } else {
                 BreakSilence();
                 StartWatch();
               }
             });
  }

  absl::Status EncodeEvent(v1::JobEvent event, grpc::ByteBuffer* message) override {
    auto text = ToServerSentEvent(event);
    if (!text.ok()) return text.status();
    return Write(*std::move(text), message);
  }

  bool KeepsAlive() const override { return true; }
  absl::Status EncodeKeepAlive(grpc::ByteBuffer* message) override {
    return Write(kKeepAliveComment, message);
  }

  // The browser comes back by itself, with Last-Event-ID.
  bool EncodeFarewell(grpc::ByteBuffer* message) override {
    return Write(kShutdownComment, message).ok();
  }
  absl::Status DrainedStatus(int64_t) override { return absl::OkStatus(); }

  void BeforeFinish() override {
    if (no_content_) SetResponseMetadata(context(), kHttpCodeKey, kHttpNoContent);
  }

  absl::Status Write(std::string text, grpc::ByteBuffer* message) {
    HttpBody body;
    if (!std::exchange(is_open_, true)) {
      body.set_content_type(kEventStreamContentType);
      text.insert(0, kRetryField);
    }
    body.set_data(std::move(text));
    return FromGrpcStatus(WriteMessage(body, message));
  }

  bool is_open_ = false;     // Its first message was made. Of who has the turn.
  bool no_content_ = false;  // Set before End.
};

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* JobService::StreamJobEvents(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  const auto stream = std::make_shared<ServerSentEventStream>(context, parts_);
  const auto request = ParsePlainRequest<v1::StreamJobEventsRequest>(*bytes);
  if (!request.ok()) {
    stream->Open(request.status(), 0);
    return stream.get();
  }
  auto target = FindTarget(*context, request->name());
  int64_t after_revision = request->after_revision();
  absl::Status valid = CheckRevision("after_revision", after_revision);
  if (const auto header = FindMetadata(*context, "last-event-id"); header.has_value()) {
    const auto revision = ParseLastEventId(*header);
    valid = revision.status();
    if (revision.ok()) after_revision = *revision;
  }
  if (target.ok() && !valid.ok()) target = valid;
  stream->Open(target, after_revision);
  return stream.get();
}

}  // namespace buzzer::frontend

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/state_service.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/errors/errors.h"
#include "common/grpc/raw_messages.h"
#include "common/grpc/status.h"
#include "common/limits/limits.h"
#include "common/log/log.h"
#include "services/state/boundary/limits.h"
#include "services/state/boundary/state_checks.h"
#include "services/state/rpc/list_query.h"
#include "services/state/rpc/server_stream.h"
#include "services/state/rpc/submit_stream.h"
#include "services/state/rpc/watch_stream.h"

namespace buzzer::state {
namespace {

// Of a request that was checked.
JobId ToJobId(const std::string& bytes) { return *JobId::FromBytes(bytes); }

// The request, or nullopt after the call was finished: it is not one that can be meant.
template <typename Request>
std::optional<Request> Accept(const grpc::ByteBuffer& bytes, grpc::ServerUnaryReactor* reactor) {
  Request request;
  absl::Status status = ParseMessage(bytes, kMaxCallParts, &request);
  if (status.ok()) status = Check(request);
  if (status.ok()) return request;
  reactor->Finish(ToGrpcStatus(status));
  return std::nullopt;
}

// Takes as many as the answer may be large, at least one.
void FillPage(const ListPage& page, const WaitReasons& waits,
              internal::v1::ListJobsResponse* response) {
  size_t bytes = 0;
  for (const JobRecord& job : page.jobs) {
    v1::Job shown = waits.Show(job);
    bytes += shown.ByteSizeLong();
    if (bytes > kMaxPageBytes && response->jobs_size() > 0) return;
    *response->add_jobs() = std::move(shown);
    response->set_next_before_id(std::string(job.id.bytes()));
  }
  if (page.next_before.has_value()) {
    response->set_next_before_id(std::string(page.next_before->bytes()));
  } else {
    response->clear_next_before_id();
  }
}

absl::Status InUse(absl::string_view reason, const std::string& message) {
  return ErrorBuilder(absl::StatusCode::kFailedPrecondition, reason, message).Build();
}

// A callback for the store that finishes the call (take the context's DefaultReactor only
// once: a second call makes it anew, and loses what the first was told): with the error, or after
// `fill` has put the value into the response, which goes to `bytes`.
template <typename T, typename Response, typename Fill>
JobStore::Callback<T> FinishWith(grpc::ServerUnaryReactor* reactor, grpc::ByteBuffer* bytes,
                                 Fill fill) {
  return [reactor, bytes, fill = std::move(fill)](absl::StatusOr<T> value) mutable {
    if (!value.ok()) {
      reactor->Finish(ToGrpcStatus(value.status()));
      return;
    }
    Response response;
    fill(*std::move(value), &response);
    reactor->Finish(WriteMessage(response, bytes));
  };
}

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StateService::Submit(
    grpc::CallbackServerContext* context) {
  using Stream = ServerStream<internal::v1::SubmitRequest, internal::v1::SubmitResponse>;
  return Stream::Accept(*context, kMaxSubmitParts, [this](std::shared_ptr<StreamWaker> waker) {
    return std::make_shared<SubmitStream>(parts_.store, parts_.types, parts_.waits,
                                          std::move(waker));
  });
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StateService::Watch(
    grpc::CallbackServerContext* context) {
  using Stream = ServerStream<internal::v1::WatchRequest, internal::v1::WatchResponse>;
  return Stream::Accept(*context, kMaxWatchParts, [this](std::shared_ptr<StreamWaker> waker) {
    return std::make_shared<WatchStream>(parts_.hub, std::move(waker));
  });
}

grpc::ServerUnaryReactor* StateService::GetJob(grpc::CallbackServerContext* context,
                                               const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::GetJobRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  if (!request->full()) {
    parts_.store->Get(
        request->tenant(), ToJobId(request->id()),
        FinishWith<JobRecord, internal::v1::GetJobResponse>(
            reactor, response, [this](const JobRecord& job, internal::v1::GetJobResponse* answer) {
              *answer->mutable_job() = parts_.waits->Show(job);
            }));
  } else {
    parts_.store->GetFull(
        request->tenant(), ToJobId(request->id()),
        FinishWith<FullJob, internal::v1::GetJobResponse>(
            reactor, response, [this](FullJob full, internal::v1::GetJobResponse* answer) {
              *answer->mutable_job() = parts_.waits->Show(full.job);
              for (const HistoryEntry& entry : full.history) {
                *answer->mutable_job()->add_history() = ToProto(entry);
              }
              answer->set_payload(std::move(full.payload));
              answer->set_payload_is_json(full.job.spec->payload_is_json());
            }));
  }
  return reactor;
}

grpc::ServerUnaryReactor* StateService::ListJobs(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::ListJobsRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.store->List(
      ToQuery(*request),
      FinishWith<ListPage, internal::v1::ListJobsResponse>(
          reactor, response, [this](const ListPage& page, internal::v1::ListJobsResponse* answer) {
            FillPage(page, *parts_.waits, answer);
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::GetJobResult(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::GetJobResultRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.store->GetResult(
      request->tenant(), ToJobId(request->id()),
      FinishWith<StoredResult, internal::v1::GetJobResultResponse>(
          reactor, response, [](StoredResult result, internal::v1::GetJobResultResponse* answer) {
            answer->set_content_type(std::move(result.content_type));
            answer->set_body(std::move(result.body));
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::CancelJob(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* bytes,
                                                  grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::CancelJobRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.store->Cancel(
      request->tenant(), ToJobId(request->id()), request->force(),
      FinishWith<JobRecord, internal::v1::CancelJobResponse>(
          reactor, response, [this](const JobRecord& job, internal::v1::CancelJobResponse* answer) {
            *answer->mutable_job() = parts_.waits->Show(job);
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::RetryJob(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::RetryJobRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.store->Retry(
      request->tenant(), ToJobId(request->id()),
      FinishWith<JobRecord, internal::v1::RetryJobResponse>(
          reactor, response, [this](const JobRecord& job, internal::v1::RetryJobResponse* answer) {
            *answer->mutable_job() = parts_.waits->Show(job);
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::DeleteJob(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* bytes,
                                                  grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::DeleteJobRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  const JobId job = ToJobId(request->id());
  parts_.store->Delete(
      request->tenant(), job,
      FinishWith<bool, internal::v1::DeleteJobResponse>(
          reactor, response,
          [job, tenant = request->tenant()](bool, internal::v1::DeleteJobResponse*) {
            log::Info("job_deleted", {{"job", job.ToString()}, {"tenant", tenant}});
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::GetQueue(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* bytes,
                                                 grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::GetQueueRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.queues->Get(
      request->tenant(), request->queue(),
      FinishWith<v1::Queue, internal::v1::GetQueueResponse>(
          reactor, response, [](v1::Queue queue, internal::v1::GetQueueResponse* answer) {
            *answer->mutable_queue() = std::move(queue);
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::ListQueues(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::ListQueuesRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.queues->List(
      request->tenant(),
      FinishWith<std::vector<v1::Queue>, internal::v1::ListQueuesResponse>(
          reactor, response,
          [](std::vector<v1::Queue> queues, internal::v1::ListQueuesResponse* answer) {
            for (v1::Queue& queue : queues) *answer->add_queues() = std::move(queue);
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::SetQueuePaused(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* bytes,
                                                       grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::SetQueuePausedRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  auto finish = FinishWith<v1::Queue, internal::v1::SetQueuePausedResponse>(
      reactor, response, [](v1::Queue queue, internal::v1::SetQueuePausedResponse* answer) {
        *answer->mutable_queue() = std::move(queue);
      });
  const std::string& queue = request->queue();
  if (!parts_.types->KnowsQueue(queue)) {
    parts_.queues->Get(request->tenant(), queue, std::move(finish));  // Says NOT_FOUND.
    return reactor;
  }
  parts_.store->SetPaused(queue, request->paused(),
                          [this, queue, paused = request->paused(), tenant = request->tenant(),
                           finish = std::move(finish)](const absl::StatusOr<bool>& done) mutable {
                            if (!done.ok()) {
                              finish(done.status());
                              return;
                            }
                            parts_.types->SetPaused(queue, paused);
                            parts_.dispatcher->SetPaused(queue, paused);
                            log::Info(paused ? "queue_paused" : "queue_resumed",
                                      {{"queue", queue}, {"tenant", tenant}});
                            parts_.queues->Get(tenant, queue, std::move(finish));
                          });
  return reactor;
}

grpc::ServerUnaryReactor* StateService::ReleaseKey(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::ReleaseKeyRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  parts_.store->ReleaseKey(
      request->tenant(), request->idempotency_key(),
      FinishWith<bool, internal::v1::ReleaseKeyResponse>(
          reactor, response, [tenant = request->tenant()](bool, internal::v1::ReleaseKeyResponse*) {
            log::Info("idempotency_key_released", {{"tenant", tenant}});
          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::DeleteQueue(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* bytes,
                                                    grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::DeleteQueueRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  const std::string& queue = request->queue();
  auto finish = FinishWith<bool, internal::v1::DeleteQueueResponse>(
      reactor, response, [this, queue](bool, internal::v1::DeleteQueueResponse*) {
        parts_.dispatcher->SetPaused(queue, false);
        log::Info("queue_deleted", {{"queue", queue}});
        parts_.workers->AnnounceAll();
      });
  if (parts_.types->KnowsQueue(queue) && parts_.workers->Serves(queue)) {
    finish(InUse("QUEUE_IN_USE", absl::StrCat("a connected worker serves queue ", queue)));
    return reactor;
  }
  parts_.types->RemoveQueue(queue, std::move(finish));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::DeleteType(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* bytes,
                                                   grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const auto request = Accept<internal::v1::DeleteTypeRequest>(*bytes, reactor);
  if (!request.has_value()) return reactor;
  const std::string& type = request->type();
  auto finish = FinishWith<bool, internal::v1::DeleteTypeResponse>(
      reactor, response, [this, type](bool, internal::v1::DeleteTypeResponse*) {
        log::Info("type_deleted", {{"type", type}});
        parts_.workers->AnnounceAll();
      });
  if (parts_.types->KnowsType(type) && parts_.workers->HasHandler(type)) {
    finish(InUse("TYPE_IN_USE", absl::StrCat("a connected worker has a handler for type ", type)));
    return reactor;
  }
  parts_.types->RemoveType(type, std::move(finish));
  return reactor;
}

}  // namespace buzzer::state

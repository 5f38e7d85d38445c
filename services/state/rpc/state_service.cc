// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/state/rpc/state_service.h"

#include <utility>

#include "common/errors/errors.h"
#include "common/grpc/status.h"
#include "common/limits/limits.h"
#include "common/log/log.h"
#include "services/state/boundary/state_checks.h"
#include "services/state/rpc/list_query.h"
#include "services/state/rpc/server_stream.h"
#include "services/state/rpc/submit_stream.h"
#include "services/state/rpc/watch_stream.h"

namespace buzzer::state {
namespace {

// Of a request that was checked.
JobId ToJobId(const std::string& bytes) { return *JobId::FromBytes(bytes); }

// Finishes the call if the request is not one that can be meant.
template <typename Request>
bool Refuses(const Request& request, grpc::ServerUnaryReactor* reactor) {
  const absl::Status checked = Check(request);
  if (checked.ok()) return false;
  reactor->Finish(ToGrpcStatus(checked));
  return true;
}

// Takes as many as the answer may be large, at least one.
void FillPage(const ListPage& page, internal::v1::ListJobsResponse* response) {
  size_t bytes = 0;
  for (const JobRecord& job : page.jobs) {
    v1::Job shown = ToProto(job);
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

// A callback for the store that finishes the call (take the context's DefaultReactor only
// once: a second call makes it anew, and loses what the first was told): with the error, or after
// `fill` has put the value into the response.
template <typename T, typename Fill>
JobStore::Callback<T> FinishWith(grpc::ServerUnaryReactor* reactor, Fill fill) {
  return [reactor, fill = std::move(fill)](absl::StatusOr<T> value) mutable {
    const absl::Status status = value.status();
    if (value.ok()) fill(*std::move(value));
    reactor->Finish(ToGrpcStatus(status));
  };
}

}  // namespace

grpc::ServerBidiReactor<internal::v1::SubmitRequest, internal::v1::SubmitResponse>*
StateService::Submit(grpc::CallbackServerContext*) {
  using Stream = ServerStream<internal::v1::SubmitRequest, internal::v1::SubmitResponse>;
  return Stream::Accept([this](std::shared_ptr<StreamWaker> waker) {
    return std::make_shared<SubmitStream>(parts_.store, parts_.types, std::move(waker));
  });
}

grpc::ServerBidiReactor<internal::v1::WatchRequest, internal::v1::WatchResponse>*
StateService::Watch(grpc::CallbackServerContext*) {
  using Stream = ServerStream<internal::v1::WatchRequest, internal::v1::WatchResponse>;
  return Stream::Accept([this](std::shared_ptr<StreamWaker> waker) {
    return std::make_shared<WatchStream>(parts_.hub, std::move(waker));
  });
}

grpc::ServerUnaryReactor* StateService::GetJob(grpc::CallbackServerContext* context,
                                               const internal::v1::GetJobRequest* request,
                                               internal::v1::GetJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  if (!request->full()) {
    parts_.store->Get(request->tenant(), ToJobId(request->id()),
                      FinishWith<JobRecord>(reactor, [response](const JobRecord& job) {
                        *response->mutable_job() = ToProto(job);
                      }));
  } else {
    parts_.store->GetFull(request->tenant(), ToJobId(request->id()),
                          FinishWith<FullJob>(reactor, [response](FullJob full) {
                            *response->mutable_job() = ToProto(full.job);
                            for (const HistoryEntry& entry : full.history) {
                              *response->mutable_job()->add_history() = ToProto(entry);
                            }
                            response->set_payload(std::move(full.payload));
                            response->set_payload_is_json(full.job.spec->payload_is_json());
                          }));
  }
  return reactor;
}

grpc::ServerUnaryReactor* StateService::ListJobs(grpc::CallbackServerContext* context,
                                                 const internal::v1::ListJobsRequest* request,
                                                 internal::v1::ListJobsResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  parts_.store->List(ToQuery(*request),
                     FinishWith<ListPage>(
                         reactor, [response](const ListPage& page) { FillPage(page, response); }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::GetJobResult(
    grpc::CallbackServerContext* context, const internal::v1::GetJobResultRequest* request,
    internal::v1::GetJobResultResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  parts_.store->GetResult(request->tenant(), ToJobId(request->id()),
                          FinishWith<StoredResult>(reactor, [response](StoredResult result) {
                            response->set_content_type(std::move(result.content_type));
                            response->set_body(std::move(result.body));
                          }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::CancelJob(grpc::CallbackServerContext* context,
                                                  const internal::v1::CancelJobRequest* request,
                                                  internal::v1::CancelJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  parts_.store->Cancel(request->tenant(), ToJobId(request->id()),
                       FinishWith<JobRecord>(reactor, [response](const JobRecord& job) {
                         *response->mutable_job() = ToProto(job);
                       }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::RetryJob(grpc::CallbackServerContext* context,
                                                 const internal::v1::RetryJobRequest* request,
                                                 internal::v1::RetryJobResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  parts_.store->Retry(request->tenant(), ToJobId(request->id()),
                      FinishWith<JobRecord>(reactor, [response](const JobRecord& job) {
                        *response->mutable_job() = ToProto(job);
                      }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::DeleteJob(grpc::CallbackServerContext* context,
                                                  const internal::v1::DeleteJobRequest* request,
                                                  internal::v1::DeleteJobResponse*) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  const JobId job = ToJobId(request->id());
  parts_.store->Delete(request->tenant(), job,
                       FinishWith<bool>(reactor, [job, tenant = request->tenant()](bool) {
                         log::Info("job_deleted", {{"job", job.ToString()}, {"tenant", tenant}});
                       }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::GetQueue(grpc::CallbackServerContext* context,
                                                 const internal::v1::GetQueueRequest* request,
                                                 internal::v1::GetQueueResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  parts_.queues->Get(request->tenant(), request->queue(),
                     FinishWith<v1::Queue>(reactor, [response](v1::Queue queue) {
                       *response->mutable_queue() = std::move(queue);
                     }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::ListQueues(grpc::CallbackServerContext* context,
                                                   const internal::v1::ListQueuesRequest* request,
                                                   internal::v1::ListQueuesResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  parts_.queues->List(request->tenant(), FinishWith<std::vector<v1::Queue>>(
                                             reactor, [response](std::vector<v1::Queue> queues) {
                                               for (v1::Queue& queue : queues)
                                                 *response->add_queues() = std::move(queue);
                                             }));
  return reactor;
}

grpc::ServerUnaryReactor* StateService::SetQueuePaused(
    grpc::CallbackServerContext* context, const internal::v1::SetQueuePausedRequest* request,
    internal::v1::SetQueuePausedResponse* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  if (Refuses(*request, reactor)) return reactor;
  auto finish = FinishWith<v1::Queue>(
      reactor, [response](v1::Queue queue) { *response->mutable_queue() = std::move(queue); });
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

}  // namespace buzzer::state

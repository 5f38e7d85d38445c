// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/commands.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "common/errors/errors.h"
#include "services/cli/arguments.h"
#include "services/cli/client.h"
#include "services/cli/error_text.h"
#include "services/cli/files.h"
#include "services/cli/follow_job.h"
#include "services/cli/job_text.h"
#include "services/cli/json_text.h"
#include "services/cli/requests.h"
#include "services/cli/settings.h"
#include "services/cli/terminal_text.h"
#include "services/cli/usage.h"
#include "services/cli/watch_view.h"

namespace buzzer::cli {
namespace {

using Jobs = v1::JobService::StubInterface;
using Queues = v1::QueueService::StubInterface;

constexpr int64_t kLargestPage = 1000;
constexpr int64_t kMostListed = 10'000;

// For what the command line has wrong.
ExitCode FailUsage(const absl::Status& status, const CommandSpec* command,
                   const Environment& environment) {
  environment.err << ErrorText(status) << "  See 'buzzer "
                  << (command == nullptr ? "" : absl::StrCat(command->name, " ")) << "--help'.\n";
  return kUsage;
}

// What a command works with.
struct Context {
  const Arguments& arguments;
  const Settings& settings;
  const Environment& environment;
  // Of a command that watches, else null.
  Interrupt* interrupt;
  Client client;

  std::ostream& out() const { return environment.out; }
  std::ostream& err() const { return environment.err; }

  std::string job_name() const { return JobName(arguments.argument()); }
  std::string queue_name() const { return QueueName(arguments.argument()); }

  ExitCode FailUsage(const absl::Status& status) const {
    return buzzer::cli::FailUsage(status, arguments.command(), environment);
  }

  ExitCode Fail(const absl::Status& status) const {
    err() << ErrorText(status);
    // Not the server's own words: there is none.
    if (absl::IsUnavailable(status) && ErrorReason(status).empty()) {
      err() << "  Is Buzzer reachable at " << settings.address
            << "? --address or $BUZZER_ADDRESS names another.\n";
    }
    return ExitCodeFor(status);
  }

  // The message as JSON, or the text that stands for it.
  ExitCode Print(const google::protobuf::Message& message, const std::string& text) const {
    out() << (settings.json ? JsonText(message) + "\n" : text) << std::flush;
    return Written();
  }

  // Whether standard output took what it was given.
  ExitCode Written() const {
    return out() ? kOk : Fail(absl::DataLossError("standard output cannot be written"));
  }
};

std::string IdAndState(const v1::Job& job) {
  return absl::StrCat(Printable(job.id()), " ", v1::Job::State_Name(job.state()), "\n");
}

std::unique_ptr<WatchView> MakeView(const Context& context) {
  if (context.settings.json) return MakeJsonView(context.out(), context.err());
  if (context.environment.out_is_terminal) {
    return MakeBarView(context.out(), context.err(), context.environment.columns, absl::Now);
  }
  return MakeLineView(context.out(), context.err(), absl::LocalTimeZone(), absl::Now);
}

ExitCode FollowToEnd(Context& context, const std::string& job_name, int64_t after_revision) {
  FollowOptions options;
  options.after_revision = after_revision;
  options.timeout = context.settings.timeout.value_or(absl::InfiniteDuration());
  absl::StatusOr<v1::Job::State> end;
  {
    const auto view = MakeView(context);
    end = FollowJob(context.client.jobs(), job_name, options, context.interrupt, view.get());
  }
  if (end.ok()) {
    const ExitCode code = ExitCodeFor(*end);
    return code == kOk ? context.Written() : code;
  }
  if (context.interrupt->raised()) {
    const absl::string_view id = absl::StripPrefix(job_name, "jobs/");
    context.err() << "buzzer: job " << id << " goes on; 'buzzer watch " << id
                  << "' shows it again, 'buzzer cancel " << id << "' stops it\n";
    return kInterrupted;
  }
  return context.Fail(end.status());
}

ExitCode Submit(Context& context) {
  const auto request =
      MakeSubmitRequest(context.arguments, [&context](const std::string& name, size_t max_bytes) {
        return ReadFile(name, max_bytes, context.environment.in);
      });
  if (!request.ok()) return context.FailUsage(request.status());
  const auto job = context.client.Call(&Jobs::SubmitJob, *request);
  if (!job.ok()) return context.Fail(job.status());
  const ExitCode printed = context.Print(*job, absl::StrCat(Printable(job->id()), "\n"));
  const bool watch = context.arguments.Has("watch");
  if (!context.settings.json && job->replayed()) {
    context.err() << "a repeat: this key was used before, for this job, which is "
                  << v1::Job::State_Name(job->state()) << " now\n";
  }
  // A watch tells it by itself.
  if (const std::string waits = WaitText(*job);
      !context.settings.json && !watch && !waits.empty()) {
    context.err() << "it waits: " << waits << " now\n";
  }
  if (printed != kOk || !watch) return printed;
  return FollowToEnd(context, job->name(), 0);
}

ExitCode Get(Context& context) {
  v1::GetJobRequest request;
  request.set_name(context.job_name());
  if (context.arguments.Has("full")) request.set_view(v1::JOB_VIEW_FULL);
  const auto job = context.client.Call(&Jobs::GetJob, request);
  if (!job.ok()) return context.Fail(job.status());
  return context.Print(*job, DescribeJob(*job, absl::LocalTimeZone()));
}

ExitCode Watch(Context& context) {
  const auto after = context.arguments.Number("after", 0, INT64_MAX);
  if (!after.ok()) return context.FailUsage(after.status());
  return FollowToEnd(context, context.job_name(), after->value_or(0));
}

ExitCode WriteResult(const Context& context, const google::api::HttpBody& result) {
  const std::string& data = result.data();
  if (context.environment.out_is_terminal && !IsPlainText(data)) {
    context.err() << "buzzer: the result, " << Counted(static_cast<int64_t>(data.size()), "byte")
                  << " of " << Printable(result.content_type())
                  << ", would steer the terminal; add --output-file FILE, or pipe it on\n";
    return kUsage;
  }
  context.out() << data;
  // For people, so that the prompt gets a line of its own.
  if (context.environment.out_is_terminal && !data.empty() && data.back() != '\n') {
    context.out() << "\n";
  }
  context.out() << std::flush;
  return context.Written();
}

ExitCode Result(Context& context) {
  v1::GetJobResultRequest request;
  request.set_name(context.job_name());
  const auto result = context.client.Call(&Jobs::GetJobResult, request);
  if (!result.ok()) return context.Fail(result.status());
  if (!context.arguments.Has("output-file")) return WriteResult(context, *result);
  const std::string path = context.arguments.Text("output-file");
  if (const auto written = WriteFile(path, result->data()); !written.ok()) {
    return context.Fail(written);
  }
  context.err() << "wrote " << Counted(static_cast<int64_t>(result->data().size()), "byte")
                << " of " << Printable(result->content_type()) << " to " << path << "\n";
  return kOk;
}

ExitCode List(Context& context) {
  auto request = MakeListRequest(context.arguments);
  if (!request.ok()) return context.FailUsage(request.status());
  const auto limit = context.arguments.Number("limit", 1, kMostListed);
  if (!limit.ok()) return context.FailUsage(limit.status());
  v1::ListJobsResponse jobs;
  // A page may come short, even empty, so go on until there are enough or no more.
  do {
    const int64_t missing = limit->value_or(50) - jobs.jobs_size();
    request->set_page_size(static_cast<int32_t>(std::min(missing, kLargestPage)));
    auto page = context.client.Call(&Jobs::ListJobs, *request);
    if (!page.ok()) return context.Fail(page.status());
    request->set_page_token(page->next_page_token());
    jobs.MergeFrom(*page);
    jobs.set_next_page_token(page->next_page_token());
  } while (!jobs.next_page_token().empty() && jobs.jobs_size() < limit->value_or(50));
  std::optional<int> columns;
  if (context.environment.out_is_terminal) columns = context.environment.columns();
  const ExitCode printed = context.Print(jobs, JobTable(jobs, absl::Now(), columns));
  if (context.settings.json) return printed;
  if (jobs.jobs().empty()) context.err() << "no jobs\n";
  if (!jobs.next_page_token().empty()) {
    context.err() << "there are more: "
                  << (jobs.jobs_size() < kMostListed ? "raise --limit" : "narrow it by --filter")
                  << "\n";
  }
  return printed;
}

ExitCode Cancel(Context& context) {
  v1::CancelJobRequest request;
  request.set_name(context.job_name());
  request.set_force(context.arguments.Has("force"));
  const auto job = context.client.Call(&Jobs::CancelJob, request);
  if (!job.ok()) return context.Fail(job.status());
  const ExitCode printed = context.Print(*job, IdAndState(*job));
  if (job->has_error()) context.err() << ErrorLine(job->error()) << "\n";
  return printed;
}

ExitCode Retry(Context& context) {
  v1::RetryJobRequest request;
  request.set_name(context.job_name());
  const auto job = context.client.Call(&Jobs::RetryJob, request);
  return job.ok() ? context.Print(*job, IdAndState(*job)) : context.Fail(job.status());
}

ExitCode Delete(Context& context) {
  v1::DeleteJobRequest request;
  request.set_name(context.job_name());
  const auto nothing = context.client.Call(&Jobs::DeleteJob, request);
  if (!nothing.ok()) return context.Fail(nothing.status());
  return context.Print(*nothing,
                       absl::StrCat(absl::StripPrefix(request.name(), "jobs/"), " deleted\n"));
}

ExitCode ReleaseKey(Context& context) {
  v1::ReleaseIdempotencyKeyRequest request;
  request.set_idempotency_key(context.arguments.argument());
  const auto nothing = context.client.Call(&Jobs::ReleaseIdempotencyKey, request);
  if (!nothing.ok()) return context.Fail(nothing.status());
  return context.Print(*nothing, "released: the next submit with this key makes a new job\n");
}

ExitCode ListQueues(Context& context) {
  const auto queues = context.client.Call(&Queues::ListQueues, v1::ListQueuesRequest());
  if (!queues.ok()) return context.Fail(queues.status());
  if (queues->queues().empty() && !context.settings.json) context.err() << "no queues\n";
  return context.Print(*queues, QueueTable(*queues));
}

template <typename Request>
ExitCode OnQueue(Context& context,
                 grpc::Status (Queues::*method)(grpc::ClientContext*, const Request&, v1::Queue*)) {
  Request request;
  request.set_name(context.queue_name());
  const auto queue = context.client.Call(method, request);
  return queue.ok() ? context.Print(*queue, DescribeQueue(*queue)) : context.Fail(queue.status());
}

ExitCode DeleteQueue(Context& context) {
  v1::DeleteQueueRequest request;
  request.set_name(context.queue_name());
  const auto nothing = context.client.Call(&Queues::DeleteQueue, request);
  if (!nothing.ok()) return context.Fail(nothing.status());
  return context.Print(*nothing, absl::StrCat(request.name(), " forgotten\n"));
}

ExitCode DeleteType(Context& context) {
  v1::DeleteTypeRequest request;
  request.set_name(TypeName(context.arguments.argument()));
  const auto nothing = context.client.Call(&Queues::DeleteType, request);
  if (!nothing.ok()) return context.Fail(nothing.status());
  return context.Print(*nothing, absl::StrCat(request.name(), " forgotten\n"));
}

ExitCode GetQueue(Context& context) { return OnQueue(context, &Queues::GetQueue); }
ExitCode PauseQueue(Context& context) { return OnQueue(context, &Queues::PauseQueue); }
ExitCode ResumeQueue(Context& context) { return OnQueue(context, &Queues::ResumeQueue); }

// By the names of the table of commands.
const std::map<absl::string_view, ExitCode (*)(Context&)>& Runners() {
  static const auto& runners = *new std::map<absl::string_view, ExitCode (*)(Context&)>{
      {"submit", Submit},
      {"get", Get},
      {"watch", Watch},
      {"result", Result},
      {"list", List},
      {"cancel", Cancel},
      {"retry", Retry},
      {"delete", Delete},
      {"release-key", ReleaseKey},
      {"queues", ListQueues},
      {"queues get", GetQueue},
      {"queues pause", PauseQueue},
      {"queues resume", ResumeQueue},
      {"queues delete", DeleteQueue},
      {"types delete", DeleteType},
  };
  return runners;
}

}  // namespace

ExitCode RunCommand(const std::vector<std::string>& words, const Environment& environment) {
  const auto arguments = Arguments::Parse(words);
  if (!arguments.ok()) {
    return FailUsage(arguments.status(), Arguments::CommandOf(words), environment);
  }
  const CommandSpec* const command = arguments->command();
  if (arguments->help()) {
    environment.out << (command == nullptr ? Usage() : Usage(*command)) << std::flush;
    return kOk;
  }
  const auto settings = ReadSettings(*arguments, environment.address);
  if (!settings.ok()) return FailUsage(settings.status(), command, environment);
  // Before the client: it starts threads, and each would take the signal.
  const bool watches = command->name == "watch" || arguments->Has("watch");
  Interrupt* const interrupt = watches ? environment.catch_interrupt() : nullptr;
  auto client = Client::Make(*settings);
  if (!client.ok()) return FailUsage(client.status(), command, environment);
  Context context{*arguments, *settings, environment, interrupt, *std::move(client)};
  return Runners().at(command->name)(context);
}

}  // namespace buzzer::cli

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

// buzzer-watchers: holds many watches open, and tells how soon all hear that their jobs end.
//
//   buzzer-watchers --connections=100 --streams=100
//
// Submits one job a stream of each connection, each with a far run_at, and watches each of them
// once on every connection. Prints "open" when every watch has had its first event, waits for a
// line on standard input, cancels all the jobs at once, and prints one line of JSON.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "buzzer/v1/job_service.grpc.pb.h"
#include "common/mutex/mutex.h"
#include "nlohmann/json.hpp"

ABSL_FLAG(std::string, address, "127.0.0.1:50051", "The frontend: host:port or unix:PATH.");
ABSL_FLAG(std::string, type, "demo.echo", "Type of the jobs.");
ABSL_FLAG(int, connections, 100, "TCP connections.");
ABSL_FLAG(int, streams, 100, "Watches on each, and jobs.");

namespace buzzer::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kCallLimit(60);

// How far all watches are. Thread-safe.
class Tally {
 public:
  void Opened() {
    MutexLock lock(&mutex_);
    ++opened_;
    changed_.NotifyAll();
  }
  void Ended(bool well) {
    MutexLock lock(&mutex_);
    ++ended_;
    if (!well) ++broken_;
    changed_.NotifyAll();
  }

  // A watch that ends early ends both: what is wrong then shows in the JSON.
  void WaitForOpened(int count) {
    MutexLock lock(&mutex_);
    while (opened_ < count && broken_ == 0) changed_.Wait(&mutex_);
  }
  void WaitForEnded(int count) {
    MutexLock lock(&mutex_);
    while (ended_ < count && broken_ == 0) changed_.Wait(&mutex_);
  }
  int broken() {
    MutexLock lock(&mutex_);
    return broken_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int opened_ ABSL_GUARDED_BY(mutex_) = 0;
  int ended_ ABSL_GUARDED_BY(mutex_) = 0;
  int broken_ ABSL_GUARDED_BY(mutex_) = 0;
};

class Watch final : public grpc::ClientReadReactor<v1::WatchJobResponse> {
 public:
  Watch(v1::JobService::Stub* stub, const std::string& job, Tally* tally) : tally_(tally) {
    request_.set_name(job);
    stub->async()->WatchJob(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (!opened_) tally_->Opened();
    opened_ = true;
    ended_ = response_.event().state() == v1::Job::CANCELLED;
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override { tally_->Ended(status.ok() && ended_); }

 private:
  Tally* const tally_;
  grpc::ClientContext context_;
  v1::WatchJobRequest request_;
  v1::WatchJobResponse response_;
  bool opened_ = false;
  bool ended_ = false;
};

std::vector<std::string> Submit(v1::JobService::Stub* stub, int count) {
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
    v1::SubmitJobRequest request;
    request.set_type(absl::GetFlag(FLAGS_type));
    request.mutable_delay()->set_seconds(int64_t{24} * 3600);
    v1::Job job;
    if (const grpc::Status status = stub->SubmitJob(&context, request, &job); !status.ok()) {
      std::cerr << "submit: " << status.error_message() << "\n";
      std::exit(1);
    }
    names.push_back(job.name());
  }
  return names;
}

struct Cancel {
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  v1::Job job;
};

int Main() {
  std::vector<std::unique_ptr<v1::JobService::Stub>> stubs;
  grpc::ChannelArguments arguments;
  stubs.reserve(static_cast<size_t>(absl::GetFlag(FLAGS_connections)));
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  for (int i = 0; i < absl::GetFlag(FLAGS_connections); ++i) {
    stubs.push_back(v1::JobService::NewStub(grpc::CreateCustomChannel(
        absl::GetFlag(FLAGS_address), grpc::InsecureChannelCredentials(), arguments)));
  }
  const std::vector<std::string> jobs = Submit(stubs[0].get(), absl::GetFlag(FLAGS_streams));
  Tally tally;
  std::vector<std::unique_ptr<Watch>> watches;
  for (const auto& stub : stubs) {
    for (const std::string& job : jobs) {
      watches.push_back(std::make_unique<Watch>(stub.get(), job, &tally));
    }
  }
  const int count = static_cast<int>(watches.size());
  tally.WaitForOpened(count);
  std::cout << "open" << std::endl;
  std::string line;
  std::getline(std::cin, line);

  const auto begun = SteadyClock::now();
  std::vector<std::unique_ptr<Cancel>> cancels;
  for (const std::string& job : jobs) {
    cancels.push_back(std::make_unique<Cancel>());
    Cancel& cancel = *cancels.back();
    cancel.request.set_name(job);
    stubs[0]->async()->CancelJob(&cancel.context, &cancel.request, &cancel.job,
                                 [](const grpc::Status&) {});
  }
  tally.WaitForEnded(count);
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  std::cout << nlohmann::json{{"watches", count},
                              {"broken", tally.broken()},
                              {"seconds_until_all_told", seconds}}
            << std::endl;
  // What is under way with gRPC still points into this function.
  std::_Exit(tally.broken() == 0 ? 0 : 1);
}

}  // namespace
}  // namespace buzzer::bench

// NOLINTNEXTLINE(bugprone-exception-escape): an exception may end this tool.
int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("Holds many watches open, and tells how soon all hear the end.");
  absl::ParseCommandLine(argc, argv);
  return buzzer::bench::Main();
}

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/load/load.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "buzzer/v1/job_service.grpc.pb.h"
#include "common/mutex/mutex.h"
#include "nlohmann/json.hpp"

namespace buzzer::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;

constexpr std::chrono::seconds kCallLimit(30);

class Load {
 public:
  explicit Load(const Options& options) : options_(options) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    for (int i = 0; i < options.channels; ++i) {
      auto channel =
          grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), arguments);
      channel->WaitForConnected(std::chrono::system_clock::now() + kCallLimit);
      stubs_.push_back(v1::JobService::NewStub(channel));
    }
    job_.set_type(options.type);
    job_.mutable_payload()->set_string_value(
        std::string(std::max(options.payload_bytes - 2, 0), 'x'));
    if (const size_t at = options.label.find('='); at != std::string::npos) {
      (*job_.mutable_labels())[options.label.substr(0, at)] = options.label.substr(at + 1);
    }
    latencies_.reserve(CallsInAll());
  }

  std::string Run() {
    const TimePoint start = SteadyClock::now();
    if (options_.rest_ms.has_value()) {
      RunLone();
    } else if (options_.rate > 0) {
      RunOpen(start);
    } else {
      RunClosed();
    }
    {
      MutexLock lock(&mutex_);
      while (under_way_ > 0) changed_.Wait(&mutex_);
    }
    return Report(std::chrono::duration<double>(SteadyClock::now() - start).count());
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::Job job;
    v1::BatchSubmitJobsRequest batch;
    v1::BatchSubmitJobsResponse results;
    TimePoint due;
    int jobs = 1;
  };

  int64_t CallsInAll() const {
    const int64_t each = std::max(options_.batch, 1);
    return (options_.jobs + each - 1) / each;
  }

  void RunClosed() {
    for (int i = 0; i < options_.in_flight; ++i) StartNext(SteadyClock::now());
  }

  void RunOpen(TimePoint start) {
    const int64_t calls = CallsInAll();
    for (int64_t i = 0; i < calls; ++i) {
      const auto due =
          start + std::chrono::duration_cast<SteadyClock::duration>(
                      std::chrono::duration<double>(static_cast<double>(i) / options_.rate));
      std::this_thread::sleep_until(due);
      {
        MutexLock lock(&mutex_);
        if (under_way_ >= options_.in_flight) {
          ++held_up_;
          while (under_way_ >= options_.in_flight) changed_.Wait(&mutex_);
        }
      }
      StartNext(due);
    }
  }

  // Synchronous, as a client would that has one thing to submit: no thread of ours has to be
  // woken, and the callback API's idle threads, which take naps, have no part in it.
  void RunLone() {
    std::mt19937 dice(1);
    std::uniform_real_distribution<double> rest(options_.rest_ms->first, options_.rest_ms->second);
    for (int64_t i = 0; i < options_.jobs; ++i) {
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(rest(dice)));
      Call call;
      call.due = SteadyClock::now();
      call.context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
      const grpc::Status status = stubs_.front()->SubmitJob(&call.context, job_, &call.job);
      Record(call, status);
    }
  }

  // False if all have been started.
  bool StartNext(TimePoint due) {
    auto call = std::make_unique<Call>();
    call->due = due;
    call->context.set_deadline(std::chrono::system_clock::now() + kCallLimit);
    size_t channel = 0;
    {
      MutexLock lock(&mutex_);
      if (started_ >= options_.jobs) return false;
      call->jobs = static_cast<int>(
          std::min<int64_t>(std::max(options_.batch, 1), options_.jobs - started_));
      started_ += call->jobs;
      ++under_way_;
      channel = next_channel_++ % stubs_.size();
    }
    auto* const async = stubs_[channel]->async();
    Call* const raw = call.release();
    const auto done = [this, raw](const grpc::Status& status) {
      OnDone(std::unique_ptr<Call>(raw), status);
    };
    if (options_.batch > 0) {
      for (int i = 0; i < raw->jobs; ++i) *raw->batch.add_requests() = job_;
      async->BatchSubmitJobs(&raw->context, &raw->batch, &raw->results, done);
    } else {
      async->SubmitJob(&raw->context, &job_, &raw->job, done);
    }
    return true;
  }

  // How the call ended, just now.
  void Record(const Call& call, const grpc::Status& status) {
    const double ms =
        std::chrono::duration<double, std::milli>(SteadyClock::now() - call.due).count();
    MutexLock lock(&mutex_);
    if (!status.ok()) {
      errors_[NameOf(status)] += call.jobs;
    } else if (options_.batch > 0) {
      for (const auto& result : call.results.results()) {
        if (result.has_job()) {
          ++accepted_;
        } else {
          ++errors_[std::to_string(result.error().code())];
        }
      }
    } else {
      ++accepted_;
    }
    (status.ok() ? latencies_ : refused_after_).push_back(ms);
  }

  void OnDone(std::unique_ptr<Call> call, const grpc::Status& status) {
    Record(*call, status);
    // It holds the channel, whose last owner must not be a gRPC thread: that would join itself.
    call.reset();
    if (options_.rate <= 0) StartNext(SteadyClock::now());
    MutexLock lock(&mutex_);
    --under_way_;
    changed_.NotifyAll();
  }

  static std::string NameOf(const grpc::Status& status) {
    switch (status.error_code()) {
      case grpc::StatusCode::UNAVAILABLE:
        return "UNAVAILABLE";
      case grpc::StatusCode::RESOURCE_EXHAUSTED:
        return "RESOURCE_EXHAUSTED";
      case grpc::StatusCode::DEADLINE_EXCEEDED:
        return "DEADLINE_EXCEEDED";
      default:
        return std::to_string(status.error_code());
    }
  }

  static nlohmann::json Percentiles(std::vector<double>& values) {
    if (values.empty()) return nullptr;
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
      const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
      return values[std::max<size_t>(rank, 1) - 1];
    };
    return {{"p50", at(0.5)},
            {"p90", at(0.9)},
            {"p99", at(0.99)},
            {"p999", at(0.999)},
            {"max", values.back()}};
  }

  std::string Report(double seconds) {
    MutexLock lock(&mutex_);
    return nlohmann::json{{"accepted", accepted_},
                          {"errors", errors_},
                          {"seconds", seconds},
                          {"jobs_per_second", static_cast<double>(accepted_) / seconds},
                          {"latency_ms", Percentiles(latencies_)},
                          {"refused_ms", Percentiles(refused_after_)},
                          {"held_up", held_up_}}
        .dump();
  }

  const Options options_;
  std::vector<std::unique_ptr<v1::JobService::Stub>> stubs_;
  v1::SubmitJobRequest job_;
  Mutex mutex_;
  CondVar changed_;
  int64_t started_ ABSL_GUARDED_BY(mutex_) = 0;  // Jobs.
  int under_way_ ABSL_GUARDED_BY(mutex_) = 0;    // Calls.
  size_t next_channel_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t held_up_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, int64_t> errors_ ABSL_GUARDED_BY(mutex_);
  // Of every call, exactly; a million take 8 MB.
  std::vector<double> latencies_ ABSL_GUARDED_BY(mutex_);
  std::vector<double> refused_after_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::string Run(const Options& options) { return Load(options).Run(); }

}  // namespace buzzer::bench

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "common/errors/errors.h"
#include "services/cli/files.h"
#include "tests/fakes/fake_job_service.h"

namespace buzzer::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class CommandsTest : public ::testing::Test {
 protected:
  ExitCode Run(const std::vector<std::string>& words, bool out_is_terminal = false) {
    out_.str("");
    err_.str("");
    return RunCommand(words, {in_, out_, err_, server_.address(), out_is_terminal,
                              [] { return 80; }, [this] { return &interrupt_; }});
  }

  buzzer::testing::FakeJobService server_;
  Interrupt interrupt_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandsTest, HelpNeedsNoServer) {
  EXPECT_EQ(Run({"--help"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("Exit codes"));
  EXPECT_EQ(Run({"submit", "--help"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("--max-attempts"));
}

TEST_F(CommandsTest, AWrongCommandLineIsUsage) {
  EXPECT_EQ(Run({"sumbit"}), kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("did you mean submit?"), HasSubstr("--help")));
  EXPECT_EQ(Run({"get", "1", "--output", "yaml"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("it is text or json"));
  EXPECT_EQ(Run({"get", "1", "--address", "http://127.0.0.1:8080/v1/jobs"}), kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("--address: "), HasSubstr("write HOST or HOST:PORT")));
  EXPECT_EQ(Run({"get", "1", "--timeout", "0s"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--timeout: must be above 0"));
  EXPECT_EQ(Run({"submit", "demo.echo", "--prioritty", "1"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("See 'buzzer submit --help'"));
  EXPECT_EQ(Run({"get", "1", "--tls-ca", "ca.pem"}), kUsage);
  EXPECT_EQ(Run({"submit", "demo.echo", "--payload", "{"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("buzzer submit --help"));
  EXPECT_EQ(Run({"list", "--limit", "0"}), kUsage);
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandsTest, SubmitPrintsTheId) {
  server_.on_submit = [](const v1::SubmitJobRequest& request, v1::Job* job) {
    EXPECT_EQ(request.type(), "demo.echo");
    EXPECT_EQ(request.payload().string_value(), "hello");
    job->set_id("0192");
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"submit", "demo.echo", "--payload", "\"hello\""}), kOk);
  EXPECT_EQ(out_.str(), "0192\n");
  EXPECT_EQ(Run({"submit", "demo.echo", "--payload", "\"hello\"", "--output", "json"}), kOk);
  EXPECT_THAT(out_.str(), AllOf(StartsWith("{"), HasSubstr("\"id\":\"0192\"")));
}

TEST_F(CommandsTest, SubmitSaysThatItIsARepeat) {
  server_.on_submit = [](const v1::SubmitJobRequest&, v1::Job* job) {
    job->set_id("0192");
    job->set_state(v1::Job::FAILED);
    job->set_replayed(true);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"submit", "demo.echo", "--key", "k"}), kOk);
  EXPECT_EQ(out_.str(), "0192\n");
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("used before"), HasSubstr("FAILED now")));
}

TEST_F(CommandsTest, SubmitSaysThatNoWorkerTakesTheJob) {
  server_.on_submit = [](const v1::SubmitJobRequest& request, v1::Job* job) {
    job->set_id("1");
    job->set_name("jobs/1");
    job->set_type(request.type());
    job->set_wait_reason(v1::Job::NO_WORKER);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"submit", "demo.echo"}), kOk);
  EXPECT_EQ(out_.str(), "1\n");
  EXPECT_EQ(err_.str(), "it waits: no connected worker takes jobs of type demo.echo now\n");
  EXPECT_EQ(Run({"submit", "demo.echo", "--output", "json"}), kOk);
  EXPECT_EQ(err_.str(), "");
  v1::JobEvent snapshot;
  snapshot.set_revision(1);
  snapshot.set_state(v1::Job::QUEUED);
  snapshot.mutable_job()->set_state(v1::Job::QUEUED);
  snapshot.mutable_job()->set_type("demo.echo");
  snapshot.mutable_job()->set_wait_reason(v1::Job::NO_WORKER);
  v1::JobEvent end;
  end.set_revision(2);
  end.set_state(v1::Job::CANCELLED);
  end.mutable_job()->set_state(v1::Job::CANCELLED);
  server_.AddWatch({{snapshot, end}, absl::OkStatus()});
  EXPECT_EQ(Run({"submit", "demo.echo", "--watch"}), kJobCancelled);
  EXPECT_THAT(out_.str(),
              HasSubstr("QUEUED      no connected worker takes jobs of type demo.echo"));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CommandsTest, SubmitReadsStandardInput) {
  in_.str("[1]");
  server_.on_submit = [](const v1::SubmitJobRequest& request, v1::Job*) {
    EXPECT_EQ(request.payload().list_value().values_size(), 1);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"submit", "demo.echo", "--payload", "-"}), kOk);
}

TEST_F(CommandsTest, SubmitAndWatchEndsAsTheJobDoes) {
  server_.on_submit = [](const v1::SubmitJobRequest&, v1::Job* job) {
    job->set_id("1");
    job->set_name("jobs/1");
    return absl::OkStatus();
  };
  v1::JobEvent end;
  end.set_revision(2);
  end.set_state(v1::Job::FAILED);
  end.mutable_job()->set_state(v1::Job::FAILED);
  end.mutable_job()->mutable_error()->set_reason("PROGRAM_FAILED");
  server_.AddWatch({{end}, absl::OkStatus()});
  EXPECT_EQ(Run({"submit", "demo.fail", "--watch"}), kJobFailed);
  EXPECT_THAT(out_.str(), AllOf(StartsWith("1\n"), HasSubstr("FAILED: PROGRAM_FAILED")));
}

TEST_F(CommandsTest, AnInterruptedWatchSaysThatTheJobGoesOn) {
  interrupt_.Raise();
  server_.AddWatch({{}, absl::OkStatus(), /*stays_open=*/true});
  EXPECT_EQ(Run({"watch", "0192"}), kInterrupted);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("job 0192 goes on"), HasSubstr("'buzzer watch 0192'")));
}

TEST_F(CommandsTest, AServersErrorNamesItsFields) {
  server_.on_submit = [](const v1::SubmitJobRequest&, v1::Job*) {
    return ErrorBuilder(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", "the request is bad")
        .Field("labels", "at most 32 are allowed")
        .Build();
  };
  EXPECT_EQ(Run({"submit", "demo.echo"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("  labels: at most 32 are allowed\n"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(CommandsTest, WithoutAServerTheAddressIsNamed) {
  EXPECT_EQ(Run({"get", "1", "--address", "127.0.0.1:1"}), kUnavailable);
  EXPECT_THAT(err_.str(), HasSubstr("Is Buzzer reachable at 127.0.0.1:1?"));
}

TEST_F(CommandsTest, GetAsksForTheWholeJobOnlyIfToldTo) {
  std::vector<int> views;
  server_.on_get = [&views](const v1::GetJobRequest& request, v1::Job* job) {
    views.push_back(request.view());
    job->set_id("1");
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"get", "jobs/1"}), kOk);
  EXPECT_EQ(Run({"get", "1", "--full"}), kOk);
  EXPECT_THAT(views, ElementsAre(v1::JOB_VIEW_UNSPECIFIED, v1::JOB_VIEW_FULL));
}

TEST_F(CommandsTest, ResultWritesTheBytesAsTheyAre) {
  const std::string bytes("\0\xff\n", 3);
  server_.on_result = [&bytes](const v1::GetJobResultRequest&, google::api::HttpBody* body) {
    body->set_content_type("image/png");
    body->set_data(bytes);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"result", "1"}), kOk);
  EXPECT_EQ(out_.str(), bytes);
  const std::string path = ::testing::TempDir() + "/result";
  EXPECT_EQ(Run({"result", "1", "--output-file", path}), kOk);
  EXPECT_EQ(*ReadFile(path, 100, in_), bytes);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), HasSubstr("wrote 3 bytes of image/png"));
  EXPECT_EQ(Run({"result", "1", "--output-file", "/nowhere/result"}), kUsage);
}

TEST_F(CommandsTest, ResultLetsNothingSteerTheTerminal) {
  std::string data = "\x1b[2J";
  server_.on_result = [&data](const v1::GetJobResultRequest&, google::api::HttpBody* body) {
    body->set_content_type("text/plain");
    body->set_data(data);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"result", "1"}, /*out_is_terminal=*/true), kUsage);
  EXPECT_EQ(out_.str(), "");
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("4 bytes of text/plain"), HasSubstr("--output-file")));
  EXPECT_EQ(Run({"result", "1"}), kOk);
  EXPECT_EQ(out_.str(), data);
  data = "{}";
  EXPECT_EQ(Run({"result", "1"}, /*out_is_terminal=*/true), kOk);
  EXPECT_EQ(out_.str(), "{}\n");
}

TEST_F(CommandsTest, AnOutputThatCannotBeWrittenIsNoFaultOfTheServer) {
  server_.on_get = [](const v1::GetJobRequest&, v1::Job*) { return absl::OkStatus(); };
  std::ostringstream broken;
  broken.setstate(std::ios::badbit);
  EXPECT_EQ(RunCommand({"get", "1"}, {in_, broken, err_, server_.address(), false,
                                      [] { return 80; }, [this] { return &interrupt_; }}),
            kUnavailable);
  EXPECT_EQ(err_.str(), "buzzer: standard output cannot be written\n");
}

TEST_F(CommandsTest, ANameMayBeAUrl) {
  std::string name;
  server_.on_get = [&name](const v1::GetJobRequest& request, v1::Job*) {
    name = request.name();
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"get", "http://localhost:8080/v1/jobs/0192:watch"}), kOk);
  EXPECT_EQ(name, "jobs/0192");
}

TEST_F(CommandsTest, ListGoesOnOverShortPages) {
  std::vector<std::pair<std::string, int>> asked;
  server_.on_list = [&asked](const v1::ListJobsRequest& request, v1::ListJobsResponse* page) {
    asked.emplace_back(request.page_token(), request.page_size());
    if (asked.size() != 2) page->add_jobs()->set_id(absl::StrCat("job-", asked.size()));
    if (asked.size() < 4) page->set_next_page_token(absl::StrCat("token-", asked.size()));
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"list", "--limit", "2"}), kOk);
  EXPECT_THAT(asked,
              ElementsAre(std::pair("", 2), std::pair("token-1", 1), std::pair("token-2", 1)));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("job-1"), HasSubstr("job-3")));
  EXPECT_THAT(err_.str(), HasSubstr("raise --limit"));
}

TEST_F(CommandsTest, AnEmptyListSaysSoBesideTheOutput) {
  server_.on_list = [](const v1::ListJobsRequest&, v1::ListJobsResponse*) {
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"list"}), kOk);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "no jobs\n");
  EXPECT_EQ(Run({"list", "--output=json"}), kOk);
  EXPECT_EQ(out_.str(), "{\"jobs\":[],\"nextPageToken\":\"\"}\n");
}

TEST_F(CommandsTest, CancelTellsTheStateAndARefusal) {
  server_.on_cancel = [](const v1::CancelJobRequest& request, v1::Job* job) {
    if (request.name() == "jobs/2") {
      return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "JOB_FINISHED", "it SUCCEEDED")
          .Build();
    }
    job->set_id("1");
    job->set_state(v1::Job::CANCELLING);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"cancel", "1"}), kOk);
  EXPECT_EQ(out_.str(), "1 CANCELLING\n");
  EXPECT_EQ(Run({"cancel", "2"}), kRefused);
  EXPECT_EQ(err_.str(), "buzzer: it SUCCEEDED\n");
}

TEST_F(CommandsTest, AForcedCancelSaysItsPrice) {
  server_.on_cancel = [](const v1::CancelJobRequest& request, v1::Job* job) {
    EXPECT_TRUE(request.force());
    job->set_id("1");
    job->set_state(v1::Job::CANCELLED);
    job->mutable_error()->set_reason("FORCED");
    job->mutable_error()->set_message("it was ended without waiting for worker w");
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"cancel", "1", "--force"}), kOk);
  EXPECT_EQ(out_.str(), "1 CANCELLED\n");
  EXPECT_EQ(err_.str(), "FORCED: it was ended without waiting for worker w\n");
  EXPECT_EQ(Run({"cancel", "--help"}), kOk);
  EXPECT_THAT(out_.str(), HasSubstr("what it did is not known"));
}

TEST_F(CommandsTest, DeleteOfAnUnknownJobIsNotFound) {
  server_.on_delete = [](const v1::DeleteJobRequest& request) {
    return request.name() == "jobs/1" ? absl::OkStatus() : absl::NotFoundError("no such job");
  };
  EXPECT_EQ(Run({"delete", "1"}), kOk);
  EXPECT_EQ(out_.str(), "1 deleted\n");
  EXPECT_EQ(Run({"delete", "2"}), kNotFound);
}

TEST_F(CommandsTest, ReleaseKeySaysWhatItDid) {
  server_.on_release = [](const v1::ReleaseIdempotencyKeyRequest& request) {
    return request.idempotency_key() == "order 1" ? absl::OkStatus()
                                                  : absl::NotFoundError("no such key");
  };
  EXPECT_EQ(Run({"release-key", "order 1"}), kOk);
  EXPECT_THAT(out_.str(), StartsWith("released"));
  EXPECT_EQ(Run({"release-key", "order 2"}), kNotFound);
  EXPECT_EQ(Run({"release-key"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("buzzer release-key KEY"));
}

TEST_F(CommandsTest, ForgetsQueuesAndTypes) {
  server_.on_delete_queue = [](const v1::DeleteQueueRequest& request) {
    if (request.name() == "queues/photos") return absl::OkStatus();
    return ErrorBuilder(absl::StatusCode::kFailedPrecondition, "QUEUE_IN_USE", "a worker serves it")
        .Build();
  };
  server_.on_delete_type = [](const v1::DeleteTypeRequest& request) {
    return request.name() == "types/images.thumbnails" ? absl::OkStatus()
                                                       : absl::NotFoundError("no such type");
  };
  EXPECT_EQ(Run({"queues", "delete", "photos"}), kOk);
  EXPECT_EQ(out_.str(), "queues/photos forgotten\n");
  EXPECT_EQ(Run({"queues", "delete", "busy"}), kRefused);
  EXPECT_EQ(Run({"types", "delete", "images.thumbnails"}), kOk);
  EXPECT_EQ(out_.str(), "types/images.thumbnails forgotten\n");
  EXPECT_EQ(Run({"types", "delete", "other"}), kNotFound);
  EXPECT_EQ(Run({"types", "images.thumbnails"}), kUsage);
}

TEST_F(CommandsTest, PauseShowsTheQueue) {
  server_.on_pause = [](const v1::PauseQueueRequest& request, v1::Queue* queue) {
    queue->set_name(request.name());
    queue->set_paused(true);
    return absl::OkStatus();
  };
  EXPECT_EQ(Run({"queues", "pause", "photos"}), kOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("photos"), HasSubstr("PAUSED")));
}

}  // namespace
}  // namespace buzzer::cli

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/cli/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "services/cli/files.h"

namespace buzzer::cli {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<v1::SubmitJobRequest> Submit(std::vector<std::string> options,
                                            const std::string& standard_input = "") {
  options.insert(options.begin(), {"submit", "demo.echo"});
  const auto arguments = Arguments::Parse(options);
  if (!arguments.ok()) return arguments.status();
  std::istringstream in(standard_input);
  return MakeSubmitRequest(*arguments, [&in](const std::string& name, size_t max_bytes) {
    return ReadFile(name, max_bytes, in);
  });
}

std::string ErrorOf(const std::vector<std::string>& options, const std::string& input = "") {
  const auto request = Submit(options, input);
  EXPECT_FALSE(request.ok());
  return std::string(request.status().message());
}

TEST(SubmitRequest, SetsOnlyWhatWasAskedFor) {
  const auto request = Submit({});
  ASSERT_TRUE(request.ok());
  v1::SubmitJobRequest bare;
  bare.set_type("demo.echo");
  EXPECT_EQ(request->SerializeAsString(), bare.SerializeAsString());
}

TEST(SubmitRequest, CarriesEveryOption) {
  const auto request =
      Submit({"--queue=photos", "--priority=high", "--label=a=1", "--label=b=", "--key=order-1",
              "--delay=1500ms", "--deadline=2h", "--attempt-timeout=5m", "--max-attempts=3",
              "--lease=10s", "--retention=48h", "--retry-initial=30s", "--retry-factor=1.5",
              "--retry-max=5m", "--retry-jitter=0", "--retry-final=HTTP_404",
              "--retry-final=PROGRAM_KILLED", "--payload={\"n\": 1}"});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->queue(), "photos");
  EXPECT_EQ(request->priority(), v1::Job::HIGH);
  EXPECT_EQ(request->labels().at("a"), "1");
  EXPECT_EQ(request->labels().at("b"), "");
  EXPECT_EQ(request->idempotency_key(), "order-1");
  EXPECT_EQ(request->delay().seconds(), 1);
  EXPECT_EQ(request->delay().nanos(), 500'000'000);
  EXPECT_EQ(request->deadline().seconds(), 7200);
  EXPECT_EQ(request->attempt_timeout().seconds(), 300);
  EXPECT_EQ(request->max_attempts(), 3);
  EXPECT_EQ(request->lease().seconds(), 10);
  EXPECT_EQ(request->retention().seconds(), 48 * 3600);
  EXPECT_EQ(request->retry().initial_delay().seconds(), 30);
  EXPECT_EQ(request->retry().factor(), 1.5);
  EXPECT_EQ(request->retry().max_delay().seconds(), 300);
  EXPECT_TRUE(request->retry().has_jitter());
  EXPECT_EQ(request->retry().jitter(), 0);
  EXPECT_THAT(request->retry().final_reasons(),
              ::testing::ElementsAre("HTTP_404", "PROGRAM_KILLED"));
  EXPECT_EQ(request->payload().struct_value().fields().at("n").number_value(), 1);
}

TEST(SubmitRequest, ReadsATimeWithItsZone) {
  EXPECT_EQ(Submit({"--run-at=1970-01-01T02:00:01.5+01:00"})->run_at().seconds(), 3601);
  EXPECT_EQ(Submit({"--run-at=1970-01-01T02:00:01.5+01:00"})->run_at().nanos(), 500'000'000);
  for (const char* text : {"tomorrow", "2026-01-31", "2026-01-31T08:00:00", "infinite-future"}) {
    EXPECT_THAT(ErrorOf({std::string("--run-at=") + text}), HasSubstr("is no time")) << text;
  }
  EXPECT_THAT(ErrorOf({"--run-at=2026-01-31T08:00:00Z", "--delay=5s"}), HasSubstr("not together"));
}

TEST(SubmitRequest, TakesAPayloadFromStandardInput) {
  const auto json = Submit({"--payload", "-"}, "[1, 2]\n");
  ASSERT_TRUE(json.ok()) << json.status();
  EXPECT_EQ(json->payload().list_value().values_size(), 2);
  const auto bytes = Submit({"--payload-file", "-", "--content-type=image/png"}, "\x89PNG");
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_EQ(bytes->payload_bytes(), "\x89PNG");
  EXPECT_EQ(bytes->payload_content_type(), "image/png");
}

TEST(SubmitRequest, TakesAPayloadFromAFile) {
  const std::string path = ::testing::TempDir() + "/payload.json";
  ASSERT_TRUE(WriteFile(path, "{\"a\": true}").ok());
  const auto request = Submit({"--payload=@" + path});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(request->payload().struct_value().fields().at("a").bool_value());
}

TEST(SubmitRequest, RefusesAPayloadThatIsNoJson) {
  for (const char* text : {"{'a': 1}", "{a: 1}", "{\"a\": 1,}", "", "\"\xff\"", "nonsense"}) {
    EXPECT_THAT(ErrorOf({std::string("--payload=") + text}),
                HasSubstr("--payload: that is not JSON"))
        << text;
  }
  EXPECT_THAT(ErrorOf({"--payload=@/nowhere"}), HasSubstr("cannot read the file '/nowhere'"));
  EXPECT_THAT(ErrorOf({"--payload=@/"}), HasSubstr("--payload: "));
}

TEST(SubmitRequest, RefusesWhatDoesNotGoTogether) {
  EXPECT_THAT(ErrorOf({"--payload=1", "--payload-file=-"}), HasSubstr("--payload: not together"));
  EXPECT_THAT(ErrorOf({"--payload=1", "--content-type=text/plain"}),
              HasSubstr("--content-type: only with --payload-file"));
}

TEST(SubmitRequest, RefusesAFileThatIsTooLarge) {
  EXPECT_TRUE(Submit({"--payload-file=-"}, std::string(1 << 20, 'x')).ok());
  EXPECT_THAT(ErrorOf({"--payload-file=-"}, std::string((1 << 20) + 1, 'x')),
              HasSubstr("larger than 1048576 bytes"));
}

TEST(SubmitRequest, NamesTheBadOption) {
  EXPECT_THAT(ErrorOf({"--priority=urgent"}), HasSubstr("it is high, normal or low"));
  EXPECT_THAT(ErrorOf({"--priority="}), HasSubstr("--priority"));
  EXPECT_THAT(ErrorOf({"--label=a"}), HasSubstr("write KEY=VALUE"));
  EXPECT_THAT(ErrorOf({"--label==a"}), HasSubstr("write KEY=VALUE"));
  EXPECT_THAT(ErrorOf({"--label=a=1", "--label=a=2"}), HasSubstr("'a' is given twice"));
  EXPECT_THAT(ErrorOf({"--max-attempts=0"}), HasSubstr("from 1 to 100"));
  EXPECT_THAT(ErrorOf({"--retry-initial=soon"}), HasSubstr("--retry-initial"));
  EXPECT_THAT(ErrorOf({"--retry-factor=twice"}), HasSubstr("--retry-factor: 'twice' is no number"));
  EXPECT_THAT(ErrorOf({"--retry-jitter="}), HasSubstr("--retry-jitter"));
  EXPECT_THAT(ErrorOf({"--key="}), HasSubstr("--key: is empty"));
  EXPECT_THAT(ErrorOf({"--delay=-5s"}), HasSubstr("--delay"));
}

std::string FilterOf(const std::vector<std::string>& words) {
  const auto arguments = Arguments::Parse(words);
  EXPECT_TRUE(arguments.ok()) << arguments.status();
  const auto request = MakeListRequest(*arguments);
  return request.ok() ? request->filter() : std::string(request.status().message());
}

TEST(ListRequest, JoinsItsConditions) {
  EXPECT_EQ(FilterOf({"list"}), "");
  EXPECT_EQ(FilterOf({"list", "--state=running", "--type=demo.echo", "--label=team=a \"b\""}),
            "state = RUNNING AND type = \"demo.echo\" AND labels.team = \"a \\\"b\\\"\"");
  EXPECT_EQ(FilterOf({"list", "--filter=create_time > \"2026-01-01T00:00:00Z\"", "--queue=q"}),
            "create_time > \"2026-01-01T00:00:00Z\" AND queue = \"q\"");
}

TEST(ListRequest, RefusesAnUnknownState) {
  EXPECT_THAT(FilterOf({"list", "--state=done"}), HasSubstr("it is scheduled, queued"));
}

TEST(Names, MayBeGivenWholeOrShort) {
  EXPECT_EQ(JobName("1"), "jobs/1");
  EXPECT_EQ(JobName("jobs/1"), "jobs/1");
  EXPECT_EQ(QueueName("photos"), "queues/photos");
  EXPECT_EQ(QueueName("queues/photos"), "queues/photos");
}

TEST(Names, MayBePastedFromTheRestApi) {
  for (const char* pasted :
       {"/v1/jobs/0192-a", "v1/jobs/0192-a", "/jobs/0192-a", "http://localhost:8080/v1/jobs/0192-a",
        "https://example.com/buzzer/v1/jobs/0192-a:watch", "/v1/jobs/0192-a/result",
        "/v1/jobs/0192-a?after=3&wait=20s", "jobs/0192-a:cancel", " 0192-a\r\n", "0192-a/",
        "0192-a /result", "jobs/ 0192-a"}) {
    EXPECT_EQ(JobName(pasted), "jobs/0192-a") << pasted;
  }
  EXPECT_EQ(QueueName("http://localhost:8080/v1/queues/jobs.photos:pause"), "queues/jobs.photos");
}

}  // namespace
}  // namespace buzzer::cli

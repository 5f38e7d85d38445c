// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/frontend/request_hash.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace buzzer::frontend {
namespace {

void SetLabel(v1::SubmitJobRequest* request, const std::string& key, std::string value) {
  (*request->mutable_labels())[key] = std::move(value);
}

v1::SubmitJobRequest FullRequest() {
  v1::SubmitJobRequest request;
  request.set_type("demo.echo");
  request.set_queue("photos");
  request.set_priority(v1::Job::HIGH);
  request.mutable_payload()->set_number_value(45);
  request.set_payload_content_type("text/plain");
  SetLabel(&request, "b", "2");
  SetLabel(&request, "a", "1");
  request.set_idempotency_key("key");
  request.mutable_run_at()->set_seconds(1'800'000'000);
  request.mutable_delay()->set_seconds(1);
  request.mutable_deadline()->set_nanos(2);
  request.mutable_attempt_timeout()->set_seconds(3);
  request.set_max_attempts(4);
  request.mutable_lease()->set_seconds(5);
  request.mutable_retention()->set_seconds(6);
  return request;
}

std::string Hash(const v1::SubmitJobRequest& request, absl::string_view payload = "45") {
  return absl::BytesToHexString(RequestHash(request, payload));
}

// These stand in databases: if one changes, raise kRequestHashVersion.
TEST(RequestHash, IsWhatItAlwaysWas) {
  EXPECT_EQ(kRequestHashVersion, 1);
  EXPECT_EQ(Hash(v1::SubmitJobRequest(), ""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hash(FullRequest()),
            "7699f17a0c0c2f9727fe62b122c62db4f14c07521aa78b2f3a0d0ff6fec24003");
  v1::SubmitJobRequest sleep;
  sleep.set_type("demo.sleep");
  sleep.mutable_payload();
  EXPECT_EQ(Hash(sleep, R"({"seconds":45,"steps":9})"),
            "3ea5437681a8a9e573fb54a741a4ce7c67b5acbad4173c3afbe628f0c21cabe9");
  v1::SubmitJobRequest attempts;
  attempts.set_type("demo.fail");
  attempts.set_max_attempts(3);
  EXPECT_EQ(Hash(attempts, ""), "4321fe294b654997cae4b64a2bd61f5694d9f2a4fa52c9441853cd91b65eebe9");
  v1::SubmitJobRequest bytes;
  bytes.set_type("images.thumbnails");
  bytes.set_payload_bytes(std::string("\0\xff", 2));
  SetLabel(&bytes, "team", "x");
  bytes.mutable_retention()->set_seconds(86'400);
  EXPECT_EQ(Hash(bytes, ""), "220dc354706ad98d743646da358a0703408bb1557dab6f622d597c1f01fc1776");
}

TEST(RequestHash, CoversARetryPolicyInOneFormForEver) {
  v1::SubmitJobRequest request;
  request.set_type("demo.fail");
  const std::string without = Hash(request, "");
  v1::RetryPolicy& retry = *request.mutable_retry();
  EXPECT_EQ(Hash(request, ""), without) << "a policy that says nothing";
  retry.mutable_initial_delay()->set_seconds(30);
  retry.set_factor(1.5);
  retry.mutable_max_delay()->set_seconds(300);
  retry.set_jitter(0);
  retry.add_final_reasons("HTTP_404");
  EXPECT_EQ(Hash(request, ""), "1a73d5a1b79006bed4866bae3bcea59b355aa15bda534290c6c4f597fd886e50");
  retry.set_jitter(-0.0);
  EXPECT_EQ(Hash(request, ""), "1a73d5a1b79006bed4866bae3bcea59b355aa15bda534290c6c4f597fd886e50");
}

TEST(RequestHash, DoesNotCoverTheKeyItself) {
  v1::SubmitJobRequest request = FullRequest();
  request.set_idempotency_key("another");
  EXPECT_EQ(Hash(request), Hash(FullRequest()));
}

TEST(RequestHash, DoesNotDependOnTheOrderOfLabels) {
  v1::SubmitJobRequest one, other;
  for (int i = 0; i < 32; ++i) {
    SetLabel(&one, absl::StrCat("k", i), "v");
    SetLabel(&other, absl::StrCat("k", 31 - i), "v");
  }
  EXPECT_EQ(Hash(one), Hash(other));
}

TEST(RequestHash, CoversEveryOtherField) {
  const std::vector<std::function<void(v1::SubmitJobRequest*)>> kChanges = {
      [](auto* request) { request->set_type("demo.sleep"); },
      [](auto* request) { request->clear_queue(); },
      [](auto* request) { request->set_priority(v1::Job::LOW); },
      [](auto* request) { request->clear_payload(); },
      [](auto* request) { request->set_payload_bytes("x"); },
      [](auto* request) { request->set_payload_content_type("text/html"); },
      [](auto* request) { SetLabel(request, "a", "2"); },
      [](auto* request) { SetLabel(request, "c", ""); },
      [](auto* request) { request->mutable_run_at()->set_nanos(1); },
      [](auto* request) { request->mutable_delay()->set_seconds(2); },
      [](auto* request) { request->clear_delay(); },
      [](auto* request) { request->mutable_deadline()->set_nanos(3); },
      [](auto* request) { request->mutable_attempt_timeout()->set_seconds(4); },
      [](auto* request) { request->set_max_attempts(5); },
      [](auto* request) { request->mutable_lease()->set_seconds(6); },
      [](auto* request) { request->mutable_retention()->set_seconds(7); },
      [](auto* request) { request->mutable_retry()->mutable_initial_delay()->set_seconds(1); },
      [](auto* request) { request->mutable_retry()->mutable_max_delay()->set_seconds(1); },
      [](auto* request) { request->mutable_retry()->set_factor(1); },
      [](auto* request) { request->mutable_retry()->set_factor(2); },
      [](auto* request) { request->mutable_retry()->set_jitter(1); },
      [](auto* request) { request->mutable_retry()->set_jitter(0); },
      [](auto* request) { request->mutable_retry()->add_final_reasons("A"); },
      [](auto* request) {
        request->mutable_retry()->add_final_reasons("A");
        request->mutable_retry()->add_final_reasons("A");
      },
  };
  std::set<std::string> hashes = {Hash(FullRequest()), Hash(FullRequest(), "46")};
  for (const auto& change : kChanges) {
    v1::SubmitJobRequest request = FullRequest();
    change(&request);
    hashes.insert(Hash(request));
  }
  EXPECT_EQ(hashes.size(), kChanges.size() + 2);
}

TEST(RequestHash, DoesNotMistakeOneFieldForAnother) {
  v1::SubmitJobRequest type, queue;
  type.set_type("a");
  queue.set_queue("a");
  EXPECT_NE(Hash(type, ""), Hash(queue, ""));
  v1::SubmitJobRequest one, other;
  SetLabel(&one, "a", "bc");
  SetLabel(&other, "ab", "c");
  EXPECT_NE(Hash(one, ""), Hash(other, ""));
}

}  // namespace
}  // namespace buzzer::frontend

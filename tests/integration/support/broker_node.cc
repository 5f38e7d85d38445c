// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/integration/support/broker_node.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace buzzer::testing {
namespace {

[[noreturn]] void Die(absl::string_view what) {
  std::fprintf(stderr, "broker node: %s\n", std::string(what).c_str());
  std::abort();
}

// Standard output, without the white space around it.
std::string Run(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) Die(absl::StrCat("cannot run ", command));
  std::string output;
  char buffer[4096];
  while (const size_t size = fread(buffer, 1, sizeof(buffer), pipe)) output.append(buffer, size);
  if (pclose(pipe) != 0) Die(absl::StrCat("failed: ", command, "\n", output));
  return std::string(absl::StripAsciiWhitespace(output));
}

std::string Tool(absl::string_view command, const std::string& directory) {
  return absl::StrCat("'" BUZZER_BROKER_TOOL "' ", command, " '", directory, "'");
}

}  // namespace

BrokerNode::BrokerNode() {
  std::string name = (std::filesystem::temp_directory_path() / "buzzer-broker-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) Die("cannot make a temporary directory");
  directory_ = name;
  Start();
}

BrokerNode::~BrokerNode() {
  Stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void BrokerNode::Start() {
  const std::string url = Run(Tool("start", directory_));
  if (!url_.empty() && url != url_) Die("the node came back at another address");
  absl::StatusOr<amqp::Address> address = amqp::ParseAddress(url);
  if (!address.ok()) Die(address.status().ToString());
  url_ = url;
  address_ = *std::move(address);
}

void BrokerNode::Stop() { Run(Tool("stop", directory_)); }

void BrokerNode::Kill() { Signal(SIGKILL); }
void BrokerNode::Freeze() { Signal(SIGSTOP); }
void BrokerNode::Thaw() { Signal(SIGCONT); }

std::string BrokerNode::Ctl(absl::string_view arguments) {
  return Run(absl::StrCat(Tool("ctl", directory_), " --quiet ", arguments));
}

void BrokerNode::SetMemoryAlarm(bool on) {
  Ctl(absl::StrCat("set_vm_memory_high_watermark ", on ? "0" : "0.3"));
}

void BrokerNode::Signal(int signal) {
  std::ifstream file(directory_ + "/node.pid");
  pid_t pid = 0;
  if (!(file >> pid) || kill(pid, signal) != 0) Die("there is no process to signal");
}

}  // namespace buzzer::testing

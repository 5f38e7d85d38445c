// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/log/gatherer.h"

#include <unistd.h>

#include <cerrno>

namespace buzzer::log {

using std::chrono::steady_clock;

Gatherer::Gatherer(int fd, std::chrono::nanoseconds wait) : fd_(fd), wait_(wait) {
  // A string that moves would be no good to WriteWhileCrashing.
  gathered_.reserve(kMostBytes);
  leaving_.reserve(kMostBytes);
  thread_ = std::thread([this] { Loop(); });
}

Gatherer::~Gatherer() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    added_.NotifyAll();
  }
  thread_.join();
}

void Gatherer::Add(absl::string_view line, bool at_once) {
  MutexLock lock(&mutex_);
  while (!gathered_.empty() && gathered_.size() + line.size() > kMostBytes) {
    if (writing_) {
      written_.Wait(&mutex_);
    } else {
      Write();
    }
  }
  const bool first = gathered_.empty();
  gathered_.append(line.data(), line.size());
  if (at_once) {
    while (writing_) written_.Wait(&mutex_);
    if (!gathered_.empty()) Write();
  } else if (!writing_ && steady_clock::now() >= gather_until_) {
    Write();
  } else if (first) {
    added_.NotifyOne();
  }
}

void Gatherer::WriteWhileCrashing() const { WriteWhole(fd_, gathered_); }

void Gatherer::Loop() {
  MutexLock lock(&mutex_);
  while (true) {
    if (writing_) {
      written_.Wait(&mutex_);
    } else if (gathered_.empty()) {
      if (stopping_) return;
      added_.Wait(&mutex_);
    } else if (const auto left = gather_until_ - steady_clock::now();
               left > std::chrono::nanoseconds::zero() && !stopping_) {
      added_.WaitFor(&mutex_, left);
    } else {
      Write();
    }
  }
}

void Gatherer::Write() {
  writing_ = true;
  leaving_.swap(gathered_);
  mutex_.Unlock();
  WriteWhole(fd_, leaving_);
  mutex_.Lock();
  leaving_.clear();
  writing_ = false;
  gather_until_ = steady_clock::now() + wait_;
  written_.NotifyAll();
}

void WriteWhole(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace buzzer::log

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/log/gatherer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace buzzer::log {
namespace {

using std::chrono::steady_clock;

// How much of `lines` goes in one write.
size_t PieceOf(absl::string_view lines) {
  if (lines.size() <= PIPE_BUF) return lines.size();
  size_t end = lines.rfind('\n', PIPE_BUF - 1);
  if (end == absl::string_view::npos) end = lines.find('\n');
  return std::min(end, lines.size() - 1) + 1;
}

}  // namespace

Gatherer::Gatherer(int fd, std::chrono::nanoseconds wait)
    : fd_(fd), wait_(wait), thread_([this] { Loop(); }) {}

Gatherer::~Gatherer() { Stop(); }

void Gatherer::Add(absl::string_view line, bool at_once) {
  MutexLock lock(&mutex_);
  while (!gathered_.empty() && gathered_.size() + line.size() > kMostBytes) {
    WriteOrWait();
  }
  const bool first = gathered_.empty();
  gathered_.append(line.data(), line.size());
  if (at_once || stopping_) {
    FlushLocked();
  } else if (!writing() && steady_clock::now() >= gather_until_) {
    Write();
  } else if (first) {
    added_.NotifyOne();
  }
}

void Gatherer::Flush() {
  MutexLock lock(&mutex_);
  FlushLocked();
}

void Gatherer::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    added_.NotifyOne();
  }
  if (thread_.joinable()) thread_.join();
}

void Gatherer::Loop() {
  MutexLock lock(&mutex_);
  while (true) {
    if (writing()) {
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

void Gatherer::FlushLocked() {
  // Not until nobody writes: under load somebody always does.
  const uint64_t mine = gathered_.empty() ? begun_ : begun_ + 1;
  while (left_ < mine) WriteOrWait();
}

void Gatherer::WriteOrWait() {
  if (writing()) {
    written_.Wait(&mutex_);
  } else {
    Write();
  }
}

void Gatherer::Write() {
  ++begun_;
  leaving_.swap(gathered_);
  mutex_.Unlock();
  WriteLines(fd_, leaving_);
  mutex_.Lock();
  leaving_.clear();
  ++left_;
  gather_until_ = steady_clock::now() + wait_;
  written_.NotifyAll();
}

void WriteLines(int fd, absl::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = write(fd, lines.data(), PieceOf(lines));
    if (written > 0) {
      lines.remove_prefix(static_cast<size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd room = {fd, POLLOUT, 0};
      poll(&room, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      return;
    }
  }
}

}  // namespace buzzer::log

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervised_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "services/worker/supervisor/control.h"
#include "services/worker/utf8.h"

namespace buzzer::worker {
namespace {

constexpr size_t kMaxLine = 64 << 10;
constexpr size_t kReadSize = 64 << 10;

// Owns a file descriptor. All of ours are above those that the supervisor gets, so that
// moving one there never overwrites another.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int low) : fd_(fcntl(low, F_DUPFD_CLOEXEC, kControlFd + 1)) { close(low); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { Close(); }

  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void SetNonBlocking() const { fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK); }

 private:
  int fd_ = -1;
};

bool MakePipe(Fd* read_end, Fd* write_end) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return false;
  *read_end = Fd(fds[0]);
  *write_end = Fd(fds[1]);
  return read_end->open() && write_end->open();
}

bool MakeSocketPair(Fd* ours, Fd* theirs) {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return false;
  *ours = Fd(fds[0]);
  *theirs = Fd(fds[1]);
  return ours->open() && theirs->open();
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Cuts a stream into lines and drops those that are too long.
class LineSplitter {
 public:
  explicit LineSplitter(const std::function<void(absl::string_view)>& on_line)
      : on_line_(on_line) {}

  void Add(absl::string_view bytes) {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      Append(bytes.substr(0, end));
      if (end == absl::string_view::npos) return;
      Finish();
      bytes.remove_prefix(end + 1);
    }
  }

  // The last line may lack its newline.
  void Finish() {
    if (too_long_) ++long_lines_;
    if (!too_long_ && !line_.empty()) on_line_(line_);
    line_.clear();
    too_long_ = false;
  }

  int64_t long_lines() const { return long_lines_; }

 private:
  void Append(absl::string_view part) {
    if (too_long_ || line_.size() + part.size() > kMaxLine) {
      too_long_ = true;
      return;
    }
    absl::StrAppend(&line_, part);
  }

  const std::function<void(absl::string_view)>& on_line_;
  std::string line_;
  bool too_long_ = false;
  int64_t long_lines_ = 0;
};

// Reads once; closes at the end of the stream.
absl::string_view ReadSome(Fd& fd, char* buffer) {
  const ssize_t got = read(fd.get(), buffer, kReadSize);
  if (got > 0) return {buffer, static_cast<size_t>(got)};
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) fd.Close();
  return {};
}

ProgramEnd ParseReport(absl::string_view report) {
  ProgramEnd end;
  int number = 0;
  if (report.size() < 3 || report.back() != '\n' ||
      !absl::SimpleAtoi(report.substr(2, report.size() - 3), &number)) {
    end.why = "the program's supervisor was killed, and the program with it";
    return end;
  }
  end.code = number;
  switch (report[0]) {
    case kExited:
      end.kind = ProgramEnd::Kind::kExited;
      break;
    case kSignalled:
      end.kind = ProgramEnd::Kind::kSignalled;
      break;
    default:
      end.kind = ProgramEnd::Kind::kNotStarted;
      end.why = absl::StrCat("the program could not be started: ", strerror(number));
  }
  return end;
}

}  // namespace

struct SupervisedProgram::Pipes {
  Fd input;
  Fd output;
  Fd error;
  Fd progress;
  Fd control;
};

absl::StatusOr<std::unique_ptr<SupervisedProgram>> SupervisedProgram::Start(
    const ProgramSpec& spec) {
  auto pipes = std::make_unique<Pipes>();
  Fd input;
  Fd output;
  Fd error;
  Fd progress;
  Fd control;
  if (!MakePipe(&input, &pipes->input) || !MakePipe(&pipes->output, &output) ||
      !MakePipe(&pipes->error, &error) || !MakePipe(&pipes->progress, &progress) ||
      !MakeSocketPair(&pipes->control, &control)) {
    return absl::UnavailableError(
        absl::StrCat("no file descriptors for a program: ", strerror(errno)));
  }
  std::vector<std::string> arguments = {
      spec.supervisor, absl::StrCat(absl::ToInt64Milliseconds(spec.lease)),
      absl::StrCat(absl::ToInt64Milliseconds(spec.grace)), spec.working_directory};
  arguments.insert(arguments.end(), spec.argv.begin(), spec.argv.end());
  std::vector<std::string> environment = spec.environment;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const Fd* const ends[] = {&input, &output, &error, &progress, &control};
  for (int fd = 0; fd <= kControlFd; ++fd) {
    posix_spawn_file_actions_adddup2(&actions, ends[fd]->get(), fd);
  }
  // The worker blocks and ignores signals that a program must get.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t supervisor = 0;
  const int failed = posix_spawn(&supervisor, spec.supervisor.c_str(), &actions, &attributes,
                                 Pointers(arguments).data(), Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot start ", spec.supervisor, ": ", strerror(failed)));
  }
  return std::unique_ptr<SupervisedProgram>(
      new SupervisedProgram(supervisor, std::move(pipes), spec.max_output));
}

SupervisedProgram::SupervisedProgram(pid_t supervisor, std::unique_ptr<Pipes> pipes,
                                     size_t max_output)
    : supervisor_(supervisor), pipes_(std::move(pipes)), max_output_(max_output) {
  for (const Fd* fd : {&pipes_->input, &pipes_->output, &pipes_->error, &pipes_->progress}) {
    fd->SetNonBlocking();
  }
}

SupervisedProgram::~SupervisedProgram() {
  pipes_->control.Close();  // The supervisor ends the tree if it is still there.
  waitpid(supervisor_, nullptr, 0);
}

void SupervisedProgram::Say(char what) {
  // It fails only if the supervisor is gone, which Communicate sees, or has not read for
  // thousands of bytes, which it will.
  (void)!send(pipes_->control.get(), &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void SupervisedProgram::OnCancel() {
  terminated_ = true;
  Say(kTerminate);
}

void SupervisedProgram::OnHeartbeat() { Say(kHeartbeat); }

ProgramEnd SupervisedProgram::Communicate(absl::string_view input,
                                          const std::function<void(absl::string_view)>& on_line) {
  std::string output;
  std::string error_tail;
  std::string report;
  LineSplitter lines(on_line);
  bool too_large = false;
  bool supervisor_is_done = false;
  std::vector<char> buffer(kReadSize);
  if (input.empty()) pipes_->input.Close();

  // The supervisor says its last word when no process of the tree is left; what lies in
  // the pipes by then is all that there will be.
  while (!supervisor_is_done || pipes_->output.open() || pipes_->error.open() ||
         pipes_->progress.open()) {
    // A closed one is -1, which poll passes over.
    pollfd polled[] = {{supervisor_is_done ? -1 : pipes_->control.get(), POLLIN, 0},
                       {pipes_->output.get(), POLLIN, 0},
                       {pipes_->error.get(), POLLIN, 0},
                       {pipes_->progress.get(), POLLIN, 0},
                       {pipes_->input.get(), POLLOUT, 0}};
    if (poll(polled, 5, -1) < 0) continue;
    if (polled[1].revents != 0) {
      const absl::string_view bytes = ReadSome(pipes_->output, buffer.data());
      if (output.size() + bytes.size() <= max_output_ && !too_large) {
        absl::StrAppend(&output, bytes);
      } else if (!too_large) {
        too_large = true;
        output.clear();
        Say(kTerminate);
      }
    }
    if (polled[2].revents != 0) {
      absl::StrAppend(&error_tail, ReadSome(pipes_->error, buffer.data()));
      if (error_tail.size() > 4 * kMaxErrorDetailBytes) {
        error_tail.erase(0, error_tail.size() - kMaxErrorDetailBytes);
      }
    }
    if (polled[3].revents != 0) lines.Add(ReadSome(pipes_->progress, buffer.data()));
    if (polled[4].revents != 0) {
      const ssize_t written = write(pipes_->input.get(), input.data(), input.size());
      if (written > 0) input.remove_prefix(static_cast<size_t>(written));
      // A program need not read its payload.
      if (input.empty() || (written < 0 && errno != EAGAIN && errno != EINTR)) {
        pipes_->input.Close();
      }
    }
    if (polled[0].revents != 0) {
      char bytes[64];
      const ssize_t got = read(pipes_->control.get(), bytes, sizeof(bytes));
      if (got > 0) report.append(bytes, static_cast<size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) supervisor_is_done = true;
      // Killed before its last word: who holds the pipes now is nobody's guess.
      if (supervisor_is_done && report.empty()) break;
    }
  }
  lines.Finish();

  ProgramEnd end = ParseReport(report);
  end.output = std::move(output);
  end.output_too_large = too_large;
  end.error_tail = ToValidUtf8(Utf8Suffix(error_tail, kMaxErrorDetailBytes));
  end.was_terminated = terminated_;
  end.long_lines = lines.long_lines();
  return end;
}

}  // namespace buzzer::worker

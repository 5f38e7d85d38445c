// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "services/worker/handlers/supervised_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/limits/limits.h"
#include "services/worker/handlers/line_reader.h"
#include "services/worker/handlers/supervisor_children.h"
#include "services/worker/supervisor/protocol.h"

namespace buzzer::worker {
namespace {

constexpr size_t kMaxProgressLine = 64 << 10;
constexpr size_t kReadSize = 64 << 10;
// For a supervisor to end when its work is done.
constexpr absl::Duration kEndsWithin = absl::Seconds(2);
// The child's ends are moved above those that it will know them by.
constexpr int kFirstFreeFd = 16;

struct Pair {
  FileDescriptor ours;
  FileDescriptor childs;
};

absl::Status Exhausted(absl::string_view what, int error) {
  return absl::ResourceExhaustedError(absl::StrCat(what, ": ", strerror(error)));
}

absl::StatusOr<Pair> MakePair(int ours, int childs) {
  Pair pair{FileDescriptor(ours), FileDescriptor()};
  const FileDescriptor low(childs);
  pair.childs = FileDescriptor(fcntl(childs, F_DUPFD_CLOEXEC, kFirstFreeFd));
  if (!pair.childs.is_open()) return Exhausted("cannot make a pipe for the program", errno);
  fcntl(ours, F_SETFL, O_NONBLOCK);
  return pair;
}

absl::StatusOr<Pair> MakePipe(bool child_reads) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return Exhausted("cannot make a pipe for the program", errno);
  return child_reads ? MakePair(fds[1], fds[0]) : MakePair(fds[0], fds[1]);
}

absl::StatusOr<Pair> MakeControl() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    return Exhausted("cannot make a socket for the supervisor", errno);
  }
  return MakePair(fds[0], fds[1]);
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Starts the supervisor with `fds` as its file descriptors 0, 1, 2, ... and no others.
absl::StatusOr<pid_t> Spawn(const ProgramSpec& spec, const std::vector<int>& fds) {
  std::vector<std::string> argv = {
      spec.supervisor, absl::StrCat(absl::ToInt64Milliseconds(spec.lease)),
      absl::StrCat(absl::ToInt64Milliseconds(spec.grace)), spec.working_directory};
  argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (size_t i = 0; i < fds.size(); ++i) {
    posix_spawn_file_actions_adddup2(&actions, fds[i], static_cast<int>(i));
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, static_cast<int>(fds.size()));

  // A session of its own keeps a terminal's Ctrl-C away. The worker's threads ignore signals that
  // a program expects to work. Until the supervisor says itself which signals it hears, it must
  // not be ended by one either.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  sigdelset(&signals, SIGCHLD);  // It ends nobody.
  posix_spawnattr_setsigmask(&attributes, &signals);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);

  pid_t pid = 0;
  const int error = posix_spawn(&pid, spec.supervisor.c_str(), &actions, &attributes,
                                Pointers(argv).data(), Pointers(spec.environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    return Exhausted(absl::StrCat("cannot start the supervisor ", spec.supervisor), error);
  }
  return pid;
}

// Reads what is there; closes `fd` at the end of the stream. `take` is told each piece.
template <typename Take>
void ReadAvailable(FileDescriptor& fd, Take take) {
  char buffer[kReadSize];
  const ssize_t size = read(fd.get(), buffer, sizeof(buffer));
  if (size > 0) {
    take(absl::string_view(buffer, static_cast<size_t>(size)));
  } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
    fd.Close();
  }
}

// Writes what fits; closes `fd` at the end, or when nobody reads.
void WriteAvailable(FileDescriptor& fd, absl::string_view& rest) {
  if (!rest.empty()) {
    const ssize_t size = write(fd.get(), rest.data(), rest.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size < 0) rest = {};
    if (size > 0) rest.remove_prefix(static_cast<size_t>(size));
  }
  if (rest.empty()) fd.Close();
}

// The last of a stream, in twice the room that it needs.
class Tail {
 public:
  void Add(absl::string_view bytes) {
    text_.append(bytes.data(), bytes.size());
    if (text_.size() > 2 * kMaxErrorDetailBytes) {
      text_.erase(0, text_.size() - kMaxErrorDetailBytes);
    }
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

const char* StepName(int step) {
  switch (step) {
    case SupervisorReport::kWorkingDirectory:
      return "cannot enter the working directory: ";
    case SupervisorReport::kExecute:
      return "cannot execute the program: ";
    case SupervisorReport::kReadProc:
      return "cannot supervise without /proc: ";
    default:
      return "cannot start a process: ";
  }
}

void Fill(const std::optional<SupervisorReport>& report, ProgramEnd& end) {
  if (!report.has_value()) {
    end.kind = ProgramEnd::Kind::kLost;
    end.why = end.supervisor_woken > 0
                  ? "the program's supervisor stood still and was killed together with it"
                  : "the program was killed together with its supervisor";
    return;
  }
  if (report->ending == SupervisorReport::kForSilence) {
    end.kind = ProgramEnd::Kind::kLost;
    end.why = "the program was ended because the worker had stood still for a lease";
    return;
  }
  end.code = report->code;
  end.was_terminated = report->ending == SupervisorReport::kOnRequest;
  switch (report->kind) {
    case SupervisorReport::kExited:
      end.kind = ProgramEnd::Kind::kExited;
      break;
    case SupervisorReport::kSignalled:
      end.kind = ProgramEnd::Kind::kSignalled;
      break;
    default:
      end.kind = ProgramEnd::Kind::kNotStarted;
      end.why = absl::StrCat(StepName(report->failed_step), strerror(report->code));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SupervisedProgram>> SupervisedProgram::Start(
    const ProgramSpec& spec) {
  std::vector<Pair> pairs;
  std::vector<int> childs;
  for (auto make : std::initializer_list<absl::StatusOr<Pair> (*)()>{
           [] { return MakePipe(/*child_reads=*/true); },   // standard input
           [] { return MakePipe(/*child_reads=*/false); },  // standard output
           [] { return MakePipe(/*child_reads=*/false); },  // standard error
           [] { return MakePipe(/*child_reads=*/false); },  // kProgressFd
           MakeControl}) {                                  // kControlFd
    auto pair = make();
    if (!pair.ok()) return pair.status();
    childs.push_back(pair->childs.get());
    pairs.push_back(*std::move(pair));
  }
  FileDescriptor cancel(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!cancel.is_open()) return Exhausted("cannot make an event for the program", errno);
  const auto pid = SupervisorChildren::Get().Start([&] { return Spawn(spec, childs); });
  if (!pid.ok()) return pid.status();
  Ends ends{std::move(pairs[0].ours), std::move(pairs[1].ours), std::move(pairs[2].ours),
            std::move(pairs[3].ours), std::move(pairs[4].ours), std::move(cancel)};
  return std::unique_ptr<SupervisedProgram>(new SupervisedProgram(*pid, std::move(ends), spec));
}

SupervisedProgram::SupervisedProgram(pid_t supervisor, Ends ends, const ProgramSpec& spec)
    : max_output_(spec.max_output),
      grace_(spec.grace),
      supervisor_limits_(spec.supervisor_limits),
      supervisor_(supervisor),
      ends_(std::move(ends)) {}

SupervisedProgram::~SupervisedProgram() {
  if (awaited_) return;
  ends_ = Ends();
  SupervisorChildren::Get().Signal(supervisor_, SIGCONT);
  SupervisorChildren::Get().Await(supervisor_, grace_ + kEndsWithin);
  SupervisorChildren::Get().EndOrphans();
}

ProgramEnd SupervisedProgram::Communicate(absl::string_view input,
                                          const std::function<void(absl::string_view)>& on_line) {
  ProgramEnd end;
  Tail error_tail;
  LineReader lines(kMaxProgressLine, on_line);
  const auto take_output = [&](absl::string_view bytes) {
    if (end.output_too_large) return;
    end.output.append(bytes.data(), bytes.size());
    if (end.output.size() <= max_output_) return;
    end.output_too_large = true;
    end.output.clear();
    end.output.shrink_to_fit();
    OnCancel();
  };
  const auto take_error = [&](absl::string_view bytes) { error_tail.Add(bytes); };
  const auto take_progress = [&](absl::string_view bytes) { lines.Add(bytes); };

  std::optional<SupervisorReport> report;
  bool has_ended = false;
  SupervisorWatch watch(supervisor_limits_);
  auto looked = std::chrono::steady_clock::now();
  while (true) {
    pollfd fds[] = {{ends_.input.get(), POLLOUT, 0},
                    {ends_.output.get(), POLLIN, 0},
                    {ends_.error.get(), POLLIN, 0},
                    {ends_.progress.get(), POLLIN, 0},
                    {has_ended ? -1 : ends_.control.get(), POLLIN, 0},
                    {has_ended ? -1 : ends_.cancel.get(), POLLIN, 0}};
    // Once the tree has ended only what lies in the pipes is left. They need not be at
    // their end: a program may have handed them to a process outside of its tree.
    const absl::Duration limit = has_ended ? absl::ZeroDuration() : watch.next_look();
    const int ready = poll(fds, std::size(fds), static_cast<int>(absl::ToInt64Milliseconds(limit)));
    if (ready < 0 && errno == EINTR) continue;
    if (has_ended && ready <= 0) break;
    if (fds[0].revents != 0) WriteAvailable(ends_.input, input);
    if (fds[1].revents != 0) ReadAvailable(ends_.output, take_output);
    if (fds[2].revents != 0) ReadAvailable(ends_.error, take_error);
    if (fds[3].revents != 0) ReadAvailable(ends_.progress, take_progress);
    if (has_ended) continue;
    if (fds[5].revents != 0) {
      uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t size = read(ends_.cancel.get(), &ignored, sizeof(ignored));
    }
    if (fds[4].revents != 0) has_ended = Hear(watch, report);
    const auto now = std::chrono::steady_clock::now();
    // After what it has said was heard: time alone is no sign that it is silent. And not each time
    // that the program writes something.
    if (!has_ended && (fds[5].revents != 0 || absl::FromChrono(now - looked) >= limit)) {
      has_ended = Tend(watch, absl::FromChrono(now - looked));
      looked = now;
    }
    if (has_ended) ends_.input.Close();
  }
  end.supervisor_woken = watch.times_woken();
  SupervisorChildren::Get().Await(supervisor_, kEndsWithin);
  awaited_ = true;
  // Who tells nothing was killed, and could not end its tree.
  if (!report.has_value()) SupervisorChildren::Get().EndOrphans();
  lines.End();
  end.long_lines = lines.long_lines();
  end.error_tail = error_tail.Take();
  if (!report.has_value()) end.was_terminated = ending_;
  Fill(report, end);
  return end;
}

bool SupervisedProgram::Hear(SupervisorWatch& watch, std::optional<SupervisorReport>& report) {
  SupervisorReport bytes;
  const auto receive = [&] {
    // The whole size also where there is no room for it.
    return recv(ends_.control.get(), &bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
  };
  ssize_t size = receive();
  // It has ended without having read all that we said. That is told first, and once; what it said
  // before lies there still.
  if (size < 0 && errno == ECONNRESET) size = receive();
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) return true;
  const SupervisorMessage message =
      ReadSupervisorMessage(reinterpret_cast<const char*>(&bytes), static_cast<size_t>(size));
  switch (message.kind) {
    case SupervisorMessage::kIsThere:
      watch.OnAnswer();
      return false;
    case SupervisorMessage::kReport:
      report = message.report;
      return true;
    case SupervisorMessage::kNonsense:
      SupervisorChildren::Get().Kill(supervisor_);
      return true;
  }
  return true;
}

bool SupervisedProgram::Tend(SupervisorWatch& watch, absl::Duration waited) {
  switch (watch.Look(waited, ending_)) {
    case SupervisorWatch::Action::kNone:
      return false;
    case SupervisorWatch::Action::kAsk:
      Say(kAreYouThere);
      return false;
    case SupervisorWatch::Action::kWake:
      SupervisorChildren::Get().Signal(supervisor_, SIGCONT);
      return false;
    case SupervisorWatch::Action::kKill:
      SupervisorChildren::Get().Kill(supervisor_);
      return false;
    case SupervisorWatch::Action::kGiveUp:
      return true;
  }
  return true;
}

void SupervisedProgram::Say(char message) {
  // If there is no room, or nobody there, the supervisor ends or has ended the tree.
  send(ends_.control.get(), &message, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void SupervisedProgram::OnCancel() {
  ending_ = true;
  Say(kTerminate);
  // If it is stopped it could not hear that.
  SupervisorChildren::Get().Signal(supervisor_, SIGCONT);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(ends_.cancel.get(), &one, sizeof(one));
}

void SupervisedProgram::OnHeartbeat() { Say(kFeed); }

}  // namespace buzzer::worker

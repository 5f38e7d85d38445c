// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_SECRETS_SECRETS_H_
#define COMMON_SECRETS_SECRETS_H_

#include <optional>
#include <string>

namespace buzzer {

// Keeps the other processes of this user out of this one: they cannot read its memory, its
// environment, nor reach its open files through /proc, and it leaves no core dump behind. Root
// still can; so a debugger or profiler that attaches must run as root (CAP_SYS_PTRACE). A program
// that is executed later is open again. Call first in main.
void CloseProcessToOthers();

// The value of an environment variable, which is gone afterwards: from the environment that
// children inherit, and from the bytes that /proc/PID/environ shows, which unsetenv leaves
// as they are. nullopt if it is not set. Not while other threads use the environment.
std::optional<std::string> TakeFromEnvironment(const char* name);

// The same for every variable that holds a secret of ours: for a program that needs none of
// them, and may have been started with the environment of one that does.
void DropSecretsFromEnvironment();

// Overwrites the passwords in the addresses (`scheme://user:password@...`) of the command line,
// which every user of the machine can read in the list of processes, and says once in the log
// that there were any. Call when the flags have been parsed.
void HidePasswordsOfCommandLine(int argc, char** argv);

}  // namespace buzzer

#endif  // COMMON_SECRETS_SECRETS_H_

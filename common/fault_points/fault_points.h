// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_FAULT_POINTS_FAULT_POINTS_H_
#define COMMON_FAULT_POINTS_FAULT_POINTS_H_

// What the fault tests (tests/faults) need inside the services. Only the CMake option
// BUZZER_FAULT_POINTS, which the preset `faults` sets, puts any of it into a program; in
// every other build a crash point is no code and a planted bug is a constant false.
//
//   BUZZER_CRASH_POINT("commit.before");
//     The process dies here, as of `kill -9`, if the test has armed this point: written
//     its name and a NUL at the beginning of the file named by the environment variable
//     BUZZER_CRASH_FILE. The point is disarmed first, so that of all processes that share
//     the file one dies, once. Write into the file in place; never truncate it, since
//     every process has it mapped.
//
//   BUZZER_CRASH_POINT_IF(condition, "claim_commit.before");
//     The same where the condition holds, which no other build looks at.
//
//   if (BUZZER_PLANTED("no_fencing")) ...
//     A bug put in on purpose, there if the environment variable BUZZER_PLANTED has its
//     name: whether the checker of the fault tests finds it.

#ifdef BUZZER_FAULT_POINTS

#define BUZZER_CRASH_POINT(name) ::buzzer::fault_points::ReachCrashPoint(name)
#define BUZZER_CRASH_POINT_IF(condition, name)                    \
  do {                                                            \
    if (condition) ::buzzer::fault_points::ReachCrashPoint(name); \
  } while (false)
#define BUZZER_PLANTED(name) ::buzzer::fault_points::IsPlanted(name)

namespace buzzer::fault_points {

// Behind the macros. Thread-safe.
void ReachCrashPoint(const char* name);
bool IsPlanted(const char* name);

}  // namespace buzzer::fault_points

#else

#define BUZZER_CRASH_POINT(name) static_cast<void>(0)
#define BUZZER_CRASH_POINT_IF(condition, name) static_cast<void>(0)
#define BUZZER_PLANTED(name) false

#endif  // BUZZER_FAULT_POINTS

#endif  // COMMON_FAULT_POINTS_FAULT_POINTS_H_

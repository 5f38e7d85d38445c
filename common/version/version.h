// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef COMMON_VERSION_VERSION_H_
#define COMMON_VERSION_VERSION_H_

namespace buzzer {

// What was built. Links nothing else, for programs that must start fast.

// Of the project, such as `0.1.0`.
extern const char kVersion[];
// Of the sources, 12 digits of its hash; with `-dirty` where they were changed since, `unknown`
// where nobody said.
extern const char kCommit[];
// CMake's, such as `Release`.
extern const char kBuildType[];
// All of them: `0.1.0 (commit 5e6fa7c01234, Release)`.
extern const char kVersionText[];

}  // namespace buzzer

#endif  // COMMON_VERSION_VERSION_H_

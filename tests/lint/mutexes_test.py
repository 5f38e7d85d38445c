# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The check finds members that stand below a mutex without a word, and no others."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import mutexes  # noqa: E402

CLASS = """class Tally {
 public:
  int sum() { MutexLock lock(&mutex_); return sum_; }

 private:
  int before_ = 0;
  mutable Mutex mutex_;
%s
};
"""


@pytest.mark.parametrize("member", [
    "  int sum_ = 0;",
    "  int sum_{0};",
    "  std::map<std::string, std::vector<int>> sums_;",
    "  absl::flat_hash_map<JobId,\n                      int64_t>\n      sums_;",
    "  // Guarded, honestly.\n  bool open_ = false;",
    "  bool shut_ ABSL_GUARDED_BY(mutex_) = false;  // Yes.\n  Job* job_ = nullptr;",
    "  CondVar changed_;\n  std::function<void()> act_;",
])
def test_a_member_without_a_guard_is_found(member):
    assert len(list(mutexes.faults_of("common/a.h", CLASS % member))) == 1


@pytest.mark.parametrize("member", [
    "  int sum_ ABSL_GUARDED_BY(mutex_) = 0;",
    "  std::map<std::string,\n           int>\n      sums_ ABSL_GUARDED_BY(mutex_);",
    "  CondVar changed_;",
    "  std::thread thread_;  // Last.",
    "  std::atomic<bool> up_{false};",
    "  const int limit_ = 3;",
    "  Clock* const clock_;",
    "\n  int after_an_empty_line_ = 0;",
])
def test_what_is_guarded_or_needs_no_guard_is_not(member):
    assert not list(mutexes.faults_of("common/a.h", CLASS % member))


def test_the_tree_has_none():
    assert not mutexes.check(pathlib.Path(__file__).resolve().parents[2])

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What passed is not looked at again, what changed is; what is wrong is found."""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check  # noqa: E402
import verdicts  # noqa: E402

FLAGS = ("clang++", "-std=c++20", f"-I{check.ROOT}", "-Wthread-safety", "-Werror=thread-safety")


def write(root, **files):
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)


@pytest.fixture(name="store")
def store_(tmp_path):
    return tmp_path / "store"


@pytest.fixture(name="tree")
def tree_(tmp_path, store):
    """A tree in which a.cc, which includes a.h, has passed."""
    tree = tmp_path / "tree"
    write(tree, a_cc="source", a_h="header")
    known = verdicts.Verdicts(tree, store)
    known.learn_includes("a.cc", ["a.h"])
    known.learn_pass("tidy", "a.cc")
    return tree


def passed(tree, store, name="tidy"):
    return verdicts.Verdicts(tree, store).passed(name, "a.cc")


def test_what_passed_is_remembered(tree, store):
    assert passed(tree, store)
    assert not passed(tree, store, "compile")


def test_it_is_remembered_in_another_clone(tree, store, tmp_path):
    write(tmp_path / "clone", a_cc="source", a_h="header")
    assert passed(tmp_path / "clone", store)


@pytest.mark.parametrize("changed", [{"a_cc": "other"}, {"a_h": "other"}])
def test_a_changed_source_or_header_is_looked_at_again(tree, store, changed):
    write(tree, **changed)
    assert not passed(tree, store)


def test_what_is_changed_back_has_passed(tree, store):
    write(tree, a_h="other")
    assert not passed(tree, store)
    write(tree, a_h="header")
    assert passed(tree, store)


def test_a_header_that_is_gone_counts_as_changed(tree, store):
    (tree / "a.h").unlink()
    assert not passed(tree, store)


def test_a_source_that_includes_more_now_is_looked_at_again(tree, store):
    write(tree, b_h="new")
    known = verdicts.Verdicts(tree, store)
    known.learn_includes("a.cc", ["a.h", "b.h"])
    assert not known.passed("tidy", "a.cc")


@pytest.mark.parametrize("planted", sorted((check.HERE / "planted").glob("*.cc")),
                         ids=lambda path: path.stem)
def test_a_planted_fault_is_refused(planted):
    outcome, includes = check.front_end(FLAGS, str(planted.relative_to(check.ROOT)))
    assert not outcome.ok
    assert "[-Werror,-Wthread-safety" in outcome.text
    assert "common/mutex/mutex.h" in includes


def test_without_its_flag_the_planted_faults_are_told_of():
    planted, faults = check.check_planted(FLAGS[:3])
    assert planted == len(faults) == 3


def test_clang_tidy_refuses_a_value_that_is_used_after_it_was_moved(tmp_path):
    source = tmp_path / "moved.cc"
    source.write_text("""#include <string>
#include <utility>
std::string Twice(std::string text) {
  std::string first = std::move(text);
  return first + text;
}
""")
    done = subprocess.run([check.CLANG_TIDY, "--quiet", f"--config-file={check.ROOT}/.clang-tidy",
                           str(source), "--", "-std=c++20"],
                          capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "bugprone-use-after-move" in done.stdout


def test_time_that_is_up_leaves_the_rest_and_says_so():
    ran = list(check.in_order(["a", "b", "c"], 1, lambda source: check.Outcome(True, ""),
                              seconds=-1))
    assert not ran
    ran = list(check.in_order(["a", "b"], 1, lambda source: check.Outcome(True, "")))
    assert [source for source, _ in ran] == ["a", "b"]


def test_flags_lose_what_only_objects_need():
    assert check.flags_of("c++ -pthread -Ia -g -fPIC -Wall -o a.o -c /a.cc", "/a.cc") == (
        "c++", "-pthread", "-DGTEST_HAS_PTHREAD=1", "-Ia", "-Wall")

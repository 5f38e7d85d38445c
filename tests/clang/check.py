#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What Clang finds in our sources; tests/run calls it.

    tests/clang/check.py compile               every source, warnings and thread safety as errors
    tests/clang/check.py tidy [--seconds N]    clang-tidy; begins no source after N seconds
    tests/clang/check.py analyze               clang-tidy's analyzer; takes four times as long

Paths after it, such as common/log, limit it to those. Makes no objects: only Clang's front end
runs. Needs what tests/run makes first: the preset `clang` configured, and its target
buzzer_generated built. Sources that passed as they are now are not looked at again
(verdicts.py). The last two take the newest changes first, so what a limit leaves over is old, and
the next run goes on with it. Exits 1 if anything was found.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

import verdicts

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "clang"
HERE = pathlib.Path(__file__).resolve().parent
# From tools/setup test.
CLANG_TIDY = ROOT / ".tools/clang-tidy/clang_tidy/data/bin/clang-tidy"
CLANG_TIDY_PIN = ROOT / "tools/pins/clang-tidy.txt"
# Added to those of .clang-tidy.
CHECKS = {"tidy": "-clang-analyzer-*", "analyze": "-*,clang-analyzer-*"}
# So that all sources can share one precompiled header.
SAME_FOR_ALL = ["-pthread", "-DGTEST_HAS_PTHREAD=1"]
FOR_OBJECTS_ONLY = {"-g", "-fPIC", "-c"}
# With fewer sources it takes longer to make than it saves.
WORTH_PRECOMPILING = 6
# Far above what one source takes; what takes longer hangs.
ONE_SOURCE_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Source:
    path: str  # from the top of the tree
    flags: tuple  # of the compiler, which is first


@dataclasses.dataclass
class Outcome:
    ok: bool
    text: str


def output_of(*command):
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def flags_of(command, file):
    """The compiler and its flags, without what only objects need and what all share."""
    words = shlex.split(command)
    flags = []
    while words:
        word = words.pop(0)
        if word == "-o":
            words.pop(0)
        elif word not in (file, *FOR_OBJECTS_ONLY, *SAME_FOR_ALL):
            flags.append(word)
    return tuple([flags[0], *SAME_FOR_ALL, *flags[1:]])


def sources_of(build):
    """What we wrote, once for each way in which it is compiled."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if build not in file.parents:
            source = Source(str(file.relative_to(ROOT)), flags_of(entry["command"], entry["file"]))
            found[source] = None
    return list(found)


def surroundings():
    """All that a verdict depends on beside the source, its flags and our own headers."""
    packages = output_of("dpkg-query", "-W", "-f", "${Package} ${Version}\n")
    headers = [line for line in packages.splitlines() if re.match(r"\S+-dev\b|clang|libstdc", line)]
    # The generated headers follow from these; what comments say does not reach them.
    protos = [re.sub(r"//.*", "", file.read_text())
              for file in sorted((ROOT / "protos").rglob("*.proto"))]
    return verdicts.digest(*headers, *protos)


def check_name(rules, source, around):
    return verdicts.digest(rules, around, *[flag.replace(str(ROOT), ".") for flag in source.flags])


def front_end(flags, path, *more):
    """Runs Clang over a source; its outcome, and the tree's own headers that it includes."""
    with tempfile.TemporaryDirectory() as directory:
        made = pathlib.Path(directory) / "includes"
        command = [*flags, *more, "-fsyntax-only", "-MMD", "-MF", str(made), str(ROOT / path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True,
                              timeout=ONE_SOURCE_SECONDS, check=False)
        # Clang may take it away again when the source is wrong.
        text = made.read_text() if made.exists() else ""
        words = text.replace("\\\n", " ").split()[1:]
    files = [pathlib.Path(os.path.normpath(ROOT / word)) for word in words]
    own = {str(file.relative_to(ROOT)) for file in files
           if ROOT in file.parents and BUILD not in file.parents}
    return Outcome(done.returncode == 0, done.stderr), own - {path}


def precompile(flags):
    target = BUILD / "precompiled.h.pch"
    kept = [flag for flag in flags if not flag.startswith("-W")]
    # Templates that it needs are made here, not once more in every source: a third of the time.
    subprocess.run([*kept, "-isystem", f"{BUILD}/generated", "-fpch-instantiate-templates",
                    "-Xclang", "-fno-pch-timestamp", "-x", "c++-header",
                    str(HERE / "precompiled.h"), "-o", str(target)],
                   check=True, timeout=ONE_SOURCE_SECONDS)
    return ["-include-pch", str(target)]


def check_planted(flags):
    """Whether the analysis bites, with the flags that the sources have."""
    planted = sorted((HERE / "planted").glob("*.cc"))
    faults = []
    for file in planted:
        outcome, _ = front_end(flags, str(file.relative_to(ROOT)))
        if outcome.ok or "-Wthread-safety" not in outcome.text:
            faults.append(f"{file.name} is wrong on purpose, and Clang does not say so\n"
                          f"{outcome.text}")
    return len(planted), faults


def in_order(sources, jobs, run, seconds=None):
    """Runs over the sources, in their order and several at a time; begins none after so many
    seconds. Yields those it ran, with their outcomes."""
    began = time.monotonic()

    def run_in_time(source):
        if seconds is not None and time.monotonic() - began > seconds:
            return None
        try:
            return run(source)
        except subprocess.TimeoutExpired:
            return Outcome(False, f"{source.path}: not done within {ONE_SOURCE_SECONDS} s\n")

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for source, outcome in zip(sources, pool.map(run_in_time, sources)):
            if outcome is not None:
                yield source, outcome


def report(faults, source, outcome):
    if not outcome.ok:
        faults.append(source.path)
        print(f"{source.path}: refused\n{outcome.text}", flush=True)


def compile_all(sources, known, around, jobs):
    began = time.monotonic()
    rules = "compile " + (HERE / "precompiled.h").read_text()
    checks = {source: check_name(rules, source, around) for source in sources}
    todo = [source for source in sources if not known.passed(checks[source], source.path)]
    planted, faults = check_planted(sources[0].flags)
    faults += [f"{source.path} is not of a target that calls buzzer_warnings\n"
               for source in sources if "-Werror=thread-safety" not in source.flags]
    print("".join(faults), end="")
    shared = precompile(sources[0].flags) if len(todo) >= WORTH_PRECOMPILING else []

    def run(source):
        outcome, includes = front_end(source.flags, source.path, *shared)
        if outcome.ok:
            known.learn_includes(source.path, includes)
            known.learn_pass(checks[source], source.path)
        return outcome

    for source, outcome in in_order(todo, jobs, run):
        report(faults, source, outcome)
    print(f"clang: {len(todo)} sources compiled in {time.monotonic() - began:.0f} s, "
          f"{len(sources) - len(todo)} passed before as they are; "
          f"{planted} planted faults, {len(faults)} findings")
    return not faults


def newest_commits():
    """How many commits ago each file was changed; -1 for what is not committed."""
    try:
        log = output_of("git", "log", "-n", "300", "--format=%x00", "--name-only")
        changed = output_of("git", "status", "--porcelain", "--untracked-files=all")
    except (OSError, subprocess.CalledProcessError):
        return {}  # No repository: all are as old as each other.
    ages = {line[3:]: -1 for line in changed.splitlines()}
    for age, commit in enumerate(log.split("\0")):
        for path in commit.split():
            ages.setdefault(path, age)
    return ages


def tidy(name, sources, known, around, jobs, seconds):
    began = time.monotonic()
    rules = verdicts.digest(name, CHECKS[name], (ROOT / ".clang-tidy").read_text(),
                            CLANG_TIDY_PIN.read_text())
    checks = {source: check_name(rules, source, around) for source in sources}
    for source in sources:
        if known.includes(source.path) is None:
            known.learn_includes(source.path, front_end(source.flags, source.path)[1])
    ages = newest_commits()

    def age(source):
        """Of the source and what it includes, and of the source alone."""
        old = 1_000_000
        of = [ages.get(path, old) for path in [source.path, *known.includes(source.path)]]
        return min(of), of[0], source.path

    todo = sorted((source for source in sources if not known.passed(checks[source], source.path)),
                  key=age)

    # Warnings are what `compile` looks for, with the Clang that the headers of others know.
    def run(source):
        done = subprocess.run([CLANG_TIDY, "--quiet", f"--checks={CHECKS[name]}",
                               str(ROOT / source.path), "--", *source.flags[1:], "-w"],
                              cwd=ROOT, capture_output=True, text=True,
                              timeout=ONE_SOURCE_SECONDS, check=False)
        if done.returncode == 0:
            known.learn_pass(checks[source], source.path)
        return Outcome(done.returncode == 0, done.stdout + done.stderr)

    faults, checked = [], 0
    for source, outcome in in_order(todo, jobs, run, seconds):
        checked += 1
        report(faults, source, outcome)
    left = len(todo) - checked
    print(f"{name}: {checked} sources checked in {time.monotonic() - began:.0f} s, newest "
          f"changes first, {len(sources) - len(todo)} passed before as they are, {left} left for "
          f"the next run{' (tests/run tidy takes all)' if left else ''}; {len(faults)} findings")
    return not faults


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("check", choices=["compile", *CHECKS])
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    sources = sources_of(BUILD)
    if arguments.paths:
        sources = [source for source in sources if source.path.startswith(tuple(arguments.paths))]
    if not sources:
        sys.exit("there is no such source in build/clang: is the preset `clang` configured?")
    known = verdicts.Verdicts(ROOT, verdicts.directory())
    around = surroundings()
    if arguments.check == "compile":
        ok = compile_all(sources, known, around, arguments.jobs)
    else:
        ok = tidy(arguments.check, sources, known, around, arguments.jobs, arguments.seconds)
    known.forget_the_old()
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()

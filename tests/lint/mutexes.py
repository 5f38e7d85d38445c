#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that members that stand below a Mutex say so: Clang checks only what is annotated.

    tests/lint/mutexes.py [TREE]

From a Mutex to the next empty line, or the end of the class, each member is ABSL_GUARDED_BY
one, or const, or takes care of itself (CondVar, std::atomic, a thread). What needs no mutex
for another reason stands above it and says why. Exits 1 if there is one that does not.
"""

import pathlib
import re
import sys

MUTEX = re.compile(r"\s+(mutable )?(Mutex|std::mutex) \w+;")
MEMBER = re.compile(r"\s+[\w:<>,&*() ]+[ >*&](?!const\b|override\b|final\b)(\w+)( = .*|\{.*)?;")
SAFE = re.compile(r"\s+(mutable )?(const |static |friend |using |CondVar |std::atomic|std::thread |"
                  r"DeadlineThread |.*[*>] const )")
ENDS = re.compile(r"\s*$|\s*\};|\s*(public|private|protected):")


def statements(lines):
    """Each statement with the number of its last line, and empty lines; no comments."""
    text = ""
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("//"):
            continue
        line = re.sub(r"//.*", "", line).rstrip()
        if not line:
            text = ""
            yield number, ""
            continue
        text = f"{text} {line.strip()}" if text else line
        if line.endswith((";", "{", "}", ":")):
            yield number, text
            text = ""


def faults_of(path, text):
    guarded = False
    for number, statement in statements(text.splitlines()):
        if MUTEX.match(statement):
            guarded = True
        elif ENDS.match(statement):
            guarded = False
        elif guarded and "ABSL_GUARDED_BY(" not in statement and not SAFE.match(statement):
            if member := MEMBER.fullmatch(statement):
                yield (f"{path}:{number}: {member[1]} stands below a mutex: ABSL_GUARDED_BY says "
                       "which, or it stands above with the reason why it needs none")


def check(tree):
    faults = []
    for top in ("common", "services", "tests"):
        for file in sorted((tree / top).rglob("*")):
            if file.suffix in {".h", ".cc"} and file.name != "mutex.h":
                path = file.relative_to(tree).as_posix()
                faults += faults_of(path, file.read_text(encoding="utf-8"))
    return faults


def main():
    default = pathlib.Path(__file__).resolve().parents[2]
    tree = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    faults = check(tree)
    print("\n".join(faults) or "what stands below a mutex is guarded by one")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()

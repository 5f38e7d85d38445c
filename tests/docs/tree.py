# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What the checks of the documents read: the tree's files, and values that the code has."""

import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Made by others, or kept word for word.
NOT_OURS = re.compile(r"(^|/)(go\.(sum|mod)|.*lock.*|.*\.(json|pb|svg|png|jpg))$"
                      r"|^tests/fuzz/(corpus|findings)/")


@functools.cache
def files():
    """Every file that is ours to keep true, as paths from the top."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for path in listed.splitlines()
            if not NOT_OURS.search(path) and (ROOT / path).is_file()]


@functools.cache
def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def documents():
    return [path for path in files() if path.endswith(".md")]


def code():
    """Text of everything but documents and tests."""
    return {path: text(path) for path in files()
            if not path.endswith(".md") and not path.startswith("tests/")}


CONSTANT = re.compile(r"constexpr\s+[\w:]+\s+(k\w+)\s*=\s*([^;\"]+);")
UNITS = {"Milliseconds": 0.001, "Seconds": 1, "Minutes": 60, "Hours": 3600}


def value_of(expression):
    """The number that a constant's expression means, in seconds if it is a duration; None if it
    is not that simple."""
    text_ = re.sub(r"(?<=\d)'(?=\d)", "", expression)
    text_ = re.sub(r"absl::(\w+)\(", lambda unit: f"{UNITS.get(unit[1], 'nan')} * (", text_)
    if not re.fullmatch(r"[\d\s.+*()<-]+", text_):
        return None
    return eval(text_)  # pylint: disable=eval-used  # Digits and operators only.


@functools.cache
def constants(path):
    """The constants of a C++ file by their names."""
    values = {name: value_of(expression) for name, expression in CONSTANT.findall(text(path))}
    return {name: value for name, value in values.items() if value is not None}


FLAG = re.compile(r"ABSL_FLAG\(\s*[\w:]+,\s*(\w+),\s*(\"[^\"]*\"|[^,]+?),\s*\"")


@functools.cache
def flags(path):
    """The flags of a program with their defaults, as its main file defines them."""
    return {name: default.strip('"').replace("'", "")
            for name, default in FLAG.findall(text(path))}

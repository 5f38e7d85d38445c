# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The wall clock of one process is stepped by an hour and back; the monotonic one is not."""

import pathlib

from kinds.kind import Kind
from system import SERVICES

STEPS = ("+3600", "-3600")


def library():
    """Debian's libfaketime, or None."""
    return next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


def missing():
    return "" if library() else "libfaketime is not installed"


def step_clock(system, step):
    _write(system, step.part, step.mode)


def step_back(system, step):
    _write(system, step.part, "+0")


def _write(system, part, offset):
    file = system.files[part]["clock"]
    fresh = file.with_suffix(".clock.new")
    fresh.write_text(f"{offset}\n", encoding="utf-8")
    fresh.rename(file)  # A half-written offset would be one more fault.


KINDS = [Kind("clock.step", step_clock, step_back, parts=SERVICES, modes=STEPS, hold=(2, 6),
              touches=frozenset(["clock"]), missing=missing)]

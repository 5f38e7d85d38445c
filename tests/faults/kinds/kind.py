# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What every kind of fault is."""

import dataclasses
import time
from collections.abc import Callable


def nothing(_system, _step):
    pass


def nothing_missing():
    return ""


@dataclasses.dataclass(frozen=True)
class Kind:
    """inject(system, step) breaks, heal(system, step) mends and returns the time from which
    recovery counts (or None: from when heal was called). Both run on the main thread, since
    a process dies with the thread that started it."""
    name: str
    inject: Callable
    heal: Callable = nothing
    parts: tuple = ("",)
    modes: tuple = ("",)
    hold: tuple = (0.0, 0.0)
    # Names of what it breaks; only faults that touch nothing in common overlap.
    touches: frozenset = frozenset()
    weight: int = 1
    # Why it cannot be had here; empty if it can.
    missing: Callable = nothing_missing
    # Not part of a run that names no kinds.
    only_if_named: bool = False


class NotInjected(Exception):
    """The fault did not come about, and does not count."""


def start_again(part):
    """Starts a part that has ended; returns the time of its process's start."""
    began = time.time()
    if not part.running():
        part.start()
    return began

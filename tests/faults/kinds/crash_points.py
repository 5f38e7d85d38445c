# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Named points in the fault build's code, at which a process kills itself."""

import time

from kinds.kind import Kind, NotInjected, start_again
from system import WORKERS, harness

OF_STATE = ("commit.before", "commit.after", "publish.before", "publish.after",
            "confirm.before", "confirm.after", "answer.after", "claim_commit.before",
            "claim_commit.after", "outcome_commit.before", "outcome_commit.after")
OF_WORKER = ("ack.before", "ack.after")
PASSED_WITHIN_SECONDS = 8


def _point(step):
    return step.kind.removeprefix("crash.")


def arm(system, step):
    """Waits until the process has passed the point, and is dead."""
    part, file = system.part(step.part), system.files[step.part]["crash"]
    _write(file, _point(step).encode() + b"\0")
    deadline = time.monotonic() + PASSED_WITHIN_SECONDS
    while part.running():
        if time.monotonic() > deadline:
            _write(file, bytes(64))
            raise NotInjected(f"{step.part} did not pass {_point(step)}")
        time.sleep(0.005)
    _write(file, bytes(64))
    part.kill()  # Dead already: only waits for the end of its log.


def _write(file, content):
    with open(file, "r+b") as mapped:  # Not truncated, since the process has it mapped.
        mapped.write(content)


def start(system, step):
    return start_again(system.part(step.part))


def missing():
    # The name of the variable is in the program where the points are.
    with open(harness.BIN_DIR / "buzzer-state", "rb") as program:
        return "" if b"BUZZER_CRASH_FILE" in program.read() else "not the fault build"


KINDS = [Kind(f"crash.{point}", arm, start, parts=parts, hold=(0, 0.5),
              touches=frozenset(touches), weight=2, missing=missing)
         for points, parts, touches in ((OF_STATE, ("state",), ["state", "worker", "broker"]),
                                        (OF_WORKER, WORKERS, ["worker", "state", "broker"]))
         for point in points]

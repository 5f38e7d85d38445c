# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A service is signalled as nobody should: by everybody at once, in any order."""

import contextlib
import os
import random
import signal
import time

from kinds.kind import Kind, start_again
from system import SERVICES, WORKERS

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
# A service manager's way: each process that it finds. A supervisor leaves that to its worker.
EVERY_PROCESS = "every process"


def storm(system, step):
    """At least one of them ends the service; what comes after may come when it has."""
    part = system.part(step.part)
    dice = random.Random(f"storm-{step.number}")
    numbers = [signal.SIGTERM, *(dice.choice(SIGNALS) for _ in range(dice.randrange(2, 10)))]
    dice.shuffle(numbers)
    supervisors = _supervisors(part) if step.mode == EVERY_PROCESS else []
    for number in numbers:
        part.signal(number)
        for pid in supervisors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        time.sleep(dice.uniform(0, 0.1))


def _supervisors(worker):
    """Of the programs that the worker runs just now."""
    found = []
    with contextlib.suppress(OSError):
        for thread in os.scandir(f"/proc/{worker.pid}/task"):
            with open(f"{thread.path}/children", encoding="ascii") as children:
                found += map(int, children.read().split())
    return found


def start(system, step):
    part = system.part(step.part)
    code = part.join()
    assert code == 0, f"{step.part} ended with {code} after a storm of signals"
    return start_again(part)


# Nothing else is broken meanwhile: a lease that is lost has no excuse.
EVERYTHING = frozenset(["frontend", "state", "worker", "broker"])
KINDS = [
    Kind("signal.storm", storm, start,
         parts=(*WORKERS, *(name for name in SERVICES if name not in WORKERS)),
         modes=("the service", EVERY_PROCESS), touches=EVERYTHING, weight=2),
]

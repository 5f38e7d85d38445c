# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed, stand still, or are replaced."""

import time

from kinds.kind import Kind, start_again
from system import LEASE_SECONDS, WORKERS

ROLLING = ("frontend", "worker", "state", "worker2", "gateway")


def kill(system, step):
    system.part(step.part).kill()


def start(system, step):
    return start_again(system.part(step.part))


def kill_broker(system, _step):
    system.broker.kill()


def start_broker(system, _step):
    system.broker.start()
    # Its start took long by itself; what counts is what follows the port's first answer.
    return time.time()


def kill_all(system, step):
    kill_broker(system, step)
    for part in system.parts():
        part.kill()


def start_all(system, step):
    for part in system.parts():
        part.start(wait=False)
    answered = start_broker(system, step)
    for part in system.parts():
        part.wait_until_up()
    return answered


def pause(system, step):
    system.part(step.part).pause()


def resume(system, step):
    system.part(step.part).resume()


def rolling_restart(system, _step):
    for name in ROLLING:
        part = system.part(name)
        code = part.stop()
        # Envoy's exit code after SIGTERM is its own affair.
        assert code == 0 or name == "gateway", f"{name} ended with {code} after SIGTERM"
        part.start()


KINDS = [
    Kind("kill.frontend", kill, start, parts=("frontend",), hold=(0, 1),
         touches=frozenset(["frontend"])),
    Kind("kill.state", kill, start, parts=("state",), hold=(0, 2), touches=frozenset(["state"])),
    Kind("kill.worker", kill, start, parts=WORKERS, hold=(0, 2), touches=frozenset(["worker"])),
    Kind("kill.broker", kill_broker, start_broker, hold=(0, 1), touches=frozenset(["broker"])),
    Kind("kill.all", kill_all, start_all, hold=(0, 1),
         touches=frozenset(["frontend", "state", "worker", "broker"])),
    # Past the lease and grace, so that another worker has the job by then.
    Kind("pause.worker", pause, resume, parts=WORKERS,
         hold=(LEASE_SECONDS + 1.5, LEASE_SECONDS + 3.5), touches=frozenset(["worker"])),
    Kind("pause.state", pause, resume, parts=("state",), hold=(2.5, 8),
         touches=frozenset(["state"])),
    Kind("restart.rolling", rolling_restart,
         touches=frozenset(["frontend", "state", "worker", "broker"])),
]

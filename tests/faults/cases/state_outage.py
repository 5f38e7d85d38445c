# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""State is stopped, then paused, for two minutes under 100 running programs: none runs twice.
Each service comes back by itself, whichever other one dies."""

import contextlib
import itertools
import socket
import threading
import time

import harness
from case import LEASE_SECONDS
from kinds.kind import start_again

JOBS = 100
# Of a link to a service that is away; common/grpc/stream_link.h has 2 s at most.
LONGEST_MEAN_PAUSE, SHORTEST_MEAN_PAUSE = 10.0, 0.2


def run(case):
    seconds = case.full(120, 15)
    system = case.system(case.broker(), slots=JOBS)
    pids = _pids(system)
    _outage(case, system, "stopped", seconds)
    _outage(case, system, "paused", seconds)
    pids["state"] = system.state.pid
    case.promise(_pids(system) == pids, f"a service ended: {pids} became {_pids(system)}")
    _each_dies_alone(case, system)


def _pids(system):
    return {part.name: part.running() and part.pid for part in system.parts()}


def _outage(case, system, how, seconds):
    with case.closed_gate():
        jobs = [system.submit("case.wait", lease=f"{LEASE_SECONDS}s")["id"] for _ in range(JOBS)]
        case.wait_for_starts(jobs)
        knocks = _stop(system, seconds) if how == "stopped" else _pause(system, seconds)
        began = time.monotonic()
        harness.eventually(lambda: _accepts(system), what="a submit is accepted again")
        accepted = time.monotonic() - began
        # Past every lease, had it not begun anew.
        time.sleep(LEASE_SECONDS + 2)
    records = case.wait_until_ended(system, jobs)
    starts = case.starts_of(jobs)
    twice = [job for job in jobs if len(starts[job]) != 1]
    lost = [job["id"] for job in records if (job["state"], job["attempt"]) != ("SUCCEEDED", 1)]
    case.say(f"state {how} for {seconds} s under {JOBS} programs: run twice {len(twice)}, not "
             f"succeeded at once {len(lost)}; accepting after {accepted:.2f} s")
    case.promise(not twice and not lost, f"run twice: {twice}; not as they should be: {lost}")
    if knocks:
        _check_backoff(case, knocks, seconds)


def _stop(system, seconds):
    doorman = Doorman(system.state_port)
    system.state.stop()
    try:
        doorman.listen()
        time.sleep(seconds)  # The outage itself.
    finally:
        doorman.close()
    start_again(system.state)
    return doorman.knocks


def _pause(system, seconds):
    system.state.pause()
    time.sleep(seconds)
    system.state.resume()


def _check_backoff(case, knocks, seconds):
    """From the connects of frontend and worker together."""
    pauses = [later - earlier for earlier, later in itertools.pairwise(knocks)]
    mean = seconds / max(1, len(knocks))
    case.say(f"meanwhile frontend and worker tried {len(knocks)} connects, pauses "
             f"{min(pauses, default=0):.2f} to {max(pauses, default=0):.2f} s")
    case.promise(SHORTEST_MEAN_PAUSE <= mean <= LONGEST_MEAN_PAUSE,
                 f"a connect every {mean:.2f} s: no backoff, or none at all")
    case.promise(len({round(pause, 1) for pause in pauses}) >= min(4, len(pauses)),
                 f"no jitter in {pauses}")


def _accepts(system):
    return system.rest("POST", "/v1/jobs", json={"type": "demo.echo"}).status_code == 202


def _each_dies_alone(case, system):
    """kill -9 of each; a job runs through afterwards, and no other part was touched."""
    for name in ("frontend", "worker", "gateway", "state", "broker"):
        before = _pids(system)
        victim = system.broker if name == "broker" else getattr(system, name)
        victim.kill()
        victim.start()
        began = time.monotonic()
        harness.eventually(lambda: _reachable(system), what=f"accepting after {name} died")
        job = system.submit("demo.echo", name)
        system.wait_for_state(job["id"], "SUCCEEDED")
        after = _pids(system)
        case.say(f"{name} killed and started: a new job was done {time.monotonic() - began:.2f} s "
                 "later")
        others = {other for other in after if other != name and after[other] != before[other]}
        case.promise(not others, f"{others} ended because {name} died")


def _reachable(system):
    with contextlib.suppress(OSError):
        return _accepts(system)


class Doorman:
    """Listens in the place of a service that is away, and closes the door to each."""

    def __init__(self, port):
        self._port = port
        self._door = None
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self.knocks = []

    def listen(self):
        self._door = socket.create_server(("127.0.0.1", self._port))
        self._thread.start()

    def _answer(self):
        with contextlib.suppress(OSError):
            while True:
                visitor, _ = self._door.accept()
                self.knocks.append(time.monotonic())
                visitor.close()

    def close(self):
        if self._door:
            with contextlib.suppress(OSError):
                self._door.shutdown(socket.SHUT_RDWR)
            self._door.close()
            self._thread.join(5)

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Accepting goes on while the broker is dead. Killed state and frontend accept within 5 s of
their start, dispatch goes on within 5 s of the broker's port answering, and a killed
worker's jobs run elsewhere within lease, grace and 2 s."""

import contextlib
import time

import harness
import requests
from case import DISPATCH_SECONDS, GRACE_SECONDS, LEASE_SECONDS, Background, PortWatch

ACCEPT_SECONDS = 5
RERUN_SECONDS = LEASE_SECONDS + GRACE_SECONDS + 2
JOBS_WHILE_DEAD = 100
JOBS_OF_A_WORKER = 8
# Above the load of the whole case.
SLOTS = 24


def run(case):
    system = case.system(case.broker(), slots=SLOTS, workers=2)
    times = case.full(5, 2)
    _killed_service(case, system, "state", [0] * times + [case.full(20, 3)])
    _killed_service(case, system, "frontend", [0] * times + [case.full(20, 3)])
    _killed_broker(case, system, case.full(3, 1))
    _killed_worker(case, system, times)


def _killed_service(case, system, name, outages):
    """Seconds from the process's start to the first accepted submit, for each outage."""
    part, found = getattr(system, name), []
    for outage in outages:
        answers = []
        with Background(lambda: answers.append(_accepted_at(system))):
            part.kill()
            time.sleep(outage)  # The others' pauses between their tries grow.
            began = time.time()
            part.start(wait=False)
            harness.eventually(lambda: any(at and at > began for at in list(answers)), 30,
                               f"accepting after {name} was killed")
            part.wait_until_up()
        found.append(min(at for at in answers if at and at > began) - began)
    case.say(f"{name} killed {len(found)} times: accepting again after {max(found):.2f} s at most")
    case.promise(max(found) <= ACCEPT_SECONDS, f"{name} accepted after {max(found):.1f} s")


def _accepted_at(system):
    """When a submit was answered with 202; None if it was not."""
    with contextlib.suppress(requests.RequestException):
        answer = requests.post(f"{system.base_url}/v1/jobs", json={"type": "demo.echo"},
                               timeout=10)
        if answer.status_code == 202:
            return time.time()


def _killed_broker(case, system, times):
    slowest, first, last = [], [], []
    for _ in range(times):
        system.broker.kill()
        jobs = []
        for _ in range(JOBS_WHILE_DEAD):
            began = time.monotonic()
            jobs.append(system.submit("case.sleep", 0)["id"])
            slowest.append(time.monotonic() - began)
        case.promise(not case.starts_of(jobs)[jobs[0]], "a job ran while the broker was dead")
        port = PortWatch(system.broker.port)
        system.broker.start()
        starts = case.wait_for_starts(jobs).values()
        first.append(min(starts) - port.answered())
        last.append(max(starts) - port.answered())
    case.say(f"broker killed {times} times: {len(slowest)} submits meanwhile, all accepted, the "
             f"slowest in {max(slowest) * 1000:.0f} ms; first job ran {max(first):.2f} s after "
             f"the port answered, all {JOBS_WHILE_DEAD} after {max(last):.2f} s")
    case.promise(max(first) <= DISPATCH_SECONDS, f"dispatch went on after {max(first):.1f} s")


def _killed_worker(case, system, times):
    """A worker's jobs as it is killed, and their next runs on the other."""
    found = []
    for _ in range(times):
        with case.closed_gate():
            jobs = [system.submit("case.wait", lease=f"{LEASE_SECONDS}s")["id"]
                    for _ in range(JOBS_OF_A_WORKER)]
            case.wait_for_starts(jobs)
            starts = case.starts_of(jobs)
            victim = max(system.workers, key=lambda worker: sum(
                run["worker"] == worker.name for runs in starts.values() for run in runs))
            lost = [job for job in jobs if starts[job][0]["worker"] == victim.name]
            killed = time.time()
            victim.kill()
            again = case.wait_for_starts(lost, attempt=2)
            found += [again[job] - killed for job in lost]
        victim.start()
        case.wait_until_ended(system, jobs)
        runs = case.starts_of(jobs)
        case.promise(all(len(runs[job]) == 1 for job in jobs if job not in lost),
                     "a job of the other worker ran twice")
    case.say(f"worker killed {times} times, {len(found)} jobs: run elsewhere after "
             f"{min(found):.2f} to {max(found):.2f} s, promised {RERUN_SECONDS} s")
    case.promise(max(found) <= RERUN_SECONDS, f"a job ran elsewhere only after {max(found):.2f} s")

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The broker is down for ten minutes with load on and a low limit of waiting jobs: accepted
up to the limit, then 503 with Retry-After; memory stays flat; afterwards all of it drains."""

import collections
import time

import harness
from case import DISPATCH_SECONDS, Memory, PortWatch
from open_loop import OpenLoop

LONGEST_GROWTH_MIB = 16


def run(case):
    seconds, limit, rate = case.full((600, 5000, 30), (30, 600, 60))
    broker = case.broker()
    system = case.system(broker, state_flags=["--max_waiting", limit])
    with Memory(system.state, system.frontend, system.worker) as memory:
        _check_load_runs(case, system)
        broker.stop()
        began = time.time()
        load = OpenLoop(system, rate)
        with load:
            load.run_until(began + seconds)
        ended = time.time()
        calls = load.calls()
        _check_refusals(case, calls, limit)
        waiting = int(system.rest("GET", "/v1/queues/demo.echo").json()["ready"])
        full_at = min((call.at for call in calls if call.status == 503), default=ended)
        port = PortWatch(broker.port)
        broker.start()
        # One succeeded before the outage.
        harness.eventually(lambda: _succeeded(system) > 1, 60, "a job done after the outage")
        first = time.time() - port.answered()
        harness.eventually(lambda: _drained(system), 120, "the queue drained")
        drained = time.time() - port.answered()
    accepted = [call.job for call in calls if call.status == 202]
    case.promise(waiting == len(accepted), f"{waiting} wait, {len(accepted)} were accepted")
    done = _succeeded(system) - 1
    case.say(f"broker down {ended - began:.0f} s at {rate} submits/s, limit {limit}: accepted "
             f"{len(accepted)}; a job was done {first:.1f} s after the broker's port answered, all "
             f"after {drained:.1f} s")
    case.promise(first <= DISPATCH_SECONDS, f"nothing was dispatched for {first:.1f} s")
    case.promise(done == len(accepted), f"{done} of {len(accepted)} accepted jobs succeeded")
    for name in ("state", "frontend", "worker"):
        _check_memory(case, memory, name, (began, full_at, ended))
    job = system.submit("demo.echo", "after")
    system.wait_for_state(job["id"], "SUCCEEDED")


def _check_load_runs(case, system):
    job = system.submit("demo.echo", "before")
    system.wait_for_state(job["id"], "SUCCEEDED")


def _check_refusals(case, calls, limit):
    answers = collections.Counter((call.status, call.reason) for call in calls)
    case.say("answers: " + ", ".join(f"{status} {reason} {count}".replace("  ", " ")
                                     for (status, reason), count in sorted(answers.items())))
    case.promise(set(answers) == {(202, ""), (503, "STORE_FULL")}, f"other answers: {answers}")
    case.promise(answers[202, ""] == limit, f"accepted {answers[202, '']}, the limit is {limit}")
    without = [call for call in calls if call.status == 503 and not call.retry_after]
    case.promise(not without, f"{len(without)} times 503 without Retry-After")


def _succeeded(system):
    return int(system.rest("GET", "/v1/queues/demo.echo").json().get("succeeded", 0))


def _drained(system):
    queue = system.rest("GET", "/v1/queues/demo.echo").json()
    return int(queue.get("ready", 0)) == 0 and int(queue.get("running", 0)) == 0


def _check_memory(case, memory, name, times):
    began, full_at, ended = times
    full = memory.between(full_at, ended, name)
    whole = memory.between(began, ended, name)
    case.say(f"{name}: {whole[0]:.1f} MiB as the broker went, {full[0]:.1f} at the limit, "
             f"{max(whole):.1f} at most, {whole[-1]:.1f} at the end")
    # Up to the limit each waiting job may cost a little; beyond it, nothing.
    case.promise(max(full) - full[0] <= LONGEST_GROWTH_MIB and
                 max(whole) - whole[0] <= 2 * LONGEST_GROWTH_MIB,
                 f"{name} grew from {whole[0]:.1f} to {max(whole):.1f} MiB")

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Three times the submits that state can commit: the excess is refused with a time to come
again, out of bounded queues; memory stays flat, latency is soon back to normal, and what was
accepted is done. And with submits below what state can commit, nothing is refused, though
the workers are far slower.

State's disk is made slow, so that a load in Python is enough for three times its rate."""

import collections
import contextlib
import time

import harness
from case import Memory
from grpc_load import Clients, percentile
from kinds.disk import preload_library

DISK_BYTES_PER_SECOND = 10_000_000
PAYLOAD_BYTES = 16_000
# Few enough that none waits long, and enough that batches are large.
OPEN_CALLS = 250
NORMAL_SHARE = 0.3
BACK_TO_NORMAL_SECONDS = 10
WINDOW_SECONDS = 5
# What memory may still grow by once the queues are full, and what they may hold.
GROWTH_MIB, QUEUES_MIB = 16, 160
SLOW_SLOTS = 4
REFUSALS = {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}


def run(case):
    assert preload_library(), "no library of disk faults beside the programs"
    system = case.system(case.broker(), slots=SLOW_SLOTS, preload={
        "LD_PRELOAD": str(preload_library()),
        "BUZZER_DISK_BYTES_PER_SECOND": str(DISK_BYTES_PER_SECOND)})
    request = case.api().jobs.SubmitJobRequest(type="demo.echo")
    request.payload.string_value = "x" * PAYLOAD_BYTES
    with contextlib.closing(Clients(system.address, request)) as clients:
        seconds = case.full(15, 8)
        closed = clients.in_turn(OPEN_CALLS, seconds)
        capacity = sum(call.code == "OK" for call in closed) / seconds
        _drained(case, system, "demo.echo", closed)
        calls = closed + _overload(case, system, clients, capacity)
        _drained(case, system, "demo.echo", calls)
    _slow_workers(case, system, capacity)


def _overload(case, system, clients, capacity):
    normal = clients.at_rate(NORMAL_SHARE * capacity, 10)
    with Memory(system.state, system.frontend, pause=0.5) as memory:
        began = time.time()
        over = clients.at_rate(3 * capacity, case.full(60, 10))
        last = max(call.at for call in over)
        after = clients.at_rate(NORMAL_SHARE * capacity, BACK_TO_NORMAL_SECONDS + WINDOW_SECONDS)
    _check_answers(case, over, capacity, last - began)
    for name in ("state", "frontend"):
        _check_memory(case, memory, name, began, last)
    _check_latency(case, normal, after)
    return normal + over + after


def _check_answers(case, over, capacity, seconds):
    answers = collections.Counter((call.code, call.reason) for call in over)
    rate = answers["OK", ""] / seconds
    case.say(f"state commits {capacity:.0f} submits/s; at {len(over) / seconds:.0f}/s for "
             f"{seconds:.0f} s it accepted {rate:.0f}/s: " +
             ", ".join(f"{code} {reason} {count}".replace("  ", " ")
                       for (code, reason), count in answers.most_common()))
    others = {code for code, _ in answers} - REFUSALS - {"OK"}
    case.promise(not others, f"answered {others}")
    refused = [call for call in over if call.code in REFUSALS]
    case.promise(len(refused) > len(over) / 10, "it was no overload: hardly any was refused")
    case.promise(all(call.retry_after for call in refused), "refused without a time to come again")
    # Overload must not become a collapse.
    case.promise(rate >= capacity / 3, f"accepted only {rate:.0f}/s of {capacity:.0f}")


def _check_memory(case, memory, name, began, last):
    sizes = memory.between(began, last, name)
    # The queues are full after half of a short run.
    full = memory.between((began + last) / 2, last, name)
    case.say(f"{name}: {sizes[0]:.0f} MiB before, {full[0]:.0f} half way, {full[-1]:.0f} at the end")
    case.promise(max(full) - full[0] <= GROWTH_MIB and max(sizes) - sizes[0] <= QUEUES_MIB,
                 f"{name} grew: {[round(size) for size in sizes]} MiB")


def _check_latency(case, normal, after):
    usual = percentile(normal, 0.99)
    begin = min(call.at for call in after)
    windows = [percentile([call for call in after
                           if second <= call.at - begin < second + WINDOW_SECONDS], 0.99)
               for second in range(BACK_TO_NORMAL_SECONDS + 1)]
    good = [second for second, p99 in enumerate(windows) if p99 <= max(2 * usual, usual + 0.2)]
    case.say(f"p99 {usual * 1000:.0f} ms before; after the overload "
             f"{windows[0] * 1000:.0f} ms in the first {WINDOW_SECONDS} s, back to normal from "
             f"second {good[0] if good else 'never'}, {windows[-1] * 1000:.0f} ms at the end")
    case.promise(good, f"p99 did not come back: {[round(p99, 2) for p99 in windows]} s")
    late = [call for call in after if call.code != "OK" and call.at - begin > WINDOW_SECONDS]
    case.promise(not late, f"{len(late)} submits were refused long after the overload")


def _drained(case, system, queue, calls):
    accepted = sum(call.code == "OK" for call in calls)
    began = time.monotonic()

    def done():
        answer = system.rest("GET", f"/v1/queues/{queue}")
        return answer.ok and int(answer.json().get("succeeded", 0)) >= accepted

    harness.eventually(done, 400, f"{accepted} accepted jobs done")
    left = system.rest("GET", f"/v1/queues/{queue}").json()
    counts = {name: int(left.get(name, 0)) for name in ("ready", "running", "scheduled", "failed")}
    case.promise(not any(counts.values()) and int(left["succeeded"]) == accepted,
                 f"{accepted} accepted, and now {left}")
    case.say(f"{accepted} accepted jobs of {queue} all done {time.monotonic() - began:.1f} s after "
             "the last answer")


def _slow_workers(case, system, capacity):
    """Submits at 0.6 of what state can commit, workers at a third of it."""
    request = case.api().jobs.SubmitJobRequest(type="demo.sleep")
    request.payload.struct_value.update({"seconds": SLOW_SLOTS / (capacity / 3), "steps": 1})
    with contextlib.closing(Clients(system.address, request)) as clients:
        calls = clients.at_rate(0.6 * capacity, case.full(30, 8))
    bad = collections.Counter((call.code, call.reason) for call in calls if call.code != "OK")
    queue = system.rest("GET", "/v1/queues/demo.sleep").json()
    case.say(f"{0.6 * capacity:.0f} submits/s and workers for {capacity / 3:.0f}/s: refused "
             f"{sum(bad.values())} of {len(calls)}, waiting in the end {queue['ready']}")
    case.promise(not bad, f"refused below the limits: {bad}")
    _drained(case, system, "demo.sleep", calls)

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a change costs speed: this checkout beside another one, round by round."""

import contextlib
import pathlib
import random
import sys
import tempfile
import time

import harness
from measure import Result, cpu_seconds, slots

# Lone jobs of the latency part for each round, so far apart that everything has gone to sleep.
LONE_JOBS_A_ROUND = 6
REST_SECONDS = (1.2, 2.0)
# Of the jobs of a turn, to warm up those that are new.
WARM_UP = 0.25


def compare(broker, options, ways, slot_count):
    """Each round has two new sets, which take turns; who begins, and who is started first,
    alternates. New ones, since two sets of the very same programs differ: in latency by a tenth
    and more for as long as they live. Over the rounds that is noise, which the interval shows;
    between two sets that live through all rounds it would look like a change."""
    result = Result()
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = stack.enter_context(slots(directory, slot_count))
        trees = {"now": None, "base": options.base.resolve()}
        for turn in range(options.rounds):
            order = list(trees) if turn % 2 else list(reversed(trees))
            with contextlib.ExitStack() as life:
                sides = {name: life.enter_context(harness.Set(
                    broker, follow_logs=False, worker_config=config, tree=trees[name]))
                    for name in order}
                _round(result, sides, ways, options.scale)
            print(f"   round {turn + 1} of {options.rounds}", file=sys.stderr, flush=True)
    for way in ways:
        for what in ("done", "CPU", "state's CPU"):
            result.interval(f"{way} {what}, now", f"{way} {what}, base")
    for what in ("submitted -> claimed", "outcome -> told"):
        result.interval(f"{what}, now", f"{what}, base")
    return result


def _round(result, sides, ways, scale):
    for way, submit_all in ways.items():
        for side in sides.values():
            submit_all(side, scale * WARM_UP)
        for name, side in sides.items():
            before = cpu_seconds(side.state.pid)
            jobs, rate, cpu = submit_all(side, scale)
            state = (cpu_seconds(side.state.pid) - before) / jobs * 1000
            result.add(f"{way} done, {name}", "jobs/s", rate)
            result.add(f"{way} CPU, {name}", "s per 1000 jobs", cpu)
            result.add(f"{way} state's CPU, {name}", "s per 1000 jobs", state)
    for name, side in sides.items():
        with _LoneJobs(side) as lone:
            claimed, told = lone.median_of(LONE_JOBS_A_ROUND)
        result.add(f"submitted -> claimed, {name}", "ms", claimed)
        result.add(f"outcome -> told, {name}", "ms", told)


class _LoneJobs:
    """Lone jobs over gRPC, watched to their end."""

    def __init__(self, system):
        self._system = system
        self._dice = random.Random(2)

    def __enter__(self):
        self._api = _api()
        self._channel = self._system.channel()
        self._stub = self._api.jobs_grpc.JobServiceStub(self._channel)
        return self

    def __exit__(self, *_):
        self._channel.close()

    def median_of(self, count):
        """Milliseconds from submit to claim, and from the outcome to the watcher."""
        pairs = [self._one() for _ in range(count)]
        return tuple(sorted(values)[len(values) // 2] for values in zip(*pairs))

    def _one(self):
        time.sleep(self._dice.uniform(*REST_SECONDS))
        api, stub = self._api, self._stub
        job = stub.SubmitJob(api.jobs.SubmitJobRequest(type="demo.echo"), timeout=10)
        for _ in stub.WatchJob(api.jobs.WatchJobRequest(name=job.name), timeout=10):
            told_at = time.time()
        full = stub.GetJob(api.jobs.GetJobRequest(name=job.name, view=api.jobs.JOB_VIEW_FULL),
                           timeout=10)
        at = {event.cause: event.time.ToMicroseconds() / 1e6 for event in full.history}
        return (at["CLAIMED"] - at["SUBMITTED"]) * 1000, (told_at - at["SUCCEEDED"]) * 1000


_compiled = []


def _api():
    """Made once: the modules stay imported."""
    if not _compiled:
        _compiled.append(harness.compile_api(pathlib.Path(tempfile.mkdtemp(prefix="buzzer-api-"))))
    return _compiled[0]

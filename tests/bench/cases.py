# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured. Each case gets a broker and the options, and gives a Result."""

import json
import pathlib
import random
import subprocess
import tempfile
import threading
import time

import harness
from measure import Meter, Result, cpu_seconds, resident_mib, slots

# What a team would set for work that takes no time: one knob, in the worker's file.
SLOTS = 256
# Of a dispatch message.
MESSAGE_BYTES = 40
CALLS_IN_FLIGHT = 64
BATCH = 100
BATCHES_IN_FLIGHT = 4
IDLE_CALLS = 60


def _succeeded(system):
    return int(system.rest("GET", "/v1/queues/demo.echo").json()["succeeded"])


def _load(system, jobs, *flags):
    done = subprocess.run([harness.BIN_DIR / "buzzer-load", "--address", system.address,
                           f"--jobs={jobs}", *flags], check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout)
    assert figures["accepted"] == jobs, figures
    return figures


def _end_to_end(system, jobs, *flags):
    """Submits, and waits until all have succeeded."""
    already = _succeeded(system)
    with Meter() as meter:
        figures = _load(system, jobs, *flags)
        while _succeeded(system) - already < jobs:
            time.sleep(0.02)
    return figures, jobs / meter.seconds, meter.cpu_seconds / jobs * 1000


def _ceiling(broker, messages):
    done = subprocess.run([harness.BIN_DIR / "buzzer-broker-ceiling", broker.url, "bench-ceiling",
                           str(messages), str(MESSAGE_BYTES)],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)["messages_per_second"]


def grpc(broker, options):
    """P2 and P3: jobs end to end over gRPC beside the bare broker's messages."""
    result = Result()
    jobs = int(20_000 * options.scale)
    one = (f"--in_flight={CALLS_IN_FLIGHT}",)
    many = (f"--batch={BATCH}", f"--in_flight={BATCHES_IN_FLIGHT}")
    with tempfile.TemporaryDirectory() as directory, slots(directory, SLOTS) as config, \
            harness.Set(broker, worker_config=config) as system:
        system.wait_for_types("demo.echo")
        for flags in (one, many):
            _end_to_end(system, jobs // 4, *flags)
        for _ in range(options.rounds):
            result.add("bare broker", "messages/s", _ceiling(broker, 3 * jobs))
            for name, flags in (("SubmitJob", one), ("BatchSubmitJobs", many)):
                figures, rate, cpu = _end_to_end(system, jobs, *flags)
                result.add(f"{name} accepted", "jobs/s", figures["jobs_per_second"])
                result.add(f"{name} done", "jobs/s", rate)
                result.add(f"{name} CPU", "s per 1000 jobs", cpu)
                result.add(f"{name} call p99", "ms", figures["latency_ms"]["p99"])
    result.ratio("SubmitJob done", "bare broker", ">= 0.4")
    result.ratio("BatchSubmitJobs done", "bare broker", ">= 1")
    return result


def submit(broker, options):
    """P4: an unloaded submit, 1.2 to 3 s apart at random so that idle effects show."""
    result = Result()
    with harness.Set(broker) as system:
        system.wait_for_types("demo.echo")
        _load(system, 100)
        took = []
        dice = random.Random(1)
        for _ in range(int(IDLE_CALLS * options.scale)):
            time.sleep(dice.uniform(1.2, 3))
            # The client connects anew each time; what it measures begins after that.
            took.append(_load(system, 1, "--channels=1")["latency_ms"]["max"])
    _percentiles(result, "submit", took)
    return result


def dispatch(broker, options):
    """P5: idle system: from the submit's answer to the handler's start, and from the
    outcome to the watcher."""
    result = Result()
    with tempfile.TemporaryDirectory() as directory, harness.Set(broker) as system, \
            system.channel() as channel:
        api = harness.compile_api(pathlib.Path(directory))
        system.wait_for_types("demo.echo")
        stub = api.jobs_grpc.JobServiceStub(channel)
        starts, tells = [], []
        dice = random.Random(2)
        for _ in range(int(IDLE_CALLS * options.scale)):
            time.sleep(dice.uniform(1.2, 3))
            job = stub.SubmitJob(api.jobs.SubmitJobRequest(type="demo.echo"), timeout=10)
            told = [(time.time(), event.event) for event in stub.WatchJob(
                api.jobs.WatchJobRequest(name=job.name), timeout=10)]
            full = stub.GetJob(api.jobs.GetJobRequest(name=job.name,
                                                      view=api.jobs.JOB_VIEW_FULL), timeout=10)
            at = {event.cause: event.time.ToMicroseconds() / 1e6 for event in full.history}
            starts.append((at["CLAIMED"] - at["SUBMITTED"]) * 1000)
            tells.append((told[-1][0] - at["SUCCEEDED"]) * 1000)
    _percentiles(result, "submitted -> claimed", starts)
    _percentiles(result, "outcome written -> watcher told", tells)
    return result


def footprint(broker, _options):
    """P8: what an idle set takes."""
    result = Result()
    with harness.Set(broker) as system:
        system.wait_for_types("demo.echo")
        parts = {name: getattr(system, name).pid for name in ("frontend", "state", "worker")}
        threading.Event().wait(5)
        before = {name: cpu_seconds(pid) for name, pid in parts.items()}
        threading.Event().wait(30)
        for name, pid in parts.items():
            result.add(f"{name} RSS", "MiB", resident_mib(pid))
            result.add(f"{name} CPU", "% of a core", (cpu_seconds(pid) - before[name]) / 30 * 100)
        result.add("all three RSS", "MiB", sum(map(resident_mib, parts.values())))
    return result


def _percentiles(result, name, values):
    values = sorted(values)
    for share, title in ((0.5, "p50"), (0.99, "p99")):
        result.add(f"{name} {title}", "ms", values[min(len(values) - 1, int(share * len(values)))])


ALL = {"grpc": grpc, "submit": submit, "dispatch": dispatch, "footprint": footprint}

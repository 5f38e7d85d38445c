# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What is measured. Each case gets a broker and the options, and gives a Result."""

import contextlib
import json
import pathlib
import random
import subprocess
import tempfile
import threading
import time

import harness
import peers
from backlog import backlog
from compare import compare
from cost import cost, profile
from curve import curve
from measure import Meter, Result, cpu_seconds, resident_mib, slots
from watchers import watchers

# What a team would set for work that takes no time: one knob, in the worker's file.
SLOTS = 256
# Of a dispatch message.
MESSAGE_BYTES = 40
CALLS_IN_FLIGHT = 64
BATCH = 100
BATCHES_IN_FLIGHT = 4
ONE = (f"--in_flight={CALLS_IN_FLIGHT}",)
MANY = (f"--batch={BATCH}", f"--in_flight={BATCHES_IN_FLIGHT}")
REST_SECONDS = 5
OUR_JOB = json.dumps({"type": "demo.echo", "payload": {"x": 1}})
COST_JOBS = 40_000
IDLE_CALLS = 60
REFUSED_CALLS = 20
# Lone calls, so far apart that everything has gone to sleep.
SPACED = "--rest=1200..3000"
INVALID_ARGUMENT = "3"


def _succeeded(system):
    return int(system.rest("GET", "/v1/queues/demo.echo").json()["succeeded"])


def _run_load(system, jobs, *flags):
    done = subprocess.run([harness.BIN_DIR / "buzzer-load", "--address", system.address,
                           f"--jobs={jobs}", *flags], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def _load(system, jobs, *flags):
    figures = _run_load(system, jobs, *flags)
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
    with tempfile.TemporaryDirectory() as directory, slots(directory, SLOTS) as config, \
            harness.Set(broker, follow_logs=False, worker_config=config) as system:
        system.wait_for_types("demo.echo")
        for flags in (ONE, MANY):
            _end_to_end(system, jobs // 4, *flags)
        for _ in range(options.rounds):
            result.add("bare broker", "messages/s", _ceiling(broker, 3 * jobs))
            for name, flags in (("SubmitJob", ONE), ("BatchSubmitJobs", MANY)):
                figures, rate, cpu = _end_to_end(system, jobs, *flags)
                result.add(f"{name} accepted", "jobs/s", figures["jobs_per_second"])
                result.add(f"{name} done", "jobs/s", rate)
                result.add(f"{name} CPU", "s per 1000 jobs", cpu)
                result.add(f"{name} call p99", "ms", figures["latency_ms"]["p99"])
    result.ratio("SubmitJob done", "bare broker", ">= 0.4")
    result.ratio("BatchSubmitJobs done", "bare broker", ">= 1")
    return result


def rest(broker, options):
    """P1 and P2: the same POSTs to ours through Envoy and to BullMQ's front; ours over gRPC."""
    result = _beside(broker, options, (peers.BullMQ, peers.SyncedBullMQ), _grpc_turn)
    result.ratio("Buzzer done", "BullMQ done", ">= 1.5")
    result.ratio("Buzzer done", "BullMQ synced done", "none")
    for ours, target in (("Buzzer", "<= 0.6"), ("SubmitJob", "<= 0.4"),
                         ("BatchSubmitJobs", "<= 0.15")):
        result.ratio(f"{ours} CPU", "BullMQ CPU", target)
        result.ratio(f"{ours} CPU", "BullMQ synced CPU", "none")
    return result


def other_peers(broker, options):
    """The rest of P1: the same beside Celery, and beside Asynq."""
    result = _beside(broker, options, (peers.Asynq, lambda where: peers.Celery(where, broker)))
    result.ratio("Buzzer done", "Celery done", ">= 10")
    result.ratio("Buzzer done", "Asynq done", "none")
    return result


def _beside(broker, options, makes, also=None):
    """Ours and each peer in turns. A round ends when all that was accepted is done."""
    result = Result()
    seconds = max(1, round(REST_SECONDS * options.scale))
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = stack.enter_context(slots(directory, SLOTS))
        system = stack.enter_context(harness.Set(broker, follow_logs=False, worker_config=config))
        system.wait_for_types("demo.echo")
        ours = peers.Ours(system)
        # One at a time: even an idle one would take from the others.
        for turn in range(-1, options.rounds):
            _rest_turn(result, ours, seconds, turn, OUR_JOB)
            if also is not None:
                also(result, system, int(8000 * options.scale), turn)
            for make in makes:
                with make(directory) as peer:
                    _rest_turn(result, peer, 1, -1, peers.BODY)
                    _rest_turn(result, peer, seconds, turn, peers.BODY)
    return result


def _rest_end_to_end(peer, seconds, body):
    already = peer.done()
    with Meter() as meter:
        figures = peers.post(peer.url, seconds, CALLS_IN_FLIGHT, body)
        peers.wait_for(peer, already + figures["accepted"])
    return figures, meter


def _rest_turn(result, peer, seconds, turn, body):
    figures, meter = _rest_end_to_end(peer, seconds, body)
    jobs = figures["accepted"]
    if turn < 0:
        return  # To warm up.
    result.add(f"{peer.name} accepted", "jobs/s", jobs / figures["seconds"])
    result.add(f"{peer.name} done", "jobs/s", jobs / meter.seconds)
    result.add(f"{peer.name} CPU", "s per 1000 jobs", meter.cpu_seconds / jobs * 1000)
    result.add(f"{peer.name} POST p99", "ms", figures["p99_ms"])


def _grpc_turn(result, system, jobs, turn):
    for name, flags in (("SubmitJob", ONE), ("BatchSubmitJobs", MANY)):
        _, _, cpu = _end_to_end(system, jobs, *flags)
        if turn >= 0:
            result.add(f"{name} CPU", "s per 1000 jobs", cpu)


def submit(broker, options):
    """P4: an unloaded submit, 1.2 to 3 s apart at random so that idle effects show; beside
    calls that the frontend refuses at once, for what one hop alone takes."""
    result = Result()
    with harness.Set(broker, follow_logs=False) as system:
        system.wait_for_types("demo.echo")
        _load(system, 100)
        took = _load(system, max(1, int(IDLE_CALLS * options.scale)), SPACED)
        refusals = max(1, int(REFUSED_CALLS * options.scale))
        refused = _run_load(system, refusals, SPACED, "--type=!")
        assert refused["errors"] == {INVALID_ARGUMENT: refusals}, refused
    for name, latency in (("submit", took["latency_ms"]),
                          ("refused by the frontend", refused["refused_ms"])):
        result.add(f"{name} p50", "ms", latency["p50"])
        result.add(f"{name} p99", "ms", latency["p99"])
    return result


def dispatch(broker, options):
    """P5: idle system: from the submit's answer to the handler's start, and from the
    outcome to the watcher."""
    result = Result()
    with tempfile.TemporaryDirectory() as directory, \
            harness.Set(broker, follow_logs=False) as system, system.channel() as channel:
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
    with harness.Set(broker, follow_logs=False) as system:
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


# The ways to submit, as `cost` asks for them.
def _by_rest(system, scale):
    figures, meter = _rest_end_to_end(peers.Ours(system), max(1, round(REST_SECONDS * scale)),
                                      OUR_JOB)
    jobs = figures["accepted"]
    return jobs, jobs / meter.seconds, meter.cpu_seconds / jobs * 1000


def _by_grpc(*flags):
    def submit_all(system, scale):
        jobs = int(COST_JOBS * scale)
        _, rate, cpu = _end_to_end(system, jobs, *flags)
        return jobs, rate, cpu
    return submit_all


WAYS = {"REST": _by_rest, "SubmitJob": _by_grpc(*ONE), "BatchSubmitJobs": _by_grpc(*MANY)}


def _percentiles(result, name, values):
    values = sorted(values)
    for share, title in ((0.5, "p50"), (0.99, "p99")):
        result.add(f"{name} {title}", "ms", values[min(len(values) - 1, int(share * len(values)))])


ALL = {"rest": rest, "peers": other_peers, "grpc": grpc, "submit": submit, "dispatch": dispatch,
       "watchers": watchers,
       "backlog": lambda broker, options: backlog(broker, options, _load), "footprint": footprint,
       "compare": lambda broker, options: compare(broker, options, WAYS, SLOTS),
       "cost": lambda broker, options: cost(broker, options, WAYS, SLOTS),
       "profile": lambda broker, options: profile(broker, options, WAYS, SLOTS),
       "curve": lambda broker, options: curve(broker, options, _load, SLOTS)}

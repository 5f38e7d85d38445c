# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Long work, with the broker's consumer_timeout at one minute: a job of five minutes runs once,
is not redelivered, and its channel stays open. Where nine workers are full and one is idle,
new jobs start on the idle one, oldest first. The quorum queues' disk use stays bounded."""

import re
import time

import harness
import requests
from case import resident_mib
from holding_consumer import HoldingConsumer

CONSUMER_TIMEOUT_SECONDS = 60
# Rolls its log over after 1 MB, as the usual 64 MB take an hour.
CONFIGURATION = f"""\
consumer_timeout = {CONSUMER_TIMEOUT_SECONDS * 1000}
raft.wal_max_size_bytes = 1000000
raft.segment_max_entries = 1024
"""
# How often a channel looks at its deliveries' ages; a minute unless set.
TICKS = "application:set_env(rabbit, channel_tick_interval, 2000)."
WORKERS = 10
START_SECONDS = 3
BURST = 20
# Shorter than it takes to start them all.
JOB_SECONDS = 0.1
# After which no full worker holds deliveries any more (1 s) and the queue has them back.
SETTLING_SECONDS = 2
# Ten workers of 100 slots, each job five minutes long: an hour's worth.
CLAIMS_OF_AN_HOUR = 12000
ROUNDS = 12


def run(case):
    broker = case.broker(CONFIGURATION)
    broker.ctl("eval", TICKS)
    seconds = case.full(300, 90)
    system = case.system(broker, slots=8)
    job = _start_long(case, system, seconds)
    mark = system.worker.mark()
    before = _channels(broker)
    control = HoldingConsumer(broker)
    control.start()
    began = time.monotonic()
    _disk_use(case, system, case.full(CLAIMS_OF_AN_HOUR, CLAIMS_OF_AN_HOUR // 6))
    _one_idle_worker(case, broker)
    left = seconds - (time.monotonic() - began)
    system.wait_for_state(job, "SUCCEEDED", "FAILED", timeout=max(30, left + 60))
    closed = [event for name in ("queue_not_consumed", "broker_down")
              for event in system.worker.events(name, mark)]
    case.promise(not closed and before and before <= _channels(broker),
                 f"its worker's channels did not stay open: {closed}")
    _ran_once(case, system, job, seconds)
    _check_control(case, control)


def _check_control(case, control):
    """The broker does close the channel of a consumer that acks at its work's end."""
    control.join(2 * CONSUMER_TIMEOUT_SECONDS)
    if case.promise(control.closed_after and control.reason.startswith("406"),
                    f"the broker let a delivery be held: {control.reason}"):
        case.say(f"a consumer that held its delivery lost its channel after "
                 f"{control.closed_after:.0f} s: {control.reason.split(' - ')[0]}")


def _start_long(case, system, seconds):
    job = system.submit("case.sleep", seconds, lease="5s")["id"]
    case.wait_for_starts([job])
    return job


def _channels(broker):
    """The broker's processes of all consuming channels."""
    out = broker.ctl("--quiet", "list_channels", "pid", "consumer_count")
    return {line.split("\t")[0] for line in out.splitlines()[1:]
            if line.strip() and line.split("\t")[1].strip() != "0"}


def _ran_once(case, system, job, seconds):
    starts = case.starts_of([job])[job]
    record = system.get(job)
    claims = _claims(system)
    case.say(f"a job of {seconds} s under a consumer_timeout of {CONSUMER_TIMEOUT_SECONDS} s ran "
             f"{len(starts)} time(s), attempt {record['attempt']}; claims of its worker: {claims}")
    case.promise((record["state"], record["attempt"], len(starts)) == ("SUCCEEDED", 1, 1),
                 f"it did not run once: {record}")
    # State had offered the jobs that are gone while their messages were still on the way
    # (docs/intake.md). No message may be given back, since it would come again.
    case.promise(set(claims) <= {"granted", "gone"}, f"a message was given back: {claims}")


def _claims(system):
    found = re.findall(r'^buzzer_worker_claims_total\{[^}]*answer="(\w+)"[^}]*\} (\d+)',
                       system.metrics("worker"), re.M)
    return {answer: int(count) for answer, count in found if count != "0"}


def _disk_use(case, system, claims):
    """Many claims of one queue, each acked at its claim, while a job of it runs on."""
    system.submit("demo.sleep", {"seconds": 3600})
    data = system.broker.directory / "data"
    sizes = []
    channel = system.channel()
    submit = channel.unary_unary("/buzzer.v1.JobService/SubmitJob")
    api = case.api()
    request = api.jobs.SubmitJobRequest(type="demo.sleep")
    request.payload.struct_value.update({"seconds": 0})
    wire = request.SerializeToString()
    for at in range(ROUNDS):
        calls = [submit.future(wire, timeout=30) for _ in range(claims // ROUNDS)]
        for call in calls:
            call.result()
        done = (at + 1) * (claims // ROUNDS)
        harness.eventually(lambda: _succeeded(system) >= done, 120, f"{done} jobs done")
        sizes.append(sum(file.stat().st_size for file in data.rglob("*")
                         if "quorum" in file.parts and file.is_file()) / 2**20)
    channel.close()
    case.say(f"{claims} claims of a queue with a job of it running on: the quorum queues' disk use was "
             f"{sizes[0]:.1f} MiB after a {ROUNDS}th, {max(sizes):.1f} at most, {sizes[-1]:.1f} "
             f"at the end; broker {resident_mib(_pid(system.broker)):.0f} MiB")
    half = ROUNDS // 2
    case.promise(max(sizes[half:]) <= 1.5 * max(sizes[:half]) + 1,
                 f"the disk use grows: {[round(size, 1) for size in sizes]} MiB")


def _pid(broker):
    return int((broker.directory / "node.pid").read_text())


def _succeeded(system):
    answer = system.rest("GET", "/v1/queues/demo.sleep")
    return int(answer.json().get("succeeded", 0)) if answer.ok else 0


def _one_idle_worker(case, broker):
    system = case.system(broker, slots=1, workers=WORKERS)
    with case.closed_gate():
        full = [system.submit("case.wait")["id"] for _ in range(WORKERS - 1)]
        busy = {runs[0]["worker"] for runs in _started(case, full).values()}
        idle = {worker.name for worker in system.workers} - busy
        assert len(idle) == 1, f"{sorted(busy)} are busy"
        # At once, while full workers may still hold deliveries; and after that.
        at_once = _burst(case, system, idle)
        time.sleep(SETTLING_SECONDS)
        ordered = _burst(case, system, idle)
        in_order = [run["job"] for run in sorted(ordered, key=lambda run: run["t"])]
        case.promise(in_order == [run["job"] for run in ordered], "not oldest first")
        case.say(f"{WORKERS - 1} workers full, one idle, {BURST} new jobs: each started on it, at "
                 f"most {_slowest(at_once):.2f} s late at once, {_slowest(ordered):.2f} s later "
                 "on; oldest first")
    case.wait_until_ended(system, full)


def _started(case, jobs):
    case.wait_for_starts(jobs)
    return case.starts_of(jobs)


def _burst(case, system, idle):
    """The runs of new jobs, in the order of their submits, with when each could have begun:
    as it was submitted, or as the one before it ended."""
    submitted = {}
    with requests.Session() as session:
        for _ in range(BURST):
            answer = session.post(f"{system.base_url}/v1/jobs",
                                  json={"type": "case.sleep", "payload": JOB_SECONDS}, timeout=10)
            submitted[answer.json()["id"]] = time.time()
    runs = [runs[0] for runs in _started(case, list(submitted)).values()]
    elsewhere = {run["worker"] for run in runs} - idle
    case.promise(not elsewhere, f"jobs started on {elsewhere}, which had been full")
    case.wait_until_ended(system, list(submitted))
    ends = {run["job"]: run["t"] for run in case.runs("end")}
    free_at = 0.0
    for run in sorted(runs, key=lambda run: run["t"]):
        run["late"] = run["t"] - max(free_at, submitted[run["job"]])
        free_at = ends[run["job"]]
    case.promise(_slowest(runs) <= START_SECONDS,
                 f"the idle worker stood idle for {_slowest(runs):.1f} s")
    return runs


def _slowest(runs):
    return max(run["late"] for run in runs)

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM drains: every part is restarted under load, one after the other. Nothing is lost, no
work is repeated whose handler had returned, and what cannot end in the drain time is handed
back at once."""

import time

import checker
from case import DRAIN_SECONDS, GRACE_SECONDS
from collect import Collector
from kinds.processes import ROLLING
from load import Load
from record import Recorder, read_runs
from system import LEASE_SECONDS, System

RATE = 15
QUIET_SECONDS = 120
# A handler that noted its end returns within this, on a busy machine too.
RETURN_SECONDS = 0.5
# What messages and a new start take on top of what is promised.
SLACK_SECONDS = 2.0
# So long that a job which starts again soon was not waited for by its lease.
LONG_LEASE_SECONDS = 60
# As the worker stops by drain_timeout and grace, and the part is killed beyond 30 s.
LONGEST_STOP_SECONDS = 15


def run(case):
    broker = case.broker()
    _rolling_restart(case, broker)
    _handed_back_at_once(case, broker)


def _rolling_restart(case, broker):
    recorder = Recorder(case.directory / "history.jsonl")
    directory = case.directory / "rolling"
    directory.mkdir()
    system = System(broker, directory)
    system.__enter__()
    try:
        load = Load(system, case.api(), recorder, "drain", RATE)
        load.start()
        faults, stops = [], {}
        try:
            for _ in range(case.full(3, 1)):
                for name in (*ROLLING, "broker"):
                    time.sleep(3)  # Load between the restarts.
                    faults.append(_restart(system, name, stops))
        finally:
            load.stop()
        collector = Collector(system, case.api())
        quiet = collector.wait_for_quiet(QUIET_SECONDS)
        jobs, results = collector.jobs()
        collector.close()
        runs = read_runs(system.runs_file)
        facts = checker.Facts(
            calls=recorder.lines(), jobs=jobs, results=results, runs=runs, faults=faults,
            alive=load.alive, quiet=quiet, lease=LEASE_SECONDS, grace=GRACE_SECONDS)
        codes = system.stop_all()
        load.close()
    finally:
        system.close()
        recorder.close()
    violations, repeats = checker.check(facts)
    again = _repeated_though_returned(facts)
    worst = ", ".join(f"{name} {max(took):.1f} s" for name, (took, _) in stops.items())
    case.say(f"{len(faults)} restarts under load: accepted {len(checker.accepted_ids(facts))}, "
             f"violations {len(violations)}, handed back and run again {len(repeats)}, repeated "
             f"though the handler had returned {len(again)}")
    case.say(f"slowest ends after SIGTERM: {worst}")
    for one in violations:
        case.promise(False, f"{one.rule}: {one.text}")
    case.promise(quiet, f"not quiet after {QUIET_SECONDS} s")
    case.promise(not again, f"handlers had returned, and ran again: {again}")
    bad = {name: exits for name, (_, exits) in stops.items() if any(exits) and name != "gateway"}
    case.promise(not bad, f"exit codes after SIGTERM: {bad}")
    case.promise(all(max(took) < LONGEST_STOP_SECONDS for took, _ in stops.values()),
                 f"slow ends: {worst}")
    case.promise(not any(codes.values()), f"exit codes at the end: {codes}")


def _restart(system, name, stops):
    """SIGTERM and a start. As a fault for the checker, which knows them by their kinds."""
    fault = {"number": 0, "kind": "restart.rolling", "part": name, "mode": "",
             "injected": time.time(), "came_about": True}
    began = time.monotonic()
    part = system.broker if name == "broker" else system.part(name)
    code = part.stop()
    took, exits = stops.setdefault(name, ([], []))
    took.append(time.monotonic() - began)
    exits.append(code)
    part.start()
    return {**fault, "healed": time.time()}


def _repeated_though_returned(facts):
    """Attempts that were given up by the system after their handlers had returned."""
    ends = {(run["job"], run["attempt"]): run["t"] for run in facts.runs
            if run["phase"] == "end"}
    found = []
    for job, record in facts.jobs.items():
        for event in record["history"]:
            given_up = event["cause"] == "HANDED_BACK" or event["reason"] == "LEASE_EXPIRED"
            ended = ends.get((job, event["attempt"]))
            if given_up and ended is not None and event["time"] - ended > RETURN_SECONDS:
                found.append((job, event["attempt"], event["cause"]))
    return found


def _handed_back_at_once(case, broker):
    system = case.system(broker, slots=4)
    waits = {"case.wait": [], "case.stubborn": []}
    for _ in range(case.full(3, 1)):
        for kind, found in waits.items():
            found.append(_hand_back(case, system, kind))
    for kind, found in waits.items():
        grace = GRACE_SECONDS if kind == "case.stubborn" else 0
        limit = DRAIN_SECONDS + grace + SLACK_SECONDS
        case.say(f"{kind} of a worker that ends (drain time {DRAIN_SECONDS} s, grace {grace} s "
                 f"used, lease {LONG_LEASE_SECONDS} s) ran elsewhere within {max(found):.2f} s")
        case.promise(max(found) <= limit, f"{kind} was handed back only after {max(found):.1f} s")


def _hand_back(case, system, kind):
    """Seconds from the SIGTERM to the start of the next attempt, on the other worker."""
    ending = next(worker for worker in system.workers if worker.running())
    with case.closed_gate():
        job = system.submit(kind, 30, lease=f"{LONG_LEASE_SECONDS}s")["id"]
        case.wait_for_starts([job])
        case.add_worker(system, f"worker{len(system.workers) + 1}", 4)
        began = time.time()
        case.promise(ending.stop() == 0, f"{ending.name} did not end well")
        again = case.wait_for_starts([job], attempt=2)[job] - began
        system.rest("POST", f"/v1/jobs/{job}:cancel", json={})
        record = system.wait_for_state(job, "CANCELLED")
        case.promise(record.get("failedAttempts", 0) == 0, f"it counted as a failure: {record}")
    return again

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A worker is paused past its leases and continued: it learns that it has lost its jobs,
stops their handlers within their grace, and its outcomes are refused."""

import time

import harness
from case import GRACE_SECONDS, LEASE_SECONDS
from system import processes_of

# What a message, a signal and a busy machine may take on top of what is promised.
SLACK_SECONDS = 1.0


def run(case):
    system = case.system(case.broker())
    _outcome_is_refused(case, system)
    _handlers_are_stopped(case, system)


def _outcome_is_refused(case, system):
    """The handler returns while its worker stands still."""
    worker = system.worker
    with case.closed_gate():
        job = system.submit("case.wait", lease=f"{LEASE_SECONDS}s")["id"]
        case.wait_for_starts([job])
        worker.pause()
    harness.eventually(lambda: case.runs("end"), LEASE_SECONDS, "the handler's end")
    taken = system.wait_for_state(job, "SCHEDULED", "QUEUED", timeout=30)
    case.promise(taken["error"]["reason"] == "LEASE_EXPIRED", f"the lease of {job} never expired")
    mark = worker.mark()
    worker.resume()
    ended = worker.wait_for_event("attempt_ended", 10, mark, job=job, attempt=1)
    # It may hear that the lease is lost before it hears of the handler; then it has no outcome.
    if ended["outcome"] != "lost":
        worker.wait_for_event("outcome_refused", 10, mark, job=job, attempt=1)
    case.say(f"handler returned during the pause: its outcome ({ended['outcome']}) did not count")
    done = case.wait_until_ended(system, [job])[0]
    result = system.rest("GET", f"/v1/jobs/{job}/result").text.strip()
    case.promise(done["state"] == "SUCCEEDED" and result == f"{job} {done['attempt']}"
                 and done["attempt"] == 2, f"after its refused outcome: {done}, {result}")


def _handlers_are_stopped(case, system):
    """One that ignores TERM, under its supervisor, and one within the worker itself. The
    other worker takes them over meanwhile."""
    worker = system.worker
    jobs = {kind: system.submit(kind, payload, lease=f"{LEASE_SECONDS}s")["id"]
            for kind, payload in (("case.stubborn", 60), ("demo.sleep", {"seconds": 60}))}
    exec_job, sleep_job = jobs["case.stubborn"], jobs["demo.sleep"]
    case.wait_for_starts([exec_job])
    worker.wait_for_event("attempt_started", 30, job=sleep_job)
    other = case.add_worker(system, "worker2", 16)
    paused = time.time()
    worker.pause()
    harness.eventually(lambda: not processes_of(exec_job), 30, "the program's end")
    gone = time.time() - paused
    again = case.wait_for_starts([exec_job], attempt=2, timeout=30)[exec_job]
    other.wait_for_event("attempt_started", 30, job=sleep_job, attempt=2)
    mark = worker.mark()
    worker.resume()
    resumed = time.monotonic()
    for job in jobs.values():
        worker.wait_for_event("attempt_ended", 30, mark, job=job, attempt=1)
    stopped = time.monotonic() - resumed
    learned = worker.events("attempt_stopping", mark, job=sleep_job, cause="lease lost")
    case.say(f"program ended {gone:.1f} s after the pause began (lease {LEASE_SECONDS} s, grace "
             f"{GRACE_SECONDS} s), its next run began after {again - paused:.1f} s; continued, "
             f"the worker gave both up after {stopped:.2f} s")
    limit = LEASE_SECONDS + GRACE_SECONDS + SLACK_SECONDS
    case.promise(gone <= limit, f"the program lived {gone:.1f} s into the pause, {limit} at most")
    case.promise(paused + gone <= again + 0.1, "two attempts of a program ran at once")
    case.promise(learned, f"the worker did not learn that {sleep_job} is lost:\n{worker.tail()}")
    case.promise(stopped <= GRACE_SECONDS + SLACK_SECONDS,
                 f"handlers ran on for {stopped:.1f} s after the worker went on")
    for job in jobs.values():
        record = system.get(job)
        case.promise((record["state"], record["attempt"]) == ("RUNNING", 2),
                     f"the paused worker moved the job's second attempt: {record}")
        system.rest("POST", f"/v1/jobs/{job}:cancel", json={})
    for job in jobs.values():
        system.wait_for_state(job, "CANCELLED")

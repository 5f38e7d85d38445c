# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether a run kept every promise. Pure: looks at the facts and nothing else.

    calls    the lines of the history (record.py; load.py writes them)
    jobs     each job's record at the end, by id: state, attempt, revision, submit (the
             load's own number of the request), key, reason, history
    results  the result of each SUCCEEDED job as text, by id
    runs     the lines that the handlers appended
    faults   what was broken: kind, part, injected, healed (None if it never was)
    alive    processes found alive of a job that was told to be CANCELLED
    quiet    whether every job was terminal in time
    lease, grace
             of every job, in seconds
"""

import collections
import dataclasses

TERMINAL = ("SUCCEEDED", "FAILED", "CANCELLED")
# How an attempt ends; each only by the attempt that holds the lease.
ATTEMPT_ENDS = ("SUCCEEDED", "FAILED", "LEASE_EXPIRED", "ATTEMPT_TIMEOUT", "HANDED_BACK",
                "WORKER_LOST")
# Faults that may cost a worker its leases.
LOSES_LEASES = ("kill.worker", "kill.all", "crash.ack", "pause.worker", "cut.worker-state",
                "drop.worker-state",
                "restart.rolling")
# A storm of signals may cost none: whatever comes, the worker hands back.
HANDS_BACK = ("restart.rolling", "signal.storm")
# From a fault's end to the last lease that it cost, where no run tells when it was: state may
# have stood still meanwhile, which starts every lease anew.
SLACK_SECONDS = 15


@dataclasses.dataclass
class Facts:
    calls: list
    jobs: dict
    results: dict
    runs: list
    faults: list
    alive: list
    quiet: bool = True
    lease: float = 5
    grace: float = 1


@dataclasses.dataclass
class Violation:
    rule: str
    text: str
    job: str = ""


@dataclasses.dataclass
class Repeat:
    """A run that was lost and done again, and the fault that allows it."""
    job: str
    attempt: int
    cause: str
    fault: str
    at: float


def check(facts):
    """All violations, and the allowed repeats."""
    violations = []
    for rule in (accepted_is_kept, refused_is_absent, unknown_is_whole, one_id_for_a_key,
                 terminal_is_for_ever, revisions_rise, attempts_are_granted_once,
                 old_attempts_are_refused, one_run_for_an_attempt, results_are_of_their_attempt,
                 told_is_kept, watches_are_whole, cancelled_is_dead):
        violations += rule(facts)
    repeats, unexplained = lost_runs(facts)
    return violations + unexplained, repeats


def submits(facts):
    """The load's number of each submit: its calls' last phases and answers."""
    by_call = {}
    for line in facts.calls:
        if line["op"] == "submit":
            by_call.setdefault(line["call"], {}).update(line)
    by_submit = collections.defaultdict(list)
    for call in by_call.values():
        # A call that was never answered is unknown.
        phase = "unknown" if call["phase"] == "invoked" else call["phase"]
        by_submit[call["submit"]].append({**call, "phase": phase})
    return by_submit


def accepted_ids(facts):
    return {line["job"] for line in facts.calls
            if line["op"] == "submit" and line["phase"] == "ok"}


def accepted_is_kept(facts):
    found = []
    for job in sorted(accepted_ids(facts)):
        record = facts.jobs.get(job)
        if record is None:
            found.append(Violation("lost", "accepted, and not there at the end", job))
        elif record["state"] not in TERMINAL:
            found.append(Violation("lost", f"accepted, and still {record['state']}", job))
    return found


def _jobs_by_submit(facts):
    by_submit = collections.defaultdict(list)
    for job, record in facts.jobs.items():
        by_submit[record["submit"]].append(job)
    return by_submit


def refused_is_absent(facts):
    jobs = _jobs_by_submit(facts)
    return [Violation("refused but there", f"every call of submit {number} was refused",
                      jobs[number][0])
            for number, calls in submits(facts).items()
            if all(call["phase"] == "failed" for call in calls) and jobs.get(number)]


def unknown_is_whole(facts):
    """Absent or complete: a job that is there has its whole life, and was asked for."""
    known = submits(facts)
    found = []
    for job, record in facts.jobs.items():
        if record["submit"] not in known:
            found.append(Violation("nobody's", "nobody submitted it", job))
        elif not record["history"] or record["history"][0]["cause"] != "SUBMITTED":
            found.append(Violation("half", "its history does not begin with its submit", job))
        elif record["state"] not in TERMINAL:
            found.append(Violation("half", f"it is there, and still {record['state']}", job))
    accepted = accepted_ids(facts)
    # What was accepted is the concern of accepted_is_kept.
    return [one for one in found if one.job not in accepted]


def one_id_for_a_key(facts):
    """Also: a request without a key that was called once makes one job."""
    found = []
    jobs = _jobs_by_submit(facts)
    for number, calls in submits(facts).items():
        ids = {call["job"] for call in calls if call["phase"] == "ok"} | set(jobs.get(number, ()))
        if len(ids) > 1:
            found.append(Violation("two ids", f"submit {number} made {sorted(ids)}",
                                   sorted(ids)[0]))
    return found


def terminal_is_for_ever(facts):
    found = []
    for job, record in facts.jobs.items():
        ended = None
        for event in record["history"]:
            if ended and event["cause"] != "RETRY_REQUESTED":
                found.append(Violation(
                    "ended twice", f"{ended} at revision {last}, then {event['state']}", job))
            ended = event["state"] if event["state"] in TERMINAL else None
            last = event["revision"]
        if record["history"] and record["history"][-1]["state"] != record["state"]:
            found.append(Violation("half", "its history ends in another state", job))
    return found


def revisions_rise(facts):
    found = []
    for job, record in facts.jobs.items():
        revisions = [event["revision"] for event in record["history"]]
        if any(later <= sooner for sooner, later in zip(revisions, revisions[1:])):
            found.append(Violation("revision", f"its revisions do not rise: {revisions}", job))
        elif revisions and record["revision"] < revisions[-1]:
            found.append(Violation("revision", "its revision is below its history's", job))
    return found


def attempts_are_granted_once(facts):
    found = []
    for job, record in facts.jobs.items():
        granted = [event["attempt"] for event in record["history"] if event["cause"] == "CLAIMED"]
        if any(later <= sooner for sooner, later in zip(granted, granted[1:])):
            found.append(Violation("attempt", f"its attempts do not rise: {granted}", job))
    return found


def old_attempts_are_refused(facts):
    found = []
    for job, record in facts.jobs.items():
        current, state = 0, None
        for event in record["history"]:
            if event["cause"] == "CLAIMED":
                if state not in (None, "QUEUED"):
                    found.append(Violation("stale", f"claimed while {state}", job))
                current = event["attempt"]
            elif event["cause"] in ATTEMPT_ENDS:
                # FAILED without a run: a deadline, which the load does not set.
                if state not in ("RUNNING", "CANCELLING"):
                    found.append(Violation(
                        "stale", f"{event['cause']} of an attempt while {state}", job))
                elif event["attempt"] != current:
                    found.append(Violation(
                        "stale", f"{event['cause']} of attempt {event['attempt']} was taken "
                        f"while attempt {current} held the lease", job))
            state = event["state"]
    return found


def one_run_for_an_attempt(facts):
    found = []
    starts = collections.Counter((run["job"], run["attempt"]) for run in facts.runs
                                 if run["phase"] == "start")
    for (job, attempt), count in sorted(starts.items()):
        if count > 1:
            found.append(Violation("run twice", f"attempt {attempt} ran {count} times", job))
        record = facts.jobs.get(job)
        if record is None:
            found.append(Violation("lost", "ran, and not there at the end", job))
        elif not any(event["cause"] == "CLAIMED" and event["attempt"] == attempt
                     for event in record["history"]):
            found.append(Violation("run unclaimed", f"attempt {attempt} ran, and its history "
                                   "has no claim of it", job))
    return found


def results_are_of_their_attempt(facts):
    ended = {(run["job"], run["attempt"]) for run in facts.runs if run["phase"] == "end"}
    found = []
    for job, record in facts.jobs.items():
        if record["state"] != "SUCCEEDED":
            continue
        wanted = f"{job} {record['attempt']}"
        result = facts.results.get(job)
        if result != wanted:
            found.append(Violation("stale", f"its result is {result!r}, not {wanted!r}", job))
        elif (job, record["attempt"]) not in ended:
            found.append(Violation("stale", "succeeded by an attempt that never ended", job))
    return found


def told_is_kept(facts):
    """Nothing was told that is not in the record: revisions that callers were told of are
    there, with the same state."""
    found = []
    for line in facts.calls:
        if "revision" not in line or line.get("job") not in facts.jobs:
            continue
        record = facts.jobs[line["job"]]
        states = {event["revision"]: event["state"] for event in record["history"]}
        if line["revision"] > record["revision"]:
            found.append(Violation("told and lost", f"revision {line['revision']} was told "
                                   f"({line['op']}), and it has {record['revision']}", line["job"]))
        elif states.get(line["revision"], line["state"]) != line["state"]:
            found.append(Violation(
                "told and lost", f"revision {line['revision']} was told as {line['state']}, and "
                f"is {states[line['revision']]}", line["job"]))
    return found


def watches(facts):
    by_watcher = collections.defaultdict(list)
    for line in facts.calls:
        if line["op"] == "watch":
            by_watcher[line["watcher"]].append(line)
    return by_watcher


def watches_are_whole(facts):
    found = []
    for lines in watches(facts).values():
        found += _check_watch(lines, facts.jobs.get(lines[0]["job"]))
    return found


def _check_watch(lines, record):
    job = lines[0]["job"]
    seen = []
    for line in lines:
        if line["phase"] == "event":
            if seen and line["revision"] <= seen[-1]["revision"]:
                yield Violation("watch", f"revision {line['revision']} was told after "
                                f"{seen[-1]['revision']}", job)
            seen.append(line)
        elif line["phase"] == "ended" and (not seen or seen[-1]["state"] not in TERMINAL):
            yield Violation("watch", "a stream ended with OK before the terminal state", job)
    if not seen or record is None:
        return
    told = {line["revision"] for line in seen}
    missed = [event["revision"] for event in record["history"]
              if seen[0]["revision"] < event["revision"] < seen[-1]["revision"]
              and event["revision"] not in told]
    if missed:
        yield Violation("watch", f"told {sorted(told)}, which misses {missed}", job)


def cancelled_is_dead(facts):
    found = []
    for one in facts.alive:
        # A worker that was lost with its job ends it by itself, one lease later.
        if one["reason"] != "WORKER_LOST":
            found.append(Violation("alive", f"told to be CANCELLED, and process {one['pid']} "
                                   f"({one['command']}) is alive", one["job"]))
    return found


def lost_runs(facts):
    """Attempts that did not end by their own handler, each with the fault that allows it."""
    runs = _Runs(facts)
    repeats, found = [], []
    for job, record in facts.jobs.items():
        for event in record["history"]:
            cause, attempt = event["cause"], event["attempt"]
            if cause not in ("LEASE_EXPIRED", "WORKER_LOST", "HANDED_BACK", "ATTEMPT_TIMEOUT"):
                continue
            worker = runs.worker.get((job, attempt))
            fault = _allowing_fault(facts, runs, job, event)
            if fault is None:
                found.append(Violation("lost a lease", f"{cause} of attempt {attempt} on "
                                       f"{worker or 'no worker'}, which no fault explains", job))
            elif cause == "HANDED_BACK" and runs.returned_before(job, event):
                found.append(Violation("work thrown away", f"attempt {attempt} had returned, and "
                                       "was handed back", job))
            repeats.append(Repeat(job, attempt, cause, fault["kind"] if fault else "",
                                  event["time"]))
    return repeats, found


class _Runs:
    def __init__(self, facts):
        self.worker, self.started, self.ended = {}, {}, {}
        # The times in histories are state's, and its clock may have been stepped.
        self.clock_is_true = not any(fault["kind"] == "clock.step" and fault["part"] == "state"
                                     for fault in facts.faults)
        for run in facts.runs:
            key = run["job"], run["attempt"]
            self.worker.setdefault(key, run["worker"])
            if run["phase"] == "start":
                self.started.setdefault(key, run["t"])
            else:
                self.ended[key] = run["t"]

    def span(self, job, event):
        """When the attempt can have been lost: from its start to the next one's. None if it
        never started: killed between claim and start."""
        start = self.started.get((job, event["attempt"]))
        if start is None:
            return None
        following = [at for (one, attempt), at in self.started.items()
                     if one == job and attempt > event["attempt"]]
        ends = following + ([event["time"]] if self.clock_is_true else [])
        return start, min(ends, default=float("inf"))

    def returned_before(self, job, event):
        # The line of the end is written a moment before the program ends.
        ended = self.ended.get((job, event["attempt"]))
        return self.clock_is_true and ended is not None and ended < event["time"] - 0.5


def _allowing_fault(facts, runs, job, event):
    kinds = HANDS_BACK if event["cause"] == "HANDED_BACK" else LOSES_LEASES
    worker, span = runs.worker.get((job, event["attempt"])), runs.span(job, event)
    for fault in facts.faults:
        if not fault["kind"].startswith(kinds):
            continue
        if worker and fault["part"] and fault["part"].split("-")[0] != worker:
            continue
        healed = fault["healed"] if fault["healed"] is not None else float("inf")
        if span:
            if fault["injected"] <= span[1] + 0.5 and span[0] <= healed + 0.5:
                return fault
        elif not runs.clock_is_true or (
                fault["injected"] <= event["time"] + 0.5
                and event["time"] <= healed + facts.lease + facts.grace + SLACK_SECONDS):
            return fault
    return None

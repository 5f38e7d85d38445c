# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Each rule of the checker: a run that keeps it, and one that breaks it."""

import copy
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import checker  # noqa: E402

JOB = "job-1"


def event(revision, state, cause, attempt, time):
    return {"revision": revision, "state": state, "cause": cause, "attempt": attempt,
            "time": time, "reason": ""}


def submit(phase, call=1, number="7", key="", **told):
    return [{"t": 0, "op": "submit", "phase": "invoked", "call": call, "submit": number,
             "key": key},
            {"t": 1, "op": "submit", "phase": phase, "call": call, "submit": number, "key": key,
             **told}]


def watched(phase, revision=None, state=None, watcher=3):
    line = {"t": 2, "op": "watch", "phase": phase, "watcher": watcher, "job": JOB}
    return {**line, "revision": revision, "state": state} if revision else line


def run(phase, attempt=1, t=2.0, worker="worker"):
    return {"phase": phase, "job": JOB, "attempt": attempt, "pid": 5, "worker": worker, "t": t}


def fault(kind, injected, healed, part=""):
    return {"number": 1, "kind": kind, "part": part, "mode": "", "injected": injected,
            "healed": healed}


def a_good_run():
    """One job, submitted, run once, watched to its end."""
    return checker.Facts(
        calls=[*submit("ok", job=JOB, state="QUEUED", revision=1),
               watched("opened"), watched("event", 1, "QUEUED"), watched("event", 2, "RUNNING"),
               watched("event", 3, "SUCCEEDED"), watched("ended")],
        jobs={JOB: {"state": "SUCCEEDED", "attempt": 1, "revision": 3, "submit": "7", "key": "",
                    "reason": "", "history": [event(1, "QUEUED", "SUBMITTED", 0, 1.0),
                                              event(2, "RUNNING", "CLAIMED", 1, 2.0),
                                              event(3, "SUCCEEDED", "SUCCEEDED", 1, 3.0)]}},
        results={JOB: f"{JOB} 1"}, runs=[run("start"), run("end", t=2.9)], faults=[], alive=[])


def a_lost_lease(faults):
    """The first attempt was lost, the second succeeded."""
    facts = a_good_run()
    facts.jobs[JOB].update(attempt=2, revision=6, history=[
        event(1, "QUEUED", "SUBMITTED", 0, 1.0), event(2, "RUNNING", "CLAIMED", 1, 2.0),
        event(3, "SCHEDULED", "LEASE_EXPIRED", 1, 8.0), event(4, "QUEUED", "DUE", 1, 8.5),
        event(5, "RUNNING", "CLAIMED", 2, 8.6), event(6, "SUCCEEDED", "SUCCEEDED", 2, 9.0)])
    facts.calls = submit("ok", job=JOB, state="QUEUED", revision=1)
    facts.results[JOB] = f"{JOB} 2"
    facts.runs = [run("start"), run("start", 2, 8.6, "worker2"), run("end", 2, 8.9, "worker2")]
    facts.faults = faults
    return facts


def rules(facts):
    return {one.rule for one in checker.check(facts)[0]}


def test_a_good_run_has_no_violation():
    assert checker.check(a_good_run()) == ([], [])


def test_an_accepted_job_that_is_gone_is_lost():
    facts = a_good_run()
    facts.jobs, facts.runs = {}, []
    assert rules(facts) == {"lost"}


def test_an_accepted_job_that_does_not_end_is_lost():
    facts = a_good_run()
    facts.jobs[JOB].update(state="RUNNING", revision=2)
    del facts.jobs[JOB]["history"][2]
    facts.calls = facts.calls[:2]
    assert rules(facts) == {"lost"}


def test_a_refused_submit_leaves_no_job():
    facts = a_good_run()
    facts.calls = submit("failed", reason="STATE_UNAVAILABLE")
    assert rules(facts) == {"refused but there"}
    facts.jobs, facts.results, facts.runs = {}, {}, []
    assert rules(facts) == set()


def test_a_submit_that_was_refused_once_and_unknown_once_may_have_made_the_job():
    facts = a_good_run()
    facts.calls = submit("failed", key="k") + submit("unknown", call=2, key="k")
    assert rules(facts) == set()


def test_an_unknown_submit_is_absent_or_whole():
    facts = a_good_run()
    facts.calls = submit("unknown")
    assert rules(facts) == set()
    half = copy.deepcopy(facts)
    half.jobs[JOB]["history"] = half.jobs[JOB]["history"][1:]
    assert rules(half) == {"half"}
    facts.jobs, facts.results, facts.runs = {}, {}, []
    assert rules(facts) == set()


def test_an_unanswered_submit_counts_as_unknown():
    facts = a_good_run()
    facts.calls = submit("ok")[:1]
    assert rules(facts) == set()


def test_a_job_that_nobody_submitted():
    facts = a_good_run()
    facts.calls = []
    assert rules(facts) == {"nobody's"}


def test_a_key_has_one_id():
    facts = a_good_run()
    again = submit("ok", call=2, key="k", job=JOB, state="QUEUED", revision=1)
    facts.calls += again
    assert rules(facts) == set()
    facts.jobs["job-2"] = copy.deepcopy(facts.jobs[JOB])
    facts.results["job-2"] = "job-2 1"
    facts.runs += [{**one, "job": "job-2"} for one in facts.runs]
    assert rules(facts) == {"two ids"}


@pytest.mark.parametrize("cause, rule", [("RETRY_REQUESTED", None), ("DUE", "ended twice")])
def test_only_a_retry_leaves_a_terminal_state(cause, rule):
    facts = a_good_run()
    facts.calls = facts.calls[:2]
    facts.jobs[JOB].update(state="SUCCEEDED", attempt=2, revision=6)
    facts.jobs[JOB]["history"][2] = event(3, "FAILED", "FAILED", 1, 3.0)
    facts.jobs[JOB]["history"] += [event(4, "QUEUED", cause, 1, 4.0),
                                   event(5, "RUNNING", "CLAIMED", 2, 5.0),
                                   event(6, "SUCCEEDED", "SUCCEEDED", 2, 6.0)]
    facts.results[JOB] = f"{JOB} 2"
    facts.runs += [run("start", 2, 5.0), run("end", 2, 5.9)]
    assert rules(facts) == ({rule} if rule else set())


def test_a_second_outcome_is_one_too_many():
    facts = a_good_run()
    facts.jobs[JOB]["history"].append(event(4, "SUCCEEDED", "SUCCEEDED", 1, 4.0))
    facts.jobs[JOB]["revision"] = 4
    assert rules(facts) == {"ended twice", "stale"}


def test_revisions_rise():
    facts = a_good_run()
    facts.jobs[JOB]["history"][2]["revision"] = 2
    facts.calls = facts.calls[:2]
    assert rules(facts) == {"revision"}


def test_an_attempt_is_granted_once():
    facts = a_lost_lease([fault("kill.worker", 3.0, 4.0, "worker")])
    assert rules(facts) == set()
    facts.jobs[JOB]["history"][4]["attempt"] = 1
    assert "attempt" in rules(facts)


def test_an_outcome_of_an_old_attempt_is_stale():
    facts = a_lost_lease([fault("kill.worker", 3.0, 4.0, "worker")])
    facts.jobs[JOB]["history"][5]["attempt"] = 1
    assert rules(facts) == {"stale"}


def test_a_result_of_an_old_attempt_is_stale():
    facts = a_lost_lease([fault("kill.worker", 3.0, 4.0, "worker")])
    facts.results[JOB] = f"{JOB} 1"
    assert rules(facts) == {"stale"}


def test_a_success_that_no_run_ended_is_stale():
    facts = a_good_run()
    facts.runs = facts.runs[:1]
    assert rules(facts) == {"stale"}


def test_an_attempt_runs_once():
    facts = a_good_run()
    facts.runs.append(run("start", t=2.5))
    assert rules(facts) == {"run twice"}


def test_a_run_has_a_claim():
    facts = a_good_run()
    facts.runs.append(run("start", attempt=2, t=3.5))
    assert rules(facts) == {"run unclaimed"}


def test_what_was_told_is_kept():
    facts = a_good_run()
    facts.calls.append({"t": 5, "op": "cancel", "phase": "ok", "call": 9, "job": JOB,
                        "revision": 3, "state": "SUCCEEDED"})
    assert rules(facts) == set()
    facts.calls[-1]["revision"] = 4
    assert rules(facts) == {"told and lost"}
    facts.calls[-1].update(revision=3, state="CANCELLED")
    assert rules(facts) == {"told and lost"}


def test_a_watch_misses_no_state_change():
    facts = a_good_run()
    del facts.calls[4]
    assert rules(facts) == {"watch"}


def test_a_watch_goes_on_over_a_reconnect():
    facts = a_good_run()
    facts.calls[4:4] = [watched("broken"), watched("opened")]
    assert rules(facts) == set()


def test_a_watch_never_goes_back():
    facts = a_good_run()
    facts.calls.insert(5, watched("event", 1, "QUEUED"))
    assert rules(facts) == {"watch"}


def test_a_watch_ends_at_the_terminal_state():
    facts = a_good_run()
    del facts.calls[5]
    assert rules(facts) == {"watch"}


@pytest.mark.parametrize("reason, found", [("", {"alive"}), ("WORKER_LOST", set())])
def test_a_cancelled_job_is_dead(reason, found):
    facts = a_good_run()
    facts.alive = [{"job": JOB, "pid": 5, "command": "sleep", "t": 3, "reason": reason}]
    assert rules(facts) == found


@pytest.mark.parametrize("faults, found", [
    ([], {"lost a lease"}),
    ([fault("kill.worker", 3.0, 4.0, "worker")], set()),
    ([fault("cut.worker-state", 2.5, 8.0, "worker-state")], set()),
    # Another worker, another time, and what costs no lease.
    ([fault("kill.worker", 3.0, 4.0, "worker2")], {"lost a lease"}),
    ([fault("kill.worker", 0.5, 1.0, "worker")], {"lost a lease"}),
    ([fault("kill.state", 3.0, 4.0, "state")], {"lost a lease"}),
])
def test_a_lost_lease_has_its_fault(faults, found):
    assert rules(a_lost_lease(faults)) == found


def test_an_allowed_repeat_is_listed():
    _, repeats = checker.check(a_lost_lease([fault("kill.worker", 3.0, 4.0, "worker")]))
    assert [(one.attempt, one.cause, one.fault) for one in repeats] == [
        (1, "LEASE_EXPIRED", "kill.worker")]


@pytest.mark.parametrize("cause, found", [("HANDED_BACK", set()),
                                          ("LEASE_EXPIRED", {"lost a lease"})])
def test_a_storm_of_signals_hands_back_and_loses_nothing(cause, found):
    facts = a_lost_lease([fault("signal.storm", 3.0, 9.0, "worker")])
    facts.jobs[JOB]["history"][2].update(cause=cause)
    if cause == "HANDED_BACK":
        facts.jobs[JOB]["history"][2].update(state="QUEUED")
        del facts.jobs[JOB]["history"][3]
    assert rules(facts) == found


@pytest.mark.parametrize("ended, found", [(None, set()), (7.9, set()),
                                          (3.0, {"work thrown away"})])
def test_work_that_had_returned_is_not_handed_back(ended, found):
    facts = a_lost_lease([fault("restart.rolling", 3.0, 9.0)])
    facts.jobs[JOB]["history"][2].update(cause="HANDED_BACK", state="QUEUED")
    del facts.jobs[JOB]["history"][3]
    if ended:
        facts.runs.append(run("end", 1, ended))
    assert rules(facts) == found

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A job's life when parts of the system come and go under it."""

import collections
import datetime
import os
import pathlib
import signal
import time

import harness
import pytest
from event_source import Watcher

PROGRAMS = pathlib.Path(__file__).parent / "programs"


@pytest.fixture
def programs(tmp_path):
    """A worker's handlers whose programs leave traces in files."""

    class Programs:
        word = f"tree-{tmp_path.name}-{time.monotonic_ns()}"
        trees = tmp_path / "trees"
        notes = tmp_path / "notes"
        go_on = tmp_path / "go-on"
        config = tmp_path / "worker.yaml"
        missing = tmp_path / "missing"

        def runs(self):
            """How often each job was run."""
            lines = self.notes.read_text().split("\n") if self.notes.exists() else []
            return collections.Counter(line.split()[0] for line in lines if line)

        def processes(self):
            """Command lines of what is left of the trees."""
            found = []
            for entry in pathlib.Path("/proc").iterdir():
                if entry.name.isdigit():
                    try:
                        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    except OSError:
                        continue
                    if self.word in command and "leave_a_tree" not in command.split(" ")[0]:
                        found.append(command)
            return found

    made = Programs()
    # Its test takes it away again, once the worker has seen it.
    made.missing.write_text("#!/bin/sh\n")
    made.missing.chmod(0o755)
    made.config.write_text(f"""
slots: 20
drain_timeout: 2s
handlers:
  - {{type: demo.echo, kind: demo.echo}}
  - {{type: demo.sleep, kind: demo.sleep}}
  - {{type: demo.fail, kind: demo.fail}}
  - type: test.tree
    kind: exec
    grace: 1s
    program: ["{PROGRAMS}/leave_a_tree.sh", "{made.word}", "{made.trees}"]
    content_type: text/plain
  - type: test.complain
    kind: exec
    grace: 1s
    retry: {{initial: 100ms, factor: 1, jitter: 0, attempts: 2}}
    program: [sh, -c, 'echo at page 3 >&2; trap "echo giving up >&2; exit 1" TERM;
              echo "{{}}" >&3; while :; do sleep 0.05; done']
  - type: test.away
    kind: exec
    program: [sh, -c, 'echo "{{\\"retry_after\\": \\"1h\\"}}" >&3; exit 75']
  - type: test.missing
    kind: exec
    program: ["{made.missing}"]
  - type: test.note
    kind: exec
    grace: 1s
    program: ["{PROGRAMS}/note_and_wait.sh", "{made.notes}", "{made.go_on}"]
    content_type: application/json
""")
    return made


@pytest.fixture
def buzzer_with_programs(broker, programs):
    with harness.Set(broker, worker_config=programs.config) as running:
        yield running


def seconds_between(start, end):
    """Of two times as the API writes them."""
    start, end = (datetime.datetime.fromisoformat(time_) for time_ in (start, end))
    return (end - start).total_seconds()


def state_changes(events):
    return [event["state"] for _, event in events if event["cause"] != "PROGRESS"]


def test_watch_misses_nothing_though_it_is_cut_and_state_is_killed(fresh_buzzer):
    job = fresh_buzzer.submit("demo.sleep", {"seconds": 8, "steps": 40})
    watcher = Watcher(fresh_buzzer, job["id"])
    watcher.start()
    watcher.wait_for(lambda event: event.get("progress", {}).get("fraction", 0) > 0.1)
    watcher.cut()
    watcher.wait_for(lambda event: event.get("progress", {}).get("fraction", 0) > 0.3)
    fresh_buzzer.state.kill()
    fresh_buzzer.state.start()
    watcher.join(harness.WAIT_SECONDS)
    assert not watcher.is_alive(), watcher.events
    assert watcher.connections >= 2
    revisions = [revision for revision, _ in watcher.events]
    assert revisions == sorted(set(revisions)), "no id comes twice or falls"
    changes = state_changes(watcher.events)
    assert changes[-2:] == ["RUNNING", "SUCCEEDED"] and changes.count("RUNNING") == 1, changes
    assert watcher.events[-1][1]["job"]["attempt"] == 1


def test_a_backlog_waits_for_the_worker_and_drains(fresh_buzzer):
    fresh_buzzer.worker.stop()
    ids = [fresh_buzzer.submit("demo.echo", {"n": n})["id"] for n in range(1000)]
    queue = fresh_buzzer.rest("GET", "/v1/queues/demo.echo").json()
    assert int(queue["ready"]) == 1000 and queue["workers"] == 0
    fresh_buzzer.worker.start()

    def drained():
        now = fresh_buzzer.rest("GET", "/v1/queues/demo.echo").json()
        return int(now.get("ready", 0)) == 0 and int(now.get("running", 0)) == 0

    harness.eventually(drained, what="an empty queue")
    for job_id in ids[::50]:
        assert fresh_buzzer.get(job_id)["state"] == "SUCCEEDED"
    queue = fresh_buzzer.rest("GET", "/v1/queues/demo.echo").json()
    assert int(queue["succeeded"]) == 1000


def test_cancel_ends_the_whole_tree_before_it_says_cancelled(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.tree")
    harness.eventually(lambda: len(programs.processes()) >= 3, what="the tree stands")
    answer = buzzer_with_programs.rest("POST", f"/v1/jobs/{job['id']}:cancel", json={})
    assert answer.status_code == 202 and answer.json()["state"] == "CANCELLING"
    buzzer_with_programs.wait_for_state(job["id"], "CANCELLED")
    assert programs.processes() == []


def test_a_killed_worker_leaves_nothing_and_its_job_runs_again(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.tree", lease="5s")
    harness.eventually(lambda: len(programs.processes()) >= 3, what="the tree stands")
    buzzer_with_programs.worker.kill()
    harness.eventually(lambda: programs.processes() == [], timeout=20, what="no tree")
    buzzer_with_programs.worker.start()
    again = buzzer_with_programs.wait_for_state(job["id"], "RUNNING", timeout=60)
    if again["attempt"] == 1:  # Its lease had not run out yet.
        harness.eventually(lambda: buzzer_with_programs.get(job["id"])["attempt"] == 2,
                           what="the second attempt")
    buzzer_with_programs.rest("POST", f"/v1/jobs/{job['id']}:cancel", json={})
    buzzer_with_programs.wait_for_state(job["id"], "CANCELLED")
    assert programs.processes() == []


@pytest.mark.parametrize("how", ["stopped", "paused"])
def test_an_outage_of_state_longer_than_the_lease_reruns_nothing(
        buzzer_with_programs, programs, how):
    ids = [buzzer_with_programs.submit("test.note", lease="5s")["id"] for _ in range(20)]
    for job_id in ids:
        buzzer_with_programs.wait_for_state(job_id, "RUNNING")
    harness.eventually(lambda: len(programs.runs()) == 20, what="20 running programs")
    if how == "stopped":
        buzzer_with_programs.state.stop()
        time.sleep(12)  # The outage itself: more than two leases.
        buzzer_with_programs.state.start()
    else:
        buzzer_with_programs.state.pause()
        time.sleep(12)
        buzzer_with_programs.state.resume()
    programs.go_on.touch()
    for job_id in ids:
        assert buzzer_with_programs.wait_for_state(job_id, "SUCCEEDED", "FAILED")["attempt"] == 1
    assert set(programs.runs().values()) == {1}


def test_a_worker_that_slept_past_its_lease_is_refused(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.note", lease="5s", max_attempts=1)
    buzzer_with_programs.wait_for_state(job["id"], "RUNNING")
    harness.eventually(lambda: len(programs.runs()) == 1, what="the program runs")
    buzzer_with_programs.worker.pause()
    failed = buzzer_with_programs.wait_for_state(job["id"], "FAILED")
    assert failed["error"]["reason"] == "LEASE_EXPIRED"
    programs.go_on.touch()
    buzzer_with_programs.worker.resume()
    # It hears that the lease is lost, and takes new work.
    other = buzzer_with_programs.submit("demo.echo", {"after": "sleep"})
    buzzer_with_programs.wait_for_state(other["id"], "SUCCEEDED")
    assert buzzer_with_programs.get(job["id"])["state"] == "FAILED"


def supervisors_of(worker):
    """The worker's children: their pids."""
    children = pathlib.Path(f"/proc/{worker.pid}/task").glob("*/children")
    return [int(pid) for tasks in children for pid in tasks.read_text().split()]


def test_a_worker_that_drains_leaves_no_supervisor_behind_that_is_stopped(
        buzzer_with_programs, programs):
    worker = buzzer_with_programs.worker
    job = buzzer_with_programs.submit("test.tree")
    harness.eventually(lambda: len(programs.processes()) >= 3, what="the tree stands")
    stopped = supervisors_of(worker)
    assert len(stopped) == 1
    os.kill(stopped[0], signal.SIGSTOP)
    assert worker.stop() == 0
    assert worker.events("drain_incomplete") == []
    assert programs.processes() == []
    assert not pathlib.Path(f"/proc/{stopped[0]}").exists()
    # Handed back, not failed.
    assert buzzer_with_programs.get(job["id"])["state"] == "QUEUED"
    buzzer_with_programs.rest("POST", f"/v1/jobs/{job['id']}:cancel", json={})


def test_a_supervisor_that_is_stopped_holds_no_job_for_ever(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.note")
    harness.eventually(lambda: len(programs.runs()) == 1, what="the program runs")
    os.kill(supervisors_of(buzzer_with_programs.worker)[0], signal.SIGSTOP)
    programs.go_on.touch()
    job = buzzer_with_programs.wait_for_state(job["id"], "SUCCEEDED", "FAILED")
    assert (job["state"], job["attempt"]) == ("SUCCEEDED", 1)
    told = buzzer_with_programs.worker.wait_for_event("supervisor_stood_still")
    assert told["job"] == job["id"]


def test_a_worker_waits_for_its_turn_unless_somebody_chose_its_policy(fresh_buzzer):
    ours = os.sched_getscheduler(0)
    assert policies(fresh_buzzer.worker) == {
        os.SCHED_BATCH if ours == os.SCHED_OTHER else ours}
    fresh_buzzer.worker.stop()
    fresh_buzzer.worker.command[:0] = ["chrt", "--reset-on-fork", "--other", "0"]
    fresh_buzzer.worker.start()
    assert os.SCHED_BATCH not in policies(fresh_buzzer.worker)
    job = fresh_buzzer.submit("demo.echo")
    fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")


def policies(part):
    """The scheduling policies of its threads."""
    threads = pathlib.Path(f"/proc/{part.pid}/task").iterdir()
    return {os.sched_getscheduler(int(thread.name)) for thread in threads}


def test_jobs_are_accepted_while_the_broker_is_down(own_broker):
    with harness.Set(own_broker) as buzzer:
        own_broker.stop()
        ids = [buzzer.submit("demo.echo", {"n": n})["id"] for n in range(20)]
        own_broker.start()
        for job_id in ids:
            buzzer.wait_for_state(job_id, "SUCCEEDED")


def test_state_down_answers_503_at_once_and_recovers_by_itself(fresh_buzzer):
    fresh_buzzer.state.stop()
    answer = fresh_buzzer.rest("POST", "/v1/jobs", json={"type": "demo.echo"})
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == 14
    assert fresh_buzzer.rest("GET", "/v1/queues").status_code == 503
    fresh_buzzer.state.start()
    harness.eventually(
        lambda: fresh_buzzer.rest("POST", "/v1/jobs", json={"type": "demo.echo"}).status_code
        == 202, what="a submit is accepted again")


def test_an_operator_ends_a_job_whose_worker_died_under_a_long_lease(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.note", lease="3600s")
    harness.eventually(lambda: len(programs.runs()) == 1, what="the program runs")
    buzzer_with_programs.worker.kill()
    assert buzzer_with_programs.cli("cancel", job["id"]).stdout.endswith(" CANCELLING\n")
    done = buzzer_with_programs.cli("cancel", job["id"], "--force")
    assert done.stdout == f"{job['id']} CANCELLED\n" and "FORCED: " in done.stderr
    ended = buzzer_with_programs.get(job["id"])
    assert (ended["state"], ended["error"]["reason"]) == ("CANCELLED", "FORCED")


def test_sigterm_hands_back_what_does_not_end_in_time(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.note")
    buzzer_with_programs.wait_for_state(job["id"], "RUNNING")
    harness.eventually(lambda: len(programs.runs()) == 1, what="the program runs")
    assert buzzer_with_programs.worker.stop() == 0
    back = buzzer_with_programs.get(job["id"])
    assert back["state"] == "QUEUED" and back.get("failedAttempts", 0) == 0
    programs.go_on.touch()
    buzzer_with_programs.worker.start()
    done = buzzer_with_programs.wait_for_state(job["id"], "SUCCEEDED")
    assert done["attempt"] == 2


def test_a_paused_queue_holds_its_jobs_and_resume_lets_them_go(fresh_buzzer):
    assert fresh_buzzer.rest("POST", "/v1/queues/demo.echo:pause", json={}).json()["paused"]
    job = fresh_buzzer.submit("demo.echo", 1)
    other = fresh_buzzer.submit("demo.sleep", {"seconds": 0.1, "steps": 1})
    fresh_buzzer.wait_for_state(other["id"], "SUCCEEDED")
    assert fresh_buzzer.get(job["id"])["state"] == "QUEUED"
    fresh_buzzer.rest("POST", "/v1/queues/demo.echo:resume", json={})
    fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")


def test_a_failing_job_is_retried_and_succeeds(fresh_buzzer):
    job = fresh_buzzer.submit("demo.fail", {"times": 2, "retryable": True})
    done = fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")
    assert done["attempt"] == 3
    full = fresh_buzzer.get(job["id"], view="JOB_VIEW_FULL")
    assert [event["cause"] for event in full["history"]] == [
        "SUBMITTED", "CLAIMED", "FAILED", "DUE", "CLAIMED", "FAILED", "DUE", "CLAIMED",
        "SUCCEEDED"]


def test_what_a_stopped_program_wrote_stands_in_the_error_of_every_end(buzzer_with_programs):
    set_ = buzzer_with_programs
    cancelled = set_.submit("test.complain")
    harness.eventually(lambda: "progress" in set_.get(cancelled["id"]), what="it has written")
    timed_out = set_.submit("test.complain", attemptTimeout="1s")
    overdue = set_.submit("test.complain", deadline="2s")
    set_.rest("POST", f"/v1/jobs/{cancelled['id']}:cancel", json={})
    for job, state, reason, attempts in [(cancelled, "CANCELLED", "CANCELLED", 1),
                                         (overdue, "FAILED", "DEADLINE_EXCEEDED", 1),
                                         (timed_out, "FAILED", "ATTEMPT_TIMEOUT", 2)]:
        ended = set_.wait_for_state(job["id"], state)
        assert ended["attempt"] == attempts, ended
        assert ended["error"]["reason"] == reason
        detail = ended["error"]["detail"]  # The shell may tell of its own child between them.
        assert detail.startswith("at page 3\n") and detail.endswith("giving up\n"), detail


def test_a_program_says_not_before(buzzer_with_programs):
    job = buzzer_with_programs.submit("test.away")
    waiting = buzzer_with_programs.wait_for_state(job["id"], "SCHEDULED")
    assert waiting["error"]["retryAfter"] == "3600s"
    assert seconds_between(waiting["updateTime"], waiting["runAt"]) == pytest.approx(3600, abs=1e-3)


def test_a_program_that_has_gone_burns_no_job(buzzer_with_programs, programs):
    programs.missing.unlink()
    job = buzzer_with_programs.submit("test.missing")
    waiting = buzzer_with_programs.wait_for_state(job["id"], "SCHEDULED")
    assert waiting["error"]["reason"] == "PROGRAM_NOT_STARTED"
    assert seconds_between(waiting["updateTime"], waiting["runAt"]) == pytest.approx(60, abs=1e-3)
    told = buzzer_with_programs.worker.wait_for_event("program_not_started")
    assert (told["level"], told["program"]) == ("error", str(programs.missing))


def test_a_deadline_ends_waiting_and_running_jobs(buzzer_with_programs, programs):
    waiting = buzzer_with_programs.submit("demo.echo", delay="3600s", deadline="1s")
    running = buzzer_with_programs.submit("test.note", deadline="2s")
    for job in (waiting, running):
        ended = buzzer_with_programs.wait_for_state(job["id"], "FAILED")
        assert ended["error"]["reason"] == "DEADLINE_EXCEEDED"


def test_an_attempt_that_overruns_fails_retryably(buzzer_with_programs, programs):
    job = buzzer_with_programs.submit("test.note", attemptTimeout="1s", maxAttempts=2)
    ended = buzzer_with_programs.wait_for_state(job["id"], "FAILED")
    assert ended["error"]["reason"] == "ATTEMPT_TIMEOUT" and ended["attempt"] == 2

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What services do at signals, as docs/operations.md says: however many come, in whatever order,
they end with 0 and lose nothing."""

import os
import pathlib
import random
import re
import signal

import harness
import pytest
import requests

PROGRAMS = pathlib.Path(__file__).parent / "programs"
ENDING = (signal.SIGTERM, signal.SIGINT)
ALL = (*ENDING, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Handlers:
    """A worker's file that is written again and again. Its programs wait for a file."""

    def __init__(self, directory):
        self.notes = directory / "notes"
        self.go_on = directory / "go-on"
        self.config = directory / "worker.yaml"
        self.write()

    def write(self, slots=8, drain="1h", types=("test.note",), extra=""):
        lines = [f"slots: {slots}", f"drain_timeout: {drain}", "handlers:",
                 "  - {type: demo.echo, kind: demo.echo}",
                 "  - {type: demo.sleep, kind: demo.sleep}"]
        for type_ in types:
            lines += [f"  - type: {type_}", "    kind: exec", "    grace: 1s",
                      f'    program: ["{PROGRAMS}/note_and_wait.sh", "{self.notes}", '
                      f'"{self.go_on}"]', "    content_type: application/json"]
        self.config.write_text("\n".join(lines) + "\n" + extra)

    def wait_until_run(self, count):
        """So many runs have begun."""
        harness.eventually(lambda: self.notes.exists()
                           and len(self.notes.read_text().splitlines()) >= count,
                           what=f"{count} programs run")


@pytest.fixture
def handlers(tmp_path):
    return Handlers(tmp_path)


@pytest.fixture
def buzzer_(broker, handlers):
    with harness.Set(broker, worker_config=handlers.config) as running:
        yield running


def supervisors_of(worker):
    children = pathlib.Path(f"/proc/{worker.pid}/task").glob("*/children")
    return [int(pid) for tasks in children for pid in tasks.read_text().split()]


def ends_elsewhere(buzzer, jobs):
    """Each job runs to its end on the next worker, and no attempt of it counts as failed."""
    for job in jobs:
        stands = buzzer.get(job["id"])
        assert stands["state"] == "QUEUED" and stands.get("failedAttempts", 0) == 0, stands
    buzzer.new_worker("worker2").start()
    for job in jobs:
        done = buzzer.wait_for_state(job["id"], "SUCCEEDED", "FAILED")
        assert (done["state"], done["attempt"]) == ("SUCCEEDED", 2), done


@pytest.mark.parametrize("first", ENDING)
@pytest.mark.parametrize("second", ENDING)
def test_a_second_signal_hands_back_at_once_and_nothing_is_lost(buzzer_, handlers, first, second):
    jobs = [buzzer_.submit("test.note", maxAttempts=1),
            buzzer_.submit("demo.sleep", {"seconds": 4, "steps": 1}, maxAttempts=1)]
    handlers.wait_until_run(1)
    buzzer_.wait_for_state(jobs[1]["id"], "RUNNING")
    buzzer_.worker.signal(first)
    buzzer_.worker.wait_for_event("draining")
    buzzer_.worker.signal(second)
    buzzer_.worker.wait_for_event("handing_back", signal=second)
    assert buzzer_.worker.join() == 0
    handlers.go_on.touch()
    ends_elsewhere(buzzer_, jobs)


@pytest.mark.parametrize("seed", range(4))
def test_a_worker_hands_back_and_ends_with_0_in_any_storm(buzzer_, handlers, seed):
    dice = random.Random(seed)
    jobs = [buzzer_.submit("test.note", maxAttempts=1) for _ in range(4)]
    handlers.wait_until_run(4)
    for number in dice.choices(ALL, k=10):
        buzzer_.worker.signal(number)
    buzzer_.worker.signal(signal.SIGTERM)
    buzzer_.worker.wait_for_event("draining")
    for number in [*dice.choices(ALL, k=10), dice.choice(ENDING)]:
        buzzer_.worker.signal(number)
    assert buzzer_.worker.join() == 0
    assert buzzer_.worker.events("drain_incomplete") == []
    handlers.go_on.touch()
    ends_elsewhere(buzzer_, jobs)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", ["state", "frontend"])
def test_state_and_frontend_end_with_0_in_any_storm(fresh_buzzer, name, seed):
    jobs = [fresh_buzzer.submit("demo.sleep", {"seconds": 2, "steps": 1}) for _ in range(5)]
    part = getattr(fresh_buzzer, name)
    dice = random.Random(seed)
    for number in [signal.SIGTERM, *dice.choices(ALL, k=20)]:
        part.signal(number)
    assert part.join() == 0
    part.start()
    for job in jobs:
        fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")


def test_term_to_every_process_that_is_ours_drains_like_term_to_the_worker(buzzer_, handlers):
    jobs = [buzzer_.submit("test.note", maxAttempts=1) for _ in range(3)]
    handlers.wait_until_run(3)
    supervisors = supervisors_of(buzzer_.worker)
    assert len(supervisors) == 3
    for pid in (*supervisors, buzzer_.worker.pid, *supervisors):
        os.kill(pid, signal.SIGTERM)
    buzzer_.worker.wait_for_event("draining", running=3)
    handlers.go_on.touch()
    assert buzzer_.worker.join() == 0
    for job in jobs:
        done = buzzer_.get(job["id"])
        assert (done["state"], done["attempt"]) == ("SUCCEEDED", 1)
    assert buzzer_.worker.events("attempt_stopping") == []


def test_hangup_usr1_and_usr2_leave_state_and_frontend_as_they_are(fresh_buzzer):
    for part in (fresh_buzzer.state, fresh_buzzer.frontend):
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP):
            part.signal(number)
        part.wait_for_event("hangup_ignored")
    job = fresh_buzzer.submit("demo.echo", 1)
    fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")


def test_the_gateway_ends_with_0_at_once_and_cuts_its_connections(fresh_buzzer):
    gateway = fresh_buzzer.gateway
    job = fresh_buzzer.submit("demo.sleep", {"seconds": 600})
    for signals in ([signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM, signal.SIGTERM],
                    [signal.SIGINT, signal.SIGTERM], [signal.SIGTERM, signal.SIGINT],
                    [signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGHUP]):
        with requests.get(f"{fresh_buzzer.base_url}/v1/jobs/{job['id']}:watch", stream=True,
                          timeout=harness.WAIT_SECONDS) as watch:
            assert watch.status_code == 200
            for number in signals:
                gateway.signal(number)
            assert gateway.join() == 0, signals
            with pytest.raises(requests.exceptions.RequestException):
                list(watch.iter_content(None))
        gateway.start()
    fresh_buzzer.wait_for_state(job["id"], "RUNNING")
    fresh_buzzer.rest("POST", f"/v1/jobs/{job['id']}:cancel")
    fresh_buzzer.wait_for_state(job["id"], "CANCELLED")


def test_hangup_and_usr1_leave_the_gateway_as_it_is_and_usr2_ends_it(fresh_buzzer):
    gateway = fresh_buzzer.gateway
    for number in (signal.SIGHUP, signal.SIGUSR1):
        gateway.signal(number)
    job = fresh_buzzer.submit("demo.echo", 1)
    fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")
    assert gateway.running()
    gateway.signal(signal.SIGUSR2)
    assert gateway.join() == -signal.SIGUSR2
    gateway.start()
    assert fresh_buzzer.get(job["id"])["state"] == "SUCCEEDED"


# --- The worker's file, read again

def reload(buzzer, event="reloaded", **fields):
    since = buzzer.worker.mark()
    buzzer.worker.signal(signal.SIGHUP)
    return buzzer.worker.wait_for_event(event, since=since, **fields)


def test_a_hangup_takes_handlers_that_are_new_and_leaves_those_that_are_gone(buzzer_, handlers):
    old = buzzer_.submit("test.note", maxAttempts=1)
    handlers.wait_until_run(1)
    handlers.write(slots=3, types=["test.more"])
    assert reload(buzzer_, slots=3)["handlers"] == 3
    buzzer_.wait_for_types("test.more")
    waiting = buzzer_.submit("test.note")
    fresh = buzzer_.submit("test.more")
    handlers.wait_until_run(2)
    handlers.go_on.touch()
    done = buzzer_.wait_for_state(old["id"], "SUCCEEDED")
    assert done["attempt"] == 1, "what ran went on under its handler"
    buzzer_.wait_for_state(fresh["id"], "SUCCEEDED")
    assert "buzzer_worker_slots 3" in buzzer_.metrics("worker")
    assert buzzer_.get(waiting["id"])["state"] == "QUEUED"
    handlers.write(types=["test.note"])
    reload(buzzer_)
    buzzer_.wait_for_state(waiting["id"], "SUCCEEDED")


def test_a_hangup_takes_a_handlers_new_program_for_the_next_attempt(buzzer_, handlers):
    handlers.write(types=[], extra="  - {type: test.say, kind: exec, program: [/bin/echo, '1']}\n")
    reload(buzzer_)
    buzzer_.wait_for_types("test.say")
    for words in ("1", "2"):
        job = buzzer_.submit("test.say")
        buzzer_.wait_for_state(job["id"], "SUCCEEDED")
        assert buzzer_.rest("GET", f"/v1/jobs/{job['id']}/result").text == f"{words}\n"
        handlers.write(types=[],
                       extra="  - {type: test.say, kind: exec, program: [/bin/echo, '2']}\n")
        reload(buzzer_)


@pytest.mark.parametrize("spoil, says", [
    (lambda config: config.write_text("slots: many\nhandlers: []\n"),
     r'worker\.yaml:1: "slots" must be a whole number.*\n.*worker\.yaml:2: "handlers" must be'),
    (lambda config: config.write_text("slots: [\n"), r"worker\.yaml"),
    (lambda config: config.unlink(), r"worker\.yaml"),
    (lambda config: (config.unlink(), config.mkdir()), r"worker\.yaml"),
], ids=["faulty", "no YAML", "gone", "a directory"])
def test_a_hangup_with_a_file_that_is_not_right_says_so_and_changes_nothing(
        buzzer_, handlers, spoil, says):
    running = buzzer_.submit("test.note", maxAttempts=1)
    handlers.wait_until_run(1)
    spoil(handlers.config)
    for _ in range(2):
        told = reload(buzzer_, "reload_refused", level="error")
        assert re.search(says, told["error"], re.S), told
    next_ = buzzer_.submit("test.note")
    handlers.wait_until_run(2)
    handlers.go_on.touch()
    for job in (running, next_):
        assert buzzer_.wait_for_state(job["id"], "SUCCEEDED")["attempt"] == 1


def test_a_hangup_while_it_drains_changes_nothing(buzzer_, handlers):
    job = buzzer_.submit("test.note", maxAttempts=1)
    handlers.wait_until_run(1)
    buzzer_.worker.signal(signal.SIGTERM)
    buzzer_.worker.wait_for_event("draining")
    handlers.write(drain="0s", types=["test.more"])
    reload(buzzer_, "reload_ignored")
    handlers.go_on.touch()
    assert buzzer_.worker.join() == 0
    assert buzzer_.get(job["id"])["state"] == "SUCCEEDED"
    assert buzzer_.worker.events("reloaded") == []

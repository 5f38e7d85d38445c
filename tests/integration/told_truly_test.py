# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What callers and operators are told of jobs that nobody takes, of workers that take nothing, and
of what happened to jobs."""

import contextlib
import queue
import re

import grpc

import harness


def metric(buzzer, name, **labels):
    """The value of a series of state, or None."""
    want = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    for line in buzzer.metrics("state").splitlines():
        if match := re.fullmatch(rf"{name}(?:\{{(.*)\}})? (\S+)", line):
            if ",".join(sorted((match[1] or "").split(","))) == want:
                return float(match[2])
    return None


def field(number, content):
    """A field of a message that has a length, below 128 bytes."""
    assert len(content) < 128
    return bytes([number << 3 | 2, len(content)]) + content


def hello(worker, job_type, prefix=b"", problem=b""):
    """A WorkRequest with the Hello of a worker that serves one type, in the queue of its name."""
    served = field(1, job_type) + field(2, job_type)
    slots = field(1, job_type) + bytes([3 << 3, 4]) + field(4, problem)
    return field(1, field(1, worker) + field(2, served) + bytes([3 << 3, 4]) + field(4, slots) +
                 field(7, prefix))


class Worker:
    """A worker's line to state: what it said last holds until it is closed."""

    def __init__(self, buzzer):
        self._said = queue.Queue()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{buzzer.state_port}")
        self._answers = self._channel.stream_stream("/buzzer.internal.v1.WorkService/Work")(
            iter(self._said.get, None), timeout=harness.WAIT_SECONDS)

    def say(self, message):
        self._said.put(message)

    def hear(self):
        return next(self._answers)

    def close(self):
        self._said.put(None)
        self._answers.cancel()
        self._channel.close()


@contextlib.contextmanager
def worker_line(buzzer):
    worker = Worker(buzzer)
    try:
        yield worker
    finally:
        worker.close()


def test_a_job_that_nobody_takes_says_so_until_a_worker_comes(fresh_buzzer):
    fresh_buzzer.worker.stop()
    job = fresh_buzzer.submit("demo.echo", 1)
    assert job["waitReason"] == "NO_WORKER"
    assert fresh_buzzer.get(job["id"])["waitReason"] == "NO_WORKER"
    listed = fresh_buzzer.rest("GET", "/v1/jobs").json()["jobs"]
    assert [each["waitReason"] for each in listed] == ["NO_WORKER"]
    words = "no connected worker takes jobs of type demo.echo"
    assert words in fresh_buzzer.cli("submit", "demo.echo").stderr
    assert words in fresh_buzzer.cli("get", job["id"]).stdout
    assert words in fresh_buzzer.cli("list").stdout
    watched = fresh_buzzer.cli("submit", "demo.echo", "--watch", "--timeout", "2s")
    assert watched.returncode == 5 and re.search(f"QUEUED +{words}", watched.stdout)
    assert metric(fresh_buzzer, "buzzer_queue_unserved_jobs", queue="demo.echo") == 3
    assert metric(fresh_buzzer, "buzzer_queue_workers", queue="demo.echo") == 0
    fresh_buzzer.worker.start()
    done = fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")
    assert done["waitReason"] == "WAIT_REASON_UNSPECIFIED"
    assert metric(fresh_buzzer, "buzzer_queue_unserved_jobs", queue="demo.echo") == 0
    assert metric(fresh_buzzer, "buzzer_queue_workers", queue="demo.echo") == 1


def test_a_job_of_a_paused_queue_says_so(fresh_buzzer):
    fresh_buzzer.rest("POST", "/v1/queues/demo.echo:pause")
    job = fresh_buzzer.submit("demo.echo", 1)
    assert job["waitReason"] == "QUEUE_PAUSED"
    assert "queue demo.echo is paused" in fresh_buzzer.cli("get", job["id"]).stdout
    fresh_buzzer.rest("POST", "/v1/queues/demo.echo:resume")
    fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")


def test_a_worker_that_takes_nothing_is_not_counted_and_says_why(fresh_buzzer):
    with worker_line(fresh_buzzer) as worker:
        worker.say(hello(b"lost-1", b"told.type", prefix=b"bazzer"))
        answer = worker.hear()
        assert b'its --broker_queue_prefix is "bazzer"' in answer
        harness.eventually(lambda: fresh_buzzer.rest("GET", "/v1/queues/told.type").status_code
                           == 200, what="a known queue")
        told = fresh_buzzer.rest("GET", "/v1/queues/told.type").json()
        assert (told["workers"], told["slots"], told["stalledWorkers"]) == (0, 0, 1)
        assert told["stallReason"].startswith('lost-1: its --broker_queue_prefix is "bazzer"')
        assert fresh_buzzer.submit("told.type")["waitReason"] == "NO_WORKER"
        assert "TAKE NOTHING" in fresh_buzzer.cli("queues").stdout
        assert "lost-1: its --broker" in fresh_buzzer.cli("queues", "get", "told.type").stdout
        assert metric(fresh_buzzer, "buzzer_queue_stalled_workers", queue="told.type") == 1
        assert metric(fresh_buzzer, "buzzer_state_workers") == 2
        assert metric(fresh_buzzer, "buzzer_state_workers_stalled") == 1
        line = fresh_buzzer.state.wait_for_event("worker_takes_nothing")
        assert "broker_queue_prefix" in line["error"]
        # It says that all is well: state has nothing to say against it any more.
        worker.say(hello(b"lost-1", b"told.type"))
        assert b"prefix" not in worker.hear()
        told = fresh_buzzer.rest("GET", "/v1/queues/told.type").json()
        assert (told["workers"], told["stalledWorkers"]) == (1, 0)
        worker.say(hello(b"lost-1", b"told.type", problem=b"the broker refuses the password"))
        harness.eventually(lambda: fresh_buzzer.rest("GET", "/v1/queues/told.type").json()
                           ["stallReason"] == "lost-1: the broker refuses the password",
                           what="the queue's problem")


def test_state_tells_what_happened_to_jobs(fresh_buzzer):
    assert metric(fresh_buzzer, "buzzer_state_leases_lost_total", queue="demo.sleep") == 0
    failed = fresh_buzzer.submit("demo.fail", {"times": 9, "retryable": False})
    retried = fresh_buzzer.submit("demo.fail", {"times": 1, "retryable": True})
    lost = fresh_buzzer.submit("demo.sleep", {"seconds": 600}, lease="5s", maxAttempts=1)
    fresh_buzzer.wait_for_state(failed["id"], "FAILED")
    fresh_buzzer.wait_for_state(retried["id"], "SUCCEEDED")
    fresh_buzzer.wait_for_state(lost["id"], "RUNNING")
    fresh_buzzer.worker.kill()
    fresh_buzzer.wait_for_state(lost["id"], "FAILED")
    for name, labels, value in [
            ("buzzer_state_jobs_ended_total", {"queue": "demo.fail", "state": "failed"}, 1),
            ("buzzer_state_jobs_ended_total", {"queue": "demo.fail", "state": "succeeded"}, 1),
            ("buzzer_state_retries_total", {"queue": "demo.fail"}, 1),
            ("buzzer_state_leases_lost_total", {"queue": "demo.sleep"}, 1),
            ("buzzer_state_attempts_failed_total",
             {"queue": "demo.sleep", "reason": "LEASE_EXPIRED"}, 1)]:
        assert metric(fresh_buzzer, name, **labels) == value, (name, labels)


def test_a_full_store_tells_its_operator(broker):
    with harness.Set(broker, state_flags=["--max_waiting", "1"]) as buzzer:
        assert metric(buzzer, "buzzer_state_store_full", reason="waiting_jobs") == 0
        for reason in ("waiting_jobs", "disk_low", "disk_full", "queue_full"):
            assert metric(buzzer, "buzzer_state_submits_refused_total", reason=reason) == 0
        assert metric(buzzer, "buzzer_state_disk_free_bytes") > 0
        assert metric(buzzer, "buzzer_state_disk_floor_bytes") == 256 << 20
        buzzer.submit("demo.echo", delay="3600s")
        for _ in range(3):
            answer = buzzer.rest("POST", "/v1/jobs", json={"type": "demo.echo"})
            assert answer.status_code == 503 and "limit of 1 waiting jobs" in answer.text
        line = buzzer.state.wait_for_event("store_full")
        assert (line["reason"], line["why"]) == ("waiting_jobs",
                                                 "the limit of 1 waiting jobs is reached")
        assert len(buzzer.state.events("store_full")) == 1
        assert metric(buzzer, "buzzer_state_store_full", reason="waiting_jobs") == 1
        assert metric(buzzer, "buzzer_state_submits_refused_total", reason="waiting_jobs") == 3
        assert metric(buzzer, "buzzer_state_store_full", reason="disk") == 0


def test_dead_types_and_queues_are_forgotten_until_a_worker_brings_them_back(fresh_buzzer):
    fresh_buzzer.submit("demo.fail", {"times": 9, "retryable": False})
    fresh_buzzer.wait_for_state(
        fresh_buzzer.submit("demo.echo", 1)["id"], "SUCCEEDED")
    waiting = fresh_buzzer.submit("demo.sleep", {"seconds": 0}, delay="3600s")
    fresh_buzzer.worker.stop()
    harness.eventually(
        lambda: fresh_buzzer.cli("types", "delete", "demo.echo").returncode == 0,
        what="a worker that is gone")
    refused = fresh_buzzer.rest("POST", "/v1/jobs", json={"type": "demo.echo"})
    assert refused.status_code == 400 and "UNKNOWN_TYPE" in refused.text
    assert fresh_buzzer.cli("queues", "delete", "demo.echo").returncode == 0
    assert fresh_buzzer.rest("GET", "/v1/queues/demo.echo").status_code == 404
    done = fresh_buzzer.cli("queues", "delete", "demo.sleep")
    assert done.returncode == 6 and "jobs that are not finished" in done.stderr
    assert fresh_buzzer.rest("POST", f"/v1/jobs/{waiting['id']}:cancel").status_code == 200
    assert fresh_buzzer.cli("queues", "delete", "demo.sleep").returncode == 0
    fresh_buzzer.state.kill()
    fresh_buzzer.state.start()
    harness.eventually(lambda: fresh_buzzer.rest("GET", "/v1/queues").status_code == 200,
                       what="state is back")
    names = [each["name"] for each in fresh_buzzer.rest("GET", "/v1/queues").json()["queues"]]
    assert "queues/demo.fail" in names
    assert "queues/demo.echo" not in names and "queues/demo.sleep" not in names
    assert fresh_buzzer.get(waiting["id"])["state"] == "CANCELLED", "ended jobs stay"
    fresh_buzzer.worker.start()
    fresh_buzzer.wait_for_types("demo.echo", "demo.sleep")
    job = fresh_buzzer.submit("demo.echo", 2)
    fresh_buzzer.wait_for_state(job["id"], "SUCCEEDED")

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A worker that takes nothing is not ready, and says why."""

import subprocess

import harness
import pytest


class Probed:
    """A worker with a port for probes."""

    def __init__(self, buzzer, *flags):
        self.health = f"127.0.0.1:{harness.free_port()}"
        self.part = buzzer.new_worker("probed")
        self.metrics = f"127.0.0.1:{harness.free_port()}"
        # Of a flag given twice, the last counts.
        self.part.command += ["--health_address", self.health, "--metrics_address", self.metrics,
                              *flags]

    def probe(self):
        """What buzzer-health says; empty if all is well."""
        done = subprocess.run([harness.BIN_DIR / "buzzer-health", f"--worker={self.health}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=harness.WAIT_SECONDS)
        assert done.returncode == (1 if done.stderr else 0)
        return done.stderr

    def gauges(self):
        """buzzer_worker_... by name and labels."""
        lines = harness.requests.get(f"http://{self.metrics}/metrics",
                                     timeout=harness.WAIT_SECONDS).text.splitlines()
        return {name: float(value) for name, value in
                (line.rsplit(" ", 1) for line in lines if line.startswith("buzzer_worker_"))}

    def wait_until_ready(self):
        self.part.wait_for_event("ready")
        harness.eventually(lambda: self.probe() == "", what="the probe is content")


def problems(gauges):
    return {reason for reason in ("state", "broker", "queue", "refused", "draining")
            if gauges[f'buzzer_worker_problems{{reason="{reason}"}}']}


def test_a_worker_is_ready_once_it_consumes(fresh_buzzer):
    worker = Probed(fresh_buzzer)
    worker.part.start()
    worker.wait_until_ready()
    harness.eventually(lambda: problems(worker.gauges()) == set(), what="every queue is consumed")
    gauges = worker.gauges()
    assert gauges["buzzer_worker_ready"] == 1
    assert gauges['buzzer_worker_queue_taken{queue="demo.echo"}'] == 1
    assert worker.part.events("not_ready") == []
    worker.part.stop()


def test_a_worker_of_another_prefix_is_not_ready(fresh_buzzer):
    worker = Probed(fresh_buzzer, "--broker_queue_prefix", "elsewhere")
    worker.part.start()
    told = worker.part.wait_for_event("not_ready")
    assert "elsewhere" in told["error"], "state says so, or the broker, whichever comes first"
    harness.eventually(lambda: "takes no jobs" in worker.probe(), what="it says what is missing")
    harness.eventually(lambda: "queue" in problems(worker.gauges()), what="no queue is there")
    gauges = worker.gauges()
    assert gauges["buzzer_worker_ready"] == 0
    assert gauges["buzzer_worker_broker_up"] == 1
    assert "queue" in problems(gauges)
    assert gauges['buzzer_worker_queue_taken{queue="demo.echo"}'] == 0
    assert worker.part.events("ready") == []
    worker.part.stop()


@pytest.mark.parametrize(("url", "why"),
                         [("amqp://guest:wrong@127.0.0.1:{port}/", "ACCESS_REFUSED"),
                          ("amqp://guest:guest@127.0.0.1:1/", "127.0.0.1:1")],
                         ids=["wrong password", "nobody listens"])
def test_a_worker_without_a_broker_is_not_ready_and_says_why(fresh_buzzer, url, why):
    worker = Probed(fresh_buzzer)
    worker.part.environment["BUZZER_BROKER_URL"] = url.format(port=fresh_buzzer.broker.port)
    worker.part.start()
    assert why in worker.part.wait_for_event("not_ready")["error"]
    assert "not connected to the broker" in worker.probe()

    def queue():
        return fresh_buzzer.rest("GET", "/v1/queues/demo.echo").json()

    harness.eventually(lambda: queue().get("stalledWorkers") == 1, what="state hears of it")
    harness.eventually(lambda: why in queue()["stallReason"], what="and of why")
    assert "wrong" not in queue()["stallReason"], "the password is told to nobody"
    gauges = worker.gauges()
    assert gauges["buzzer_worker_ready"] == 0 and "broker" in problems(gauges)
    worker.part.stop()


def test_a_worker_is_not_ready_while_its_broker_is_away(own_broker):
    with harness.Set(own_broker) as buzzer:
        worker = Probed(buzzer)
        worker.part.start()
        worker.wait_until_ready()
        since = worker.part.mark()
        own_broker.stop()
        told = worker.part.wait_for_event("not_ready", since=since)
        assert "not connected to the broker" in told["error"]
        assert "not connected to the broker" in worker.probe()
        own_broker.start()
        worker.part.wait_for_event("ready", since=since)
        worker.part.stop()


def test_a_worker_that_drains_is_not_ready(fresh_buzzer):
    worker = Probed(fresh_buzzer)
    worker.part.start()
    worker.wait_until_ready()
    fresh_buzzer.worker.stop()
    job = fresh_buzzer.submit("demo.sleep", {"seconds": 600, "steps": 1})
    fresh_buzzer.wait_for_state(job["id"], "RUNNING")
    worker.part.signal(harness.signal.SIGTERM)
    worker.part.wait_for_event("draining")
    assert "takes no jobs" in worker.probe()
    worker.part.signal(harness.signal.SIGTERM)
    assert worker.part.join() == 0
    fresh_buzzer.rest("POST", f"/v1/jobs/{job['id']}:cancel", json={})

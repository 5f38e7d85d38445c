# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What a worker takes next: docs/intake.md, on the real system."""

import collections
import datetime

import pytest

import harness

PRIORITIES = ["HIGH", "NORMAL", "LOW"]


def system(broker, tmp_path, slots, handlers, **options):
    """A Set whose worker has these slots and handlers: (type, queue, concurrency)."""
    lines = [f"slots: {slots}", "drain_timeout: 100ms", "handlers:"]
    for job_type, queue, concurrency in handlers:
        lines += [f"  - type: {job_type}", f"    kind: {job_type}", f"    queue: {queue}",
                  f"    concurrency: {concurrency}"]
    config = tmp_path / "worker.yaml"
    config.write_text("\n".join(lines) + "\n")
    return harness.Set(broker, worker_config=config, **options)


def submit_all(buzzer, jobs):
    """Submits (type, payload, fields) in one batch; returns the ids."""
    requests = [{"type": job_type, "payload": payload, **fields}
                for job_type, payload, fields in jobs]
    answer = buzzer.rest("POST", "/v1/jobs:batchSubmit", json={"requests": requests}).json()
    return [result["job"]["id"] for result in answer["results"]]


def started(job):
    return datetime.datetime.fromisoformat(job["startTime"].replace("Z", "+00:00"))


def order_of_starts(buzzer, ids):
    """The jobs in the order in which they started."""
    return sorted((buzzer.wait_for_state(job_id, "SUCCEEDED") for job_id in ids), key=started)


@pytest.mark.parametrize("workers, slots, concurrency", [
    (1, 1, 1), (1, 4, 4), (1, 8, 8), (2, 2, 2), (3, 1, 1), (1, 12, 1)])
def test_shares_are_six_three_and_one(broker, tmp_path, record_property, workers, slots,
                                      concurrency):
    """While all three wait: of any ten, over all workers one for each more or less (J1, O3)."""
    sleep = [("demo.sleep", "demo.sleep", concurrency), ("demo.echo", "demo.echo", slots)]
    with system(broker, tmp_path, slots, sleep) as buzzer:
        for number in range(1, workers):
            buzzer.new_worker(f"worker{number}").start()
        buzzer.rest("POST", "/v1/queues/demo.sleep:pause", json={})
        jobs = [("demo.sleep", {"seconds": 0.1}, {"priority": priority})
                for _ in range(30) for priority in PRIORITIES]
        ids = submit_all(buzzer, jobs)
        buzzer.rest("POST", "/v1/queues/demo.sleep:resume", json={})
        first = [job["priority"] for job in order_of_starts(buzzer, ids)][:40]
    counts = collections.Counter(first)
    record_property("shares", dict(counts))
    print(f"{workers} workers of {slots} slots, {concurrency} at once: {dict(counts)} of 40")
    # What starts at the same moment may stand in any order, on each worker.
    at_once = workers * min(slots, concurrency) + workers
    for priority, share in zip(PRIORITIES, (24, 12, 4)):
        assert abs(counts[priority] - share) <= at_once, counts


def test_a_full_type_stands_in_nobodys_way(broker, tmp_path):
    """Thirty of a type that runs one at a time, then another in the same queue (J2)."""
    handlers = [("demo.sleep", "shared", 1), ("demo.echo", "shared", 12)]
    with system(broker, tmp_path, 12, handlers) as buzzer:
        submit_all(buzzer, [("demo.sleep", {"seconds": 3600}, {})] * 30)
        echoes = submit_all(buzzer, [("demo.echo", 1, {})] * 5)
        for echo in echoes:
            buzzer.wait_for_state(echo, "SUCCEEDED")


def test_free_slots_are_used_beside_a_type_that_is_full_for_long(broker, tmp_path):
    """A long sleep, a waiting one, seconds later another type (O2)."""
    handlers = [("demo.sleep", "shared", 1), ("demo.echo", "shared", 8)]
    with system(broker, tmp_path, 8, handlers) as buzzer:
        long, waiting = submit_all(buzzer, [("demo.sleep", {"seconds": 3600}, {})] * 2)
        buzzer.wait_for_state(long, "RUNNING")
        echo = buzzer.submit("demo.echo", 1)["id"]
        buzzer.wait_for_state(echo, "SUCCEEDED")
        assert buzzer.get(waiting)["state"] == "QUEUED"


def test_an_idle_worker_gets_what_lies_at_a_full_one(broker, tmp_path):
    handlers = [("demo.sleep", "demo.sleep", 2), ("demo.echo", "demo.echo", 2)]
    with system(broker, tmp_path, 2, handlers) as buzzer:
        ids = submit_all(buzzer, [("demo.sleep", {"seconds": 3600}, {})] * 4)
        for job_id in ids[:2]:
            buzzer.wait_for_state(job_id, "RUNNING")
        # The other two lie at the first worker, unclaimed.
        buzzer.new_worker("second").start()
        for job_id in ids[2:]:
            buzzer.wait_for_state(job_id, "RUNNING")
        names = {buzzer.get(job_id)["worker"] for job_id in ids}
        assert len(names) == 2


def test_a_brokers_delivery_limit_is_never_reached(broker, tmp_path):
    """A broker counts what comes back to it, and drops it at its limit (J10)."""
    handlers = [("demo.sleep", "demo.sleep", 1), ("demo.echo", "demo.echo", 1)]
    broker.ctl("set_policy", "limit", "demo.sleep", '{"delivery-limit": 1}', "--apply-to", "queues")
    try:
        with system(broker, tmp_path, 1, handlers) as buzzer:
            buzzer.new_worker("second").start()
            ids = submit_all(buzzer, [("demo.sleep", {"seconds": 1.5}, {"priority": priority})
                                      for priority in PRIORITIES for _ in range(4)])
            for job_id in ids:
                buzzer.wait_for_state(job_id, "SUCCEEDED")
            assert not buzzer.state.events("broker_lost_messages")
    finally:
        broker.ctl("clear_policy", "limit")

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What the plot shows: throughput and latency against offered load, and drain against backlog."""

import tempfile
import time

import harness
from measure import Meter, Result, slots

RATES = (250, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000)  # Calls a second, open loop.
SECONDS = 5
BACKLOGS = (1000, 10_000, 50_000, 200_000)
MOST_IN_FLIGHT = 2000


def curve(broker, options, load, slot_count):
    result = Result()
    with tempfile.TemporaryDirectory() as directory, slots(directory, slot_count) as config, \
            harness.Set(broker, follow_logs=False, worker_config=config) as system:
        system.wait_for_types("demo.echo")
        load(system, 2000)  # To warm up.
        for _ in range(options.rounds):
            for rate in RATES:
                jobs = max(1, int(rate * SECONDS * options.scale))
                figures = load(system, jobs, f"--rate={rate}", f"--in_flight={MOST_IN_FLIGHT}")
                result.add(f"accepted at {rate}/s", "jobs/s", figures["jobs_per_second"])
                result.add(f"p99 at {rate}/s", "ms", figures["latency_ms"]["p99"])
                _wait_until_done(system)
            for backlog in BACKLOGS:
                jobs = max(1, int(backlog * options.scale))
                _set_paused(system, True)
                load(system, jobs, "--batch=500", "--in_flight=4")
                with Meter() as meter:
                    _set_paused(system, False)
                    _wait_until_done(system)
                result.add(f"drain of {backlog}", "jobs/s", jobs / meter.seconds)
    return result


def _set_paused(system, paused):
    verb = "pause" if paused else "resume"
    answer = system.rest("POST", f"/v1/queues/demo.echo:{verb}", json={})
    assert answer.status_code == 200, answer.text


def _wait_until_done(system):
    while True:
        queue = system.rest("GET", "/v1/queues/demo.echo").json()
        if not int(queue["ready"]) and not int(queue["running"]):
            return
        time.sleep(0.02)

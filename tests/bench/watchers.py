# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""P6: many watchers on one frontend."""

import json
import subprocess
import time

import harness
from measure import Result, cpu_seconds, resident_mib

CONNECTIONS = 100
STREAMS = 100
REST_SECONDS = 10


def watchers(broker, options):
    """P6: what each takes in the frontend, what they cost at rest, and how soon all are told."""
    result = Result()
    for _ in range(options.rounds):
        # A new set each: what a frontend has grown to once it keeps.
        with harness.Set(broker, follow_logs=False) as system:
            system.wait_for_types("demo.echo")
            _round(result, system, max(1, int(CONNECTIONS * options.scale)))
    return result


def _round(result, system, connections):
    frontend = system.frontend.pid
    before = resident_mib(frontend)
    with subprocess.Popen(
            [harness.BIN_DIR / "buzzer-watchers", "--address", system.address,
             f"--connections={connections}", f"--streams={STREAMS}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout.readline() == "open\n"
            count = connections * STREAMS
            result.add("frontend, each watcher", "KiB",
                       (resident_mib(frontend) - before) * 1024 / count)
            time.sleep(2)  # For the rest of the opening.
            used = cpu_seconds(frontend)
            time.sleep(REST_SECONDS)
            result.add("frontend CPU at rest", "% of a core",
                       (cpu_seconds(frontend) - used) / REST_SECONDS * 100)
            figures = json.loads(watching.communicate("end\n", timeout=120)[0])
        except BaseException:
            watching.kill()
            raise
    assert figures["watches"] == count and not figures["broken"], figures
    result.add("cancel -> all told", "ms", figures["seconds_until_all_told"] * 1000)

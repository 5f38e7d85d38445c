# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What one job costs, by part: CPU, bytes to the disk, commits and broker messages."""

import pathlib
import re
import subprocess
import tempfile

import harness
from measure import Result, cpu_seconds, slots

JOBS = 40_000


def cost(broker, options, end_to_end, ways, slot_count):
    """`ways`: flags of buzzer-load by name."""
    result = Result()
    jobs = int(JOBS * options.scale)
    with tempfile.TemporaryDirectory() as directory, slots(directory, slot_count) as config, \
            harness.Set(broker, follow_logs=False, worker_config=config) as system:
        system.wait_for_types("demo.echo")
        parts = {name: [getattr(system, name).pid] for name in ("frontend", "state", "worker")}
        parts["broker"] = _tree(int((broker.directory / "node.pid").read_text()))
        end_to_end(system, jobs // 10, *next(iter(ways.values())))
        for _ in range(options.rounds):
            for name, flags in ways.items():
                before = _figures(system, parts)
                _, rate, machine = end_to_end(system, jobs, *flags)
                result.add(f"{name}, done", "jobs/s", rate)
                result.add(f"{name}, whole machine", "CPU s per 1000", machine)
                for (what, unit), value in _figures(system, parts).items():
                    result.add(f"{name}, {what}", f"{unit} per 1000",
                               (value - before[what, unit]) / jobs * 1000)
    return result


def _figures(system, parts):
    figures = {(f"{name}", "CPU s"): sum(map(cpu_seconds, pids)) for name, pids in parts.items()}
    for name in ("state", "broker"):
        figures[f"{name} to disk", "KiB"] = sum(map(_written, parts[name])) / 1024
    metrics = system.metrics("state")
    for what, metric in (("commits", "buzzer_state_commit_seconds_count"),
                         ("broker messages", "buzzer_state_dispatches_total")):
        figures[what, "times"] = float(re.search(rf"^{metric} (\S+)$", metrics, re.M).group(1))
    return figures


def _written(pid):
    text = pathlib.Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    return int(re.search(r"^write_bytes: (\d+)$", text, re.M).group(1))


def _tree(pid):
    """The process and its descendants."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True,
                              check=False).stdout.split()
    return [pid, *(one for child in children for one in _tree(int(child)))]

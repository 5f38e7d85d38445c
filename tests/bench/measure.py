# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Time, CPU and memory of the machine and of processes; and series of measurements."""

import contextlib
import os
import pathlib
import statistics
import time

TICKS = os.sysconf("SC_CLK_TCK")


def machine_cpu_seconds():
    """That all processes of the machine have used: user, nice, system, interrupts."""
    fields = pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    return sum(int(fields[at]) for at in (1, 2, 3, 6, 7)) / TICKS


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Meter:
    """Seconds, and the machine's CPU seconds, of a with block."""

    def __enter__(self):
        self._began, self._cpu = time.monotonic(), machine_cpu_seconds()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._began
        self.cpu_seconds = machine_cpu_seconds() - self._cpu


class Result:
    """Series by name, each with a unit; and ratios of medians of two of them."""

    def __init__(self):
        self._series = {}
        self._units = {}
        self._ratios = []

    def add(self, name, unit, value):
        self._series.setdefault(name, []).append(value)
        self._units[name] = unit

    def ratio(self, of, to, target):
        """`target`: as the issue states it, e.g. ">= 0.4"."""
        # Of each round by itself: the machine's speed changes from one to the next.
        each = [a / b for a, b in zip(self._series[of], self._series[to]) if b]
        self._ratios.append((of, to, statistics.median(each), min(each), max(each), target))

    def lines(self):
        yield f"{'':44} {'median':>10} {'least':>10} {'most':>10}"
        for name, values in self._series.items():
            title = f"{name} [{self._units[name]}]"
            yield (f"{title:44} {_text(statistics.median(values)):>10} {_text(min(values)):>10} "
                   f"{_text(max(values)):>10}")
        for of, to, median, least, most, target in self._ratios:
            yield f"{of} / {to}"
            yield (f"{'  target ' + target:44} {_text(median):>10} {_text(least):>10} "
                   f"{_text(most):>10}")

    def figures(self):
        return {"series": self._series, "units": self._units,
                "ratios": [dict(zip(("of", "to", "median", "least", "most", "target"), ratio))
                           for ratio in self._ratios]}


def _text(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


@contextlib.contextmanager
def slots(directory, count):
    """A worker's file with one handler that returns its payload."""
    path = pathlib.Path(directory) / "worker.yaml"
    path.write_text(f"slots: {count}\nhandlers:\n  - {{type: demo.echo, kind: demo.echo}}\n",
                    encoding="utf-8")
    yield path

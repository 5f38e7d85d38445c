# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What one job costs, by part: CPU, switches between threads, bytes to the disk, commits and
broker messages; and where that CPU time goes."""

import collections
import contextlib
import pathlib
import re
import signal
import subprocess
import sysconfig
import tempfile

import harness
from measure import Result, cpu_seconds, slots

SAMPLES_A_SECOND = 997
ARCHIVES = pathlib.Path("/usr/lib", sysconfig.get_config_var("MULTIARCH"))
# What is linked statically (BUZZER_STATIC), and shows in a profile.
LINKED = {
    "SQLite": [ARCHIVES / "libsqlite3.a"],
    "tcmalloc": [ARCHIVES / "libtcmalloc_minimal.a"],
    "protobuf": [ARCHIVES / "libprotobuf.a"],
    "gRPC": [ARCHIVES / f"lib{name}.a" for name in ("grpc", "grpc++", "gpr", "upb")],
    "Abseil": sorted(ARCHIVES.glob("libabsl_*.a")),
    "rabbitmq-c": [ARCHIVES / "librabbitmq.a"],
}
# Of all samples; what has fewer is left out.
LEAST_SHARE = 0.01


def cost(broker, options, ways, slot_count):
    """`ways`: by name, a function that has jobs done and gives how many they were, how many a
    second, and the CPU seconds of the machine for 1000."""
    result = Result()
    with _set(broker, slot_count) as (system, parts):
        for way in ways.values():
            way(system, 0.1)
        for _ in range(options.rounds):
            for name, way in ways.items():
                before = _figures(system, parts)
                jobs, rate, machine = way(system, options.scale)
                result.add(f"{name}, done", "jobs/s", rate)
                result.add(f"{name}, whole machine", "CPU s per 1000", machine)
                for (what, unit), value in _figures(system, parts).items():
                    result.add(f"{name}, {what}", f"{unit} per 1000",
                               (value - before[what, unit]) / jobs * 1000)
    return result


def profile(broker, options, ways, slot_count):
    """Where `perf` finds the parts, in percent of the CPU time of all of them."""
    result = Result()
    with _set(broker, slot_count) as (system, parts), tempfile.TemporaryDirectory() as directory:
        for name, way in ways.items():
            way(system, 0.1)
            samples = pathlib.Path(directory) / "samples"
            pids = ",".join(str(pid) for part in parts.values() for pid in part)
            with subprocess.Popen(["perf", "record", "--quiet", "--freq", str(SAMPLES_A_SECOND),
                                   "--output", samples, "--pid", pids]) as perf:
                try:
                    way(system, options.scale)
                finally:
                    perf.send_signal(signal.SIGINT)
            found = _places(samples, parts)
            for place, count in found.most_common():
                share = count / found.total()
                if share >= LEAST_SHARE:
                    result.add(f"{name}, {place}", "%", share * 100)
    return result


@contextlib.contextmanager
def _set(broker, slot_count):
    """A set, and its parts' processes by name."""
    with tempfile.TemporaryDirectory() as directory, slots(directory, slot_count) as config, \
            harness.Set(broker, follow_logs=False, worker_config=config) as system:
        system.wait_for_types("demo.echo")
        parts = {name: [getattr(system, name).pid]
                 for name in ("gateway", "frontend", "state", "worker")}
        parts["broker"] = _tree(int((broker.directory / "node.pid").read_text()))
        yield system, parts


def _figures(system, parts):
    figures = {(name, "CPU s"): sum(map(cpu_seconds, pids)) for name, pids in parts.items()}
    for name, pids in parts.items():
        figures[f"{name}'s threads", "switches"] = sum(map(_switches, pids))
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


def _switches(pid):
    return sum(int(count) for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status")
               for count in re.findall(r"ctxt_switches:\s+(\d+)", status.read_text()))


def _places(samples, parts):
    """How many samples lie in which library, or the kernel, of which part."""
    part_of = {str(pid): name for name, pids in parts.items() for pid in pids}
    lines = subprocess.run(["perf", "script", "--input", samples, "--no-demangle",
                            "--fields", "pid,ip,sym,dso"],
                           check=True, capture_output=True, text=True).stdout
    library_of = _linked_libraries()
    found = collections.Counter()
    for pid, symbol, file in re.findall(r"^\s*(\d+)\s+[0-9a-f]+ (\S+) \((.*)\)\s*$", lines, re.M):
        name = re.sub(r"\.so\..*| \(deleted\)", "", pathlib.PurePath(file).name)
        name = name.strip("[]").replace(".kallsyms", "")
        if name.startswith("buzzer-"):
            name = library_of.get(re.sub(r"\.(part|constprop|cold|isra).*", "", symbol), name)
        found[f"{part_of.get(pid, 'other')}: {name}"] += 1
    return found


def _linked_libraries():
    """By symbol, the library whose archive brings it into our programs."""
    libraries = {}
    for library, archives in LINKED.items():
        for archive in archives:
            symbols = subprocess.run(["nm", "--defined-only", "--format=just-symbols", archive],
                                     check=True, capture_output=True, text=True).stdout
            for symbol in symbols.split():
                libraries.setdefault(symbol, library)
    return libraries


def _tree(pid):
    """The process and its descendants."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True,
                              check=False).stdout.split()
    return [pid, *(one for child in children for one in _tree(int(child)))]

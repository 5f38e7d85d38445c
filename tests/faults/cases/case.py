# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What every case stands on: the parts of the integration tests' harness with handlers that
leave traces, figures, and promises that are kept or broken. Lives on the main thread, since
a process dies with the thread that started it."""

import contextlib
import fcntl
import pathlib
import shutil
import tempfile
import threading
import time

import harness
from record import read_runs

HERE = pathlib.Path(__file__).resolve().parent
LEASE_SECONDS = 5
GRACE_SECONDS = 1
DRAIN_SECONDS = 2
# Promised, from the broker's port answering to the next job's run.
DISPATCH_SECONDS = 5


class Case:
    """case.say prints figures; case.promise counts what held and what did not."""

    def __init__(self, name, short):
        self.name, self.short = name, short
        self.broken = []
        self.kept = 0
        self._stack = contextlib.ExitStack()
        self._api = None
        self._systems = []

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"buzzer-{self.name}-"))
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.runs_file = self.directory / "runs"
        self.gate_file = self.directory / "gate"
        self.gate_file.touch()
        return self

    def __exit__(self, failure, *_):
        with self._stack:
            if failure is None:
                self._stop_systems()

    def full(self, value, short):
        """A figure of this run: `short` of a short one."""
        return short if self.short else value

    def say(self, text):
        print(f"  {text}", flush=True)

    def promise(self, holds, text):
        if holds:
            self.kept += 1
        else:
            self.broken.append(text)
        return bool(holds)

    # Parts.

    def broker(self, configuration=""):
        """A node of the case's own, with these further lines of configuration."""
        broker = harness.Broker()
        self._stack.callback(broker.close)
        if configuration:
            (broker.directory / "extra.conf").write_text(configuration, encoding="utf-8")
            broker.stop()
            broker.start()
        return broker

    def system(self, broker, slots=16, workers=1, state_flags=(), preload=None):
        """State, frontend, gateway and `worker`; further workers are worker2, worker3, ...
        in system.workers."""
        system = harness.Set(broker, worker_config=self.worker_config("worker", slots),
                             state_flags=state_flags)
        self._stack.callback(system.close)
        self._systems.append(system)
        system.state.environment.update(preload or {})
        system.__enter__()
        system.workers = [system.worker]
        for number in range(2, workers + 1):
            self.add_worker(system, f"worker{number}", slots)
        system.wait_for_types("case.sleep")
        return system

    def add_worker(self, system, name, slots):
        worker = system.new_worker(name, self.worker_config(name, slots))
        system.workers.append(worker.start())
        return worker

    def worker_config(self, name, slots):
        lines = [f"slots: {slots}", f"drain_timeout: {DRAIN_SECONDS}s", "state_outage_limit: 10m",
                 "handlers:", "  - {type: demo.echo, kind: demo.echo}",
                 "  - {type: demo.sleep, kind: demo.sleep}"]
        for kind in ("sleep", "wait", "stubborn"):
            lines += [f"  - type: case.{kind}", "    kind: exec",
                      f"    program: [{HERE / 'handler.sh'}, {kind}, {self.runs_file}, "
                      f"{self.gate_file}]",
                      "    content_type: text/plain", f"    grace: {GRACE_SECONDS}s",
                      f"    environment: {{FAULTS_WORKER: {name}}}"]
        path = self.directory / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def api(self):
        if not self._api:
            out = self.directory / "api"
            out.mkdir()
            self._api = harness.compile_api(out)
        return self._api

    def _stop_systems(self):
        for system in self._systems:
            for name, code in system.stop_all().items():
                self.promise(code == 0, f"{name} ended with {code} after SIGTERM")

    # What the handlers did.

    def runs(self, phase="start", since=0.0):
        return [run for run in read_runs(self.runs_file)
                if run["phase"] == phase and run["t"] >= since]

    def starts_of(self, jobs):
        """The starts by job, each in the order of time."""
        starts = {job: [] for job in jobs}
        for run in self.runs():
            if run["job"] in starts:
                starts[run["job"]].append(run)
        return starts

    def wait_for_starts(self, jobs, attempt=1, timeout=60):
        """The time at which each job's attempt started."""
        found = {}

        def started():
            found.update({run["job"]: run["t"] for run in self.runs()
                          if run["attempt"] == attempt})
            return all(job in found for job in jobs)

        harness.eventually(started, timeout, f"attempt {attempt} of {len(jobs)} jobs")
        return {job: found[job] for job in jobs}

    @contextlib.contextmanager
    def closed_gate(self):
        """Jobs of case.wait run until this ends."""
        with open(self.gate_file, "wb") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def wait_until_ended(self, system, jobs, timeout=120):
        """The jobs' records once each has ended."""
        deadline = time.monotonic() + timeout
        return [system.wait_for_state(job, "SUCCEEDED", "FAILED", "CANCELLED",
                                      timeout=max(1, deadline - time.monotonic()))
                for job in jobs]


class Background(threading.Thread):
    """Calls step() again and again, each time `pause` seconds after the last, until stop()."""

    def __init__(self, step, pause=0.02):
        super().__init__(daemon=True)
        self._step, self._pause = step, pause
        self._stopping = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self._stopping.is_set():
                self._step()
                self._stopping.wait(self._pause)
        except Exception as error:  # Told by stop().
            self.error = error

    def stop(self):
        self._stopping.set()
        self.join(30)
        if self.error:
            raise self.error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, failure, *_):
        self._stopping.set()
        if failure is None:
            self.stop()


class PortWatch:
    """When a port first takes a connection."""

    def __init__(self, port):
        self._port = port
        self._at = None
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self):
        deadline = time.monotonic() + 150
        while time.monotonic() < deadline and not harness.takes_connections(self._port):
            time.sleep(0.01)
        self._at = time.time()

    def answered(self):
        self._thread.join(150)
        return self._at


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


class Memory(Background):
    """Samples the resident memory of parts, in MiB."""

    def __init__(self, *parts, pause=1.0):
        super().__init__(self._sample, pause)
        self._parts = parts
        self.samples = []  # (time, {name: MiB})

    def _sample(self):
        self.samples.append((time.time(), {part.name: resident_mib(part.pid)
                                           for part in self._parts}))

    def between(self, begin, end, name):
        return [sizes[name] for at, sizes in self.samples if begin <= at <= end]

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The real system as the fault run starts it: state, two workers, frontend, Envoy and a
RabbitMQ node of its own, with a link that can be cut between each two that talk."""

import contextlib
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import harness  # noqa: E402

from tcp_proxy import Proxies  # noqa: E402

LEASE_SECONDS = 5
GRACE_SECONDS = 1
SLOTS = 16
WORKERS = ("worker", "worker2")
SERVICES = ("state", "frontend", *WORKERS)
# FROM-TO: FROM reaches TO through it.
LINKS = tuple(f"{one}-{other}" for one, other in (
    ("worker", "state"), ("worker2", "state"), ("frontend", "state"), ("worker", "broker"),
    ("worker2", "broker"), ("state", "broker")))
HANDLER_KINDS = ("short", "long", "flaky", "failing", "tree")


class System(harness.Set):
    """Where links may be cut: mode by link in self.links. Each service has, in
    self.files[service], the paths of its crash, clock and fsync files."""

    def __init__(self, broker, run_directory, preload=(), plant=None, state_flags=()):
        self.run_directory = run_directory
        self.runs_file = run_directory / "runs"
        self._proxies = Proxies()
        self.links = {name: self._proxies.link(self._port_of(name.split("-")[1]))
                      for name in LINKS}
        self.files = {}
        self._preload = [str(path) for path in preload]
        self._plant = plant
        super().__init__(broker, worker_config=self._config("worker"), state_flags=state_flags)
        self.worker2 = self.new_worker("worker2", self._config("worker2"))

    def _port_of(self, target):
        return (lambda: self.state_port) if target == "state" else (lambda: self.broker.port)

    def parts(self):
        return [*super().parts(), *([self.worker2] if hasattr(self, "worker2") else [])]

    def part(self, name):
        return getattr(self, name)

    @property
    def prefix(self):
        """Of its broker queues' names."""
        return self._prefix

    def close(self):
        try:
            super().close()
        finally:
            self._proxies.close()

    def _service(self, service, *flags, name=None, metrics_port=None):
        name = name or service
        part = super()._service(service, *flags, name=name, metrics_port=metrics_port)
        if service != "state":
            # Of a flag given twice, the last counts.
            part.command += ["--state_address",
                             f"127.0.0.1:{self.links[f'{name}-state'].port}"]
        if service != "frontend":
            port = self.links[f"{name}-broker"].port
            part.environment["BUZZER_BROKER_URL"] = self.broker.url.replace(
                f":{self.broker.port}/", f":{port}/")
        part.environment.update(self._switches(name))
        return part

    def _switches(self, name):
        files = {kind: self.run_directory / f"{name}.{kind}" for kind in
                 ("crash", "clock", "fsync")}
        self.files[name] = files
        files["crash"].write_bytes(bytes(4096))
        files["clock"].write_text("+0\n")
        switches = {"BUZZER_CRASH_FILE": str(files["crash"]),
                    "BUZZER_FSYNC_FAULT_FILE": str(files["fsync"])}
        if self._preload:
            switches["LD_PRELOAD"] = ":".join(self._preload)
            switches.update(FAKETIME_TIMESTAMP_FILE=str(files["clock"]), FAKETIME_NO_CACHE="1",
                            FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
        if self._plant:
            switches["BUZZER_PLANTED"] = self._plant
        return switches

    def _config(self, name):
        """The worker's YAML file. It says the worker's name to its handlers."""
        lines = [f"slots: {SLOTS}", "drain_timeout: 2s", "state_outage_limit: 10m", "handlers:",
                 "  - {type: demo.echo, kind: demo.echo}"]
        for kind in HANDLER_KINDS:
            lines += [f"  - type: faults.{kind}", "    kind: exec",
                      f"    program: [{HERE / 'handler.sh'}, {kind}, {self.runs_file}]",
                      "    content_type: application/json", f"    grace: {GRACE_SECONDS}s",
                      f"    environment: {{FAULTS_WORKER: {name}}}"]
        path = self.run_directory / f"{name}.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


def processes_of(job):
    """(pid, command) of every live process of a job's handler."""
    found = []
    mark = f"BUZZER_JOB_ID={job}".encode()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if mark not in pathlib.Path(entry.path, "environ").read_bytes().split(b"\0"):
                continue
            # The field after the command's closing bracket; Z is dead already.
            status = pathlib.Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            if status.rpartition(")")[2].split()[0] in "ZX":
                continue
            command = pathlib.Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ")
            found.append((int(entry.name), command.decode(errors="replace").strip()))
    return found

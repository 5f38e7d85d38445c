# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""One run: the system, its load and its faults, put together and taken apart again."""

import shutil
import time

import checker
import schedule
from collect import Collector
from injector import Injector
from kinds import broker as broker_kinds
from kinds import broker_node, clock, disk, power
from load import Load
from record import Recorder, read_runs
from system import GRACE_SECONDS, LEASE_SECONDS, System, harness

WARM_UP_SECONDS = 2


class Run:
    def __init__(self, stack, options, kinds, directory, say):
        """What it starts ends with the stack."""
        self._options, self._say = options, say
        names = {kind.name for kind in kinds}
        self.recorder = Recorder(directory / "history.jsonl")
        stack.callback(self.recorder.close)
        preload = [library for name, library in (("clock.step", clock.library()),
                                                 ("disk.fsync", disk.preload_library()),
                                                 ("power.state", disk.preload_library()))
                   if name in names]
        if broker_node.NAME in names:
            others = [kind.name for kind in kinds
                      if kind.name != broker_node.NAME and "broker" in kind.touches]
            assert not others, f"{broker_node.NAME} has a cluster, which {others} do not know"
            broker = broker_node.broker(stack)
        else:
            broker = harness.Broker()
            stack.callback(broker.close)
        # Of the system's own directory only the state is ours to put on another disk.
        flags = ["--min_free_disk_mib", "1"] if "disk.full" in names else []
        self.system = System(broker, directory, dict.fromkeys(preload), options.plant, flags)
        if "disk.full" in names:
            stack.callback(disk.mount(self.system.directory / "state"))
        if "power.state" in names:
            assert "disk.full" not in names, "power.state and disk.full need different disks"
            self.system.state.environment.update(power.environment(self.system))
        self.system.__enter__()
        stack.callback(self.system.close)
        if "broker.old_data" in names:
            broker_kinds.keep_a_copy(self.system)
            stack.callback(broker_kinds.forget_copy, self.system)
        self._api = harness.compile_api(_fresh(directory / "api"))
        self._collector = Collector(self.system, self._api)
        stack.callback(self._collector.close)
        self._injector = Injector(self.system, kinds, self.recorder, say)
        self._steps = schedule.steps(options.seed, kinds)
        self._loads = []
        self._stop_codes = {}
        stack.callback(lambda: [load.close() for load in self._loads])
        self.go_on()

    def go_on(self):
        """A load, for the next faults."""
        load = Load(self.system, self._api, self.recorder,
                    f"{self._options.seed}-{len(self._loads)}", self._options.rate)
        self._loads.append(load)
        self.system.some_jobs = load.some_jobs
        load.start()
        time.sleep(WARM_UP_SECONDS)

    def inject(self, until):
        try:
            self._injector.run(self._steps, until)
        finally:
            self._injector.heal_everything()

    def facts(self, quiet_seconds):
        """Ends the load, waits, and gathers."""
        self._loads[-1].stop()
        quiet = self._collector.wait_for_quiet(quiet_seconds)
        jobs, results = self._collector.jobs()
        lines = self.recorder.lines()
        return checker.Facts(
            calls=lines, jobs=jobs, results=results, runs=read_runs(self.system.runs_file),
            faults=self._injector.faults, alive=[one for load in self._loads for one in load.alive],
            quiet=quiet, lease=LEASE_SECONDS, grace=GRACE_SECONDS)

    def stop(self):
        """SIGTERM to all: each should end well."""
        self._stop_codes = self.system.stop_all()

    def troubles(self):
        died = [f"the load's {line['role']} died: {line['error']}" for line in
                self.recorder.lines() if line["op"] == "load"]
        bad = [f"{name} ended with {code} after SIGTERM"
               for name, code in self._stop_codes.items() if code != 0]
        return self._injector.troubles + died + bad


def _fresh(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory

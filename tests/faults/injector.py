# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Injects the faults of a schedule, one at a time or two overlapping, heals them, and
measures how long the system took to go on. Lives on the main thread."""

import contextlib
import time

from kinds.kind import NotInjected

# Longest wait for the first submit and the first run after a fault.
RECOVERY_SECONDS = 30


class Injector:
    def __init__(self, system, kinds, recorder, say):
        self._system = system
        self._kinds = {kind.name: kind for kind in kinds}
        self._record = recorder
        self._say = say
        self.faults = []  # What the checker and the report look at.
        self.troubles = []  # What went wrong beside the promises.

    def run(self, steps, until):
        for step in steps:
            if time.time() >= until:
                return
            open_faults = [self._inject(step)]
            last = step
            if step.overlaps:
                last = next(steps)
                time.sleep(min(step.hold, 1) / 2)
                open_faults.append(self._inject(last))
            time.sleep(max(fault["step"].hold for fault in open_faults))
            for fault in open_faults:
                self._heal(fault)
            for fault in open_faults:
                self._await_recovery(fault)
            self._revive()
            time.sleep(last.gap)

    def heal_everything(self):
        """Whatever a failed or interrupted fault may have left."""
        for link in self._system.links.values():
            link.set_mode("pass")
        for part in self._system.parts():
            part.resume()
        self._revive()

    def _inject(self, step):
        fault = {"number": step.number, "kind": step.kind, "part": step.part, "mode": step.mode,
                 "injected": time.time(), "healed": None, "came_about": True, "step": step}
        self.faults.append(fault)
        try:
            self._kinds[step.kind].inject(self._system, step)
        except NotInjected as error:
            fault["came_about"] = False
            self._say(f"  {error}")
        return fault

    def _heal(self, fault):
        began = time.time()
        from_then = self._kinds[fault["kind"]].heal(self._system, fault["step"])
        fault["healed"] = time.time()
        fault["recovery_from"] = from_then or began

    def _await_recovery(self, fault):
        since = fault["recovery_from"]
        deadline = time.monotonic() + RECOVERY_SECONDS
        fault["accepts_after"] = fault["runs_after"] = None
        while time.monotonic() < deadline and None in (fault["accepts_after"],
                                                       fault["runs_after"]):
            if fault["accepts_after"] is None:
                fault["accepts_after"] = _first(
                    (line["t"] for line in self._record.lines(-400)
                     if line["op"] == "submit" and line["phase"] == "ok"), since)
            if fault["runs_after"] is None:
                fault["runs_after"] = _first(self._newest_runs(), since)
            time.sleep(0.05)
        self._tell(fault)

    def _tell(self, fault):
        what = " ".join(word for word in (fault["kind"], fault["part"], fault["mode"]) if word)
        times = ", ".join(f"{name} after {_seconds(fault[key])}"
                          for name, key in (("accepts", "accepts_after"), ("runs", "runs_after")))
        held = fault["healed"] - fault["injected"]
        self._say(f"  fault {fault['number']:4} {what:36} {held:5.1f} s, {times}"
                  + ("" if fault["came_about"] else " (did not come about)"))
        fault_line = {key: value for key, value in fault.items() if key not in ("step", "kind")}
        self._record.note("fault", "over", **fault_line, fault=fault["kind"])
        if None in (fault["accepts_after"], fault["runs_after"]):
            self.troubles.append(f"after fault {fault['number']} ({what}) it did not go on "
                                 f"within {RECOVERY_SECONDS} s")

    def _newest_runs(self):
        with contextlib.suppress(OSError), open(self._system.runs_file, "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 20000))
            for line in file.read().decode().splitlines():
                words = line.split()
                if len(words) == 6 and words[0] == "start":
                    yield float(words[5])

    def _revive(self):
        """No part may have ended by itself."""
        for part in self._system.parts():
            if not part.running():
                self.troubles.append(f"{part.name} ended by itself; its log:\n{part.tail(15)}")
                part.start()


def _first(times, since):
    return min((at - since for at in times if at >= since), default=None)


def _seconds(value):
    return "never" if value is None else f"{value:.2f} s"

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The table of one run, and of several."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import checker  # noqa: E402
import report  # noqa: E402


def fault(kind, accepts, runs, came_about=True):
    return {"kind": kind, "part": "", "injected": 1, "healed": 2, "came_about": came_about,
            "accepts_after": accepts, "runs_after": runs}


def summary(*faults, violations=(), repeats=()):
    submit = {"op": "submit", "phase": "ok", "job": "a", "t": 1}
    facts = checker.Facts(calls=[submit], jobs={}, results={}, runs=[], faults=list(faults),
                          alive=[])
    # As it is written and read.
    return json.loads(json.dumps(report.summary(facts, violations, repeats)))


def test_counts_only_faults_that_came_about_and_keeps_the_slowest():
    total = summary(fault("kill.state", 0.5, 1.0), fault("kill.state", 0.7, 0.2),
                    fault("kill.state", 9, 9, came_about=False))
    assert total["faults"] == {"kill.state": {"times": 2, "accepts": [0.7], "runs": [1.0]}}


def test_a_recovery_that_never_came_is_the_slowest():
    merged = report.merge([summary(fault("kill.state", None, 1)), summary(fault("kill.state", 3, 2))])
    assert merged["faults"]["kill.state"] == {"times": 2, "accepts": [None], "runs": [2]}
    assert "never" in report.table(merged)


def test_adds_up_runs():
    lost = checker.Violation("lost", "gone", "a")
    repeat = checker.Repeat("a", 1, "LEASE_EXPIRED", "kill.worker", 3)
    merged = report.merge([summary(fault("kill.state", 1, 1), violations=[lost]),
                           summary(fault("disk.full", 2, 2), violations=[lost], repeats=[repeat])])
    text = report.table(merged)
    assert "faults 2, jobs accepted 2, lost 2, ended twice 0" in text
    assert "runs lost, as allowed: 1 by LEASE_EXPIRED (kill.worker)" in text
    assert sorted(merged["faults"]) == ["disk.full", "kill.state"]

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""deploy/systemd's units are what systemd takes, and say what the code needs."""

import configparser
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "docs"))
from tree import ROOT, constants, flags, text  # noqa: E402

UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
# Of a hundred; what systemd-analyze calls "OK" ends at 40.
MOST_EXPOSURE = 25


@pytest.fixture(name="machine", scope="module")
def _machine(tmp_path_factory):
    """A tree like that of a machine on which the units are installed."""
    root = tmp_path_factory.mktemp("machine")
    # What they come after, and before.
    shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    for unit in UNITS:
        shutil.copy(unit, root / "usr/lib/systemd/system")
    for program in (*(path(unit) for unit in UNITS), "/bin/kill"):
        file = root / program.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)
    return root


def service(unit):
    """What its [Service] says, by key."""
    parser = configparser.ConfigParser(strict=True, interpolation=None, delimiters="=")
    parser.optionxform = str
    parser.read(unit)
    return parser["Service"]


def path(unit):
    return service(unit)["ExecStart"].split()[0]


def analyze(machine, *arguments):
    return subprocess.run(["systemd-analyze", *arguments], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(machine),
                               "SYSTEMD_LOG_LEVEL": "warning"})


def test_there_is_a_unit_for_each_service():
    assert [unit.name for unit in UNITS] == [
        f"buzzer-{name}.service" for name in ("frontend", "state", "worker")]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_no_fault(machine, unit):
    done = analyze(machine, "verify", f"--root={machine}", "--man=no", unit.name)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_little_of_the_machine_is_open_to_a_service(machine, unit):
    done = analyze(machine, "security", "--offline=yes", f"--root={machine}", "--no-pager",
                   f"--threshold={MOST_EXPOSURE}", unit.name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_fault_would_be_found(machine):
    unit = machine / "usr/lib/systemd/system/buzzer-wrong.service"
    unit.write_text(text("deploy/systemd/buzzer-worker.service").replace("KillMode", "KillMood"))
    done = analyze(machine, "verify", f"--root={machine}", "--man=no", unit.name)
    assert "KillMood" in done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_names_flags_and_users_that_there_are(unit):
    said = service(unit)
    program, *words = said["ExecStart"].split()
    assert program == f"/usr/local/bin/{unit.stem}"
    has = flags(f"services/{unit.stem.removeprefix('buzzer-')}/main.cc")
    for word in words:
        assert re.match(r"--(\w+)=", word)[1] in has
    assert re.search(rf"^u {said['User']} ", text("deploy/systemd/buzzer.sysusers"), re.M)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_is_no_better_the_next_time_is_not_started_again(unit):
    usage_error = constants("common/command_line/command_line.h")["kUsageError"]
    assert service(unit)["RestartPreventExitStatus"] == str(usage_error)
    assert service(unit)["Restart"] == "on-failure"


def seconds(span):
    return float(re.fullmatch(r"(\d+)s", span)[1])


def test_a_worker_has_the_time_that_it_needs_to_drain():
    drain = re.search(r"drain_timeout = absl::Seconds\((\d+)\)", text("services/worker/config.h"))
    grace = constants("common/limits/limits.h")["kDefaultGrace"]
    flush = constants("services/worker/worker.cc")["kFlushTime"]
    needed = float(drain[1]) + grace + flush
    assert seconds(service(UNITS[2])["TimeoutStopSec"]) > needed + 10


def test_only_the_worker_is_signalled_to_end_and_to_read_its_file_again():
    said = service(UNITS[2])
    assert said["KillMode"] == "mixed"
    assert said["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert "KillSignal" not in said, "SIGTERM is systemd's own"
    assert "MemoryDenyWriteExecute" not in said, "programs compile as they run"
    assert "ProtectProc" not in said, "the worker must see its supervisors in /proc"

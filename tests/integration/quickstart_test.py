# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Command one, as a new user types it: beside what else runs here, on ports of its own."""

import os
import subprocess
import urllib.request

import pytest

import harness

PORTS = ("HTTP", "GRPC", "STATE", "AMQP", "ADMIN", "SYNC_TWIN", "FRONTEND_METRICS",
         "STATE_METRICS", "WORKER_METRICS")


class Quickstart:
    def __init__(self, directory):
        self.directory = directory
        free = set()
        while len(free) < len(PORTS):
            free.add(harness.free_port())
        self.ports = dict(zip(PORTS, free))

    def __call__(self, *arguments, **ports):
        variables = {f"BUZZER_{name}_PORT": str(port)
                     for name, port in (self.ports | ports).items()}
        return subprocess.run(
            [harness.ROOT / "quickstart", *arguments], text=True, capture_output=True, timeout=400,
            stdin=subprocess.DEVNULL, check=False,
            env=os.environ | variables | {"BUZZER_RUN_DIR": str(self.directory)})

    def is_healthy(self):
        try:
            url = f"http://127.0.0.1:{self.ports['HTTP']}/healthz"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def pids(self):
        return {path.name: path.read_text().split()[0] for path in
                (self.directory / "pid").iterdir() if path.suffix != ".offset"}


def lives(pid):
    """Not so one that has ended, and that nobody has waited for yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(name="quickstart")
def _quickstart(tmp_path):
    quickstart = Quickstart(tmp_path / "run")
    try:
        yield quickstart
    finally:
        quickstart("stop")


def test_starts_everything_shows_the_main_job_and_stops_again(quickstart):
    first = quickstart()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "-> 504 after 3." in first.stdout or "faster than the limit" in first.stdout
    assert "-> 202 after " in first.stdout
    assert "SUCCEEDED" in first.stdout
    assert "-> 12 of 12 pictures" in first.stdout
    assert quickstart.is_healthy()
    status = quickstart("status")
    assert status.returncode == 0
    assert status.stdout.count(" up ") == 6

    # Again: with pictures that the user names, and nothing started anew.
    pids = quickstart.pids()
    pictures = quickstart.directory.parent / "my pictures"
    pictures.mkdir()
    os.symlink("/usr/share/backgrounds/mate/nature/Aqua.jpg", pictures / "Aqua.jpg")
    again = quickstart("--images", pictures)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all were running" in again.stdout
    assert "-> 1 of 1 pictures" in again.stdout
    assert quickstart.pids() == pids

    # Mistakes are named.
    moved = quickstart(HTTP=harness.free_port())
    assert moved.returncode == 1
    assert "gateway runs on port" in moved.stderr
    assert quickstart("--images", "/no/such").returncode == 1
    assert quickstart("strat").returncode == 2

    stopped = quickstart("stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert not quickstart.is_healthy()
    assert not [name for name, pid in pids.items() if lives(pid)]
    status = quickstart("status")
    assert status.returncode == 1
    assert status.stdout.count("down") == 6

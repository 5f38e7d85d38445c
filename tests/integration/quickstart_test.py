# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Command one, as a new user types it: beside what else runs here, on ports of its own."""

import json
import os
import pathlib
import re
import subprocess
import urllib.request

import pytest

import harness

PORTS = ("HTTP", "GRPC", "STATE", "AMQP", "SYNC_TWIN", "FRONTEND_METRICS",
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


@pytest.fixture(scope="module", name="running")
def _running(tmp_path_factory):
    """A set that the demo has run on; it was first started by an earlier version, which let
    everybody read what it wrote."""
    quickstart = Quickstart(tmp_path_factory.mktemp("quickstart") / "run")
    for name in ("state/old.db", "log/old.log", "images/old/sheet.jpg", "env"):
        path = quickstart.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
        path.parent.chmod(0o755)
    try:
        quickstart.first = quickstart()
        assert quickstart.first.returncode == 0, quickstart.first.stdout + quickstart.first.stderr
        yield quickstart
    finally:
        quickstart("stop")


def queues(quickstart):
    with urllib.request.urlopen(f"http://127.0.0.1:{quickstart.ports['HTTP']}/v1/queues",
                                timeout=10) as answer:
        return {queue["name"].removeprefix("queues/"): queue
                for queue in json.load(answer)["queues"]}


def test_the_demo_shows_the_old_way_and_the_job(running):
    said = running.first.stdout
    assert "-> 504 after 3." in said or "faster than the limit" in said
    assert "-> 202 after " in said
    assert "SUCCEEDED" in said
    assert "-> 12 of 12 pictures" in said
    assert running.is_healthy()
    status = running("status")
    assert status.returncode == 0
    assert status.stdout.count(" up ") == 6


def test_a_rerun_takes_the_users_pictures_and_starts_nothing_anew(running):
    pids = running.pids()
    pictures = running.directory.parent / "my pictures"
    pictures.mkdir()
    os.symlink("/usr/share/backgrounds/mate/nature/Aqua.jpg", pictures / "Aqua.jpg")
    again = running("--images", pictures)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all were running" in again.stdout
    assert "-> 1 of 1 pictures" in again.stdout
    assert running.pids() == pids


def test_what_it_writes_is_nobody_elses(running):
    open_to_others = [path for path in running.directory.rglob("*")
                      if not path.is_symlink() and path.lstat().st_mode & 0o077
                      # What handlers write has the user's modes, in a directory that is shut.
                      and path.relative_to(running.directory).parts[0] != "images"]
    assert open_to_others == []
    assert (running.directory / "images").stat().st_mode & 0o777 == 0o700


def test_the_brokers_password_is_in_no_log_and_no_command_line(running):
    password = (running.directory / "broker/password").read_text().strip()
    for path in [*running.directory.glob("log/*"), *running.directory.glob("broker/log/*")]:
        assert password not in path.read_text(errors="replace"), path
    for pid in running.pids().values():
        environment = pathlib.Path(f"/proc/{pid}/cmdline").read_text()
        assert password not in environment


def test_programs_of_jobs_keep_the_users_umask(running):
    pid = running.pids()["worker"]
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    assert int(re.search(r"^Umask:\s+(\d+)", status, re.M)[1], 8) == current_umask()


def current_umask():
    value = os.umask(0o022)
    os.umask(value)
    return value


def test_after_env_a_second_worker_starts_from_a_shell(running):
    before = queues(running)["demo.echo"]["workers"]
    with subprocess.Popen(
            ["bash", "-c", f"source '{running.directory}/env' && exec buzzer-worker --config "
             f"'{running.directory}/worker.yaml' --state_address \"$BUZZER_STATE_ADDRESS\" "
             "--metrics_address 127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as second:
        try:
            harness.eventually(lambda: queues(running)["demo.echo"]["workers"] == before + 1,
                               harness.START_SECONDS, "the second worker's announcement")
        finally:
            second.terminate()
        assert second.wait(harness.STOP_SECONDS) == 0


def test_a_handler_added_to_the_workers_file_is_served_after_a_rerun_without_the_demo(running):
    config = running.directory / "worker.yaml"
    assert "# Most jobs at once" in config.read_text()  # the comments explain it
    others = {name: pid for name, pid in running.pids().items() if name != "worker"}
    with config.open("a") as file:
        file.write("  - type: my.first\n    kind: exec\n    program: [cat]\n")
    again = running("--no-demo")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "(worker)" in again.stdout and "thumbnails" not in again.stdout
    assert queues(running)["my.first"]["workers"] == 1
    pids = running.pids()
    assert {name: pids[name] for name in others} == others


def test_mistakes_are_named(running):
    moved = running(HTTP=harness.free_port())
    assert moved.returncode == 1
    assert "gateway runs on port" in moved.stderr
    for arguments, code, words in [
            (["--images", "/no/such"], 1, "'/no/such'"),
            (["--images"], 2, "--images needs a directory"),
            (["strat"], 2, "'strat'"),
            (["stop", "now"], 2, "'stop' takes nothing after it"),
            (["--no-demo", "--images", "/tmp"], 2, "without --images"),
            (["--images", "/tmp", "--no-demo"], 2, "without --images"),
    ]:
        done = running(*arguments)
        assert done.returncode == code and words in done.stderr, done.stderr
    assert running.is_healthy()


def test_stop_ends_all_and_may_come_twice(running):
    pids = running.pids()
    stopped = running("stop")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert not running.is_healthy()
    assert not [name for name, pid in pids.items() if lives(pid)]
    status = running("status")
    assert status.returncode == 1
    assert status.stdout.count("down") == 6
    assert running("stop").returncode == 0


def test_status_stop_and_help_of_a_set_that_never_was_make_nothing(quickstart):
    assert quickstart("status").returncode == 1
    assert quickstart("stop").returncode == 0
    assert "--no-demo" in quickstart("--help").stdout
    assert not quickstart.directory.exists()

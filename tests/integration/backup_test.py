# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""`buzzer-state backup` of a service under load, and `buzzer-state restore` after its disk is lost."""

import collections
import re
import shutil
import subprocess
import threading

import harness
import pytest
from event_source import Watcher


def run(command, data=None):
    return subprocess.run([harness.BIN_DIR / "buzzer-state", *map(str, command)], input=data,
                          capture_output=True, check=False, timeout=60)


def back_up(buzzer, file):
    return run(["backup", file, "--state_address", f"127.0.0.1:{buzzer.state_port}"])


def restore(file, directory, *flags, data=None):
    return run(["restore", file, "--data_directory", directory, *flags], data)


@pytest.fixture
def noting(broker, tmp_path):
    """A set whose handler notes each attempt in a file."""
    config, notes = tmp_path / "worker.yaml", tmp_path / "notes"
    config.write_text(f"""
slots: 8
handlers:
  - {{type: demo.echo, kind: demo.echo}}
  - {{type: demo.sleep, kind: demo.sleep}}
  - type: test.note
    kind: exec
    program: [/bin/sh, -c, 'echo "$BUZZER_JOB_ID $BUZZER_ATTEMPT" >>{notes}']
""")
    with harness.Set(broker, worker_config=config) as running:
        running.notes = notes
        yield running


class Load:
    """Submits from several threads until told to stop; keeps what was accepted, in order."""

    def __init__(self, buzzer):
        self._buzzer = buzzer
        self.accepted = []
        self.grown = threading.Condition()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._submit) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def _submit(self):
        while not self._stop.is_set():
            job = self._buzzer.submit("test.note", {})["id"]
            with self.grown:
                self.accepted.append(job)
                self.grown.notify_all()

    def wait_for(self, count):
        with self.grown:
            assert self.grown.wait_for(lambda: len(self.accepted) >= count, harness.WAIT_SECONDS)
            return list(self.accepted)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_after_a_restore_nothing_of_the_backup_is_missing_and_no_number_falls(noting, tmp_path):
    buzzer, file = noting, tmp_path / "backup"
    running = buzzer.submit("demo.sleep", {"seconds": 600}, lease="5s")["id"]
    buzzer.wait_for_state(running, "RUNNING")
    later = buzzer.submit("test.note", {}, delay="3600s")["id"]
    watcher = Watcher(buzzer, running)
    watcher.start()

    load = Load(buzzer)
    before = load.wait_for(150)
    done = back_up(buzzer, file)
    load.wait_for(len(before) + 150)
    load.stop()
    assert done.returncode == 0, done.stderr
    told = {job: int(buzzer.get(job)["revision"]) for job in before}
    watcher.wait_for(lambda event: event["state"] == "RUNNING")
    watched = watcher.events[-1][0]

    buzzer.state.kill()
    shutil.rmtree(buzzer.directory / "state")
    done = restore(file, buzzer.directory / "state")
    assert done.returncode == 0, done.stderr
    jobs, waited, ran = map(int, re.search(
        r": (\d+) jobs, of which (\d+) waited and (\d+) ran; newest change 20",
        done.stderr.decode()).groups())
    assert jobs >= len(before) + 2 and waited >= 1 and ran >= 1, done.stderr
    buzzer.state.start()

    for job in before:
        ended = buzzer.wait_for_state(job, "SUCCEEDED")
        assert int(ended["revision"]) > told[job]
        causes = [entry["cause"] for entry in buzzer.get(job, view="JOB_VIEW_FULL")["history"]]
        assert causes.count("RESTORED") == 1, causes
    assert buzzer.get(later)["state"] == "SCHEDULED"
    # Its worker lives on, but not its lease: it runs again.
    watcher.wait_for(lambda event: event["cause"] == "CLAIMED" and event["attempt"] > 50_000_000)
    assert buzzer.rest("POST", f"/v1/jobs/{running}:cancel", json={}).status_code in (200, 202)
    watcher.join(harness.WAIT_SECONDS)
    assert not watcher.is_alive()
    revisions = [revision for revision, _ in watcher.events]
    assert revisions == sorted(set(revisions)) and revisions[-1] > watched, revisions
    assert watcher.events[-1][1]["state"] == "CANCELLED"

    runs = collections.Counter(buzzer.notes.read_text().split("\n")[:-1])
    twice = [run for run, times in runs.items() if times > 1]
    assert not twice, f"attempts granted twice: {twice}"
    assert {line.split()[0] for line in runs} >= set(before)


def test_a_backup_may_go_through_standard_output_and_input(fresh_buzzer):
    job = fresh_buzzer.submit("demo.echo", {"n": 1})["id"]
    fresh_buzzer.wait_for_state(job, "SUCCEEDED")
    made = back_up(fresh_buzzer, "-")
    assert made.returncode == 0 and not made.stderr, made.stderr
    fresh_buzzer.state.stop()
    directory = fresh_buzzer.directory / "state"
    assert not (directory / "backup.tmp").exists()
    done = restore("-", directory, "--replace", data=made.stdout)
    assert done.returncode == 0, done.stderr
    assert b"1 jobs, of which 0 waited and 0 ran" in done.stderr
    assert list(directory.glob("buzzer.db.replaced-*"))
    fresh_buzzer.state.start()
    fresh_buzzer.wait_for_state(job, "SUCCEEDED")
    assert fresh_buzzer.rest("GET", f"/v1/jobs/{job}/result").json() == {"n": 1}


def test_what_cannot_be_restored_is_refused_and_leaves_all_as_it_was(fresh_buzzer, tmp_path):
    file = tmp_path / "backup"
    assert back_up(fresh_buzzer, file).returncode == 0
    whole = file.read_bytes()
    directory = fresh_buzzer.directory / "state"
    for content, flags, says in (
            (whole, ["--replace"], "is in use by process"),
            (b"", [], "it is empty"),
            (b"no database at all" * 1000, [], "this is no whole backup of a Buzzer database"),
            (whole[:len(whole) // 2], [], "this is no whole backup of a Buzzer database")):
        file.write_bytes(content)
        target = directory if flags else tmp_path / "fresh"
        done = restore(file, target, *flags)
        assert done.returncode == 1 and says in done.stderr.decode(), done.stderr
        assert not list(target.glob("*.restoring*"))
        assert flags or not (target / "buzzer.db").exists()
    file.write_bytes(whole)
    assert restore(file, tmp_path / "fresh").returncode == 0
    again = restore(file, tmp_path / "fresh")
    assert again.returncode == 1 and b"--replace moves it aside" in again.stderr
    for command, says in ((["restore", file], "--data_directory is missing"),
                          (["backup"], "'backup FILE' or 'restore FILE'"),
                          (["restore", tmp_path / "none", "--data_directory", tmp_path],
                           "cannot open")):
        done = run(command)
        assert done.returncode in (1, 2) and says in done.stderr.decode(), done.stderr


def test_a_backup_that_cannot_be_had_leaves_no_file(tmp_path):
    done = run(["backup", tmp_path / "backup", "--state_address",
                f"127.0.0.1:{harness.free_port()}"])
    assert done.returncode == 1 and b"no backup from 127.0.0.1" in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What a program of a job, and a neighbour of the services, learn of their secrets."""

import os
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

import harness

PROGRAMS = pathlib.Path(__file__).parent / "programs"
NOBODY = 65534


@pytest.fixture
def secret_buzzer(broker, tmp_path):
    """A set whose worker runs a program that looks around."""
    config = tmp_path / "worker.yaml"
    config.write_text(f"""
slots: 4
handlers:
  - {{type: demo.echo, kind: demo.echo}}
  - type: test.look
    kind: exec
    program: ["{sys.executable}", "{PROGRAMS}/look_around.py"]
    content_type: text/plain
""")
    with harness.Set(broker, config) as running:
        yield running


def password_of(broker):
    return broker.url.split("://")[1].split("@")[0].split(":")[1]


def test_no_process_shows_the_brokers_password(secret_buzzer, broker):
    password = password_of(broker)
    job = secret_buzzer.submit("test.look", {})
    job = secret_buzzer.wait_for_state(job["id"], "SUCCEEDED", "FAILED")
    assert job["state"] == "SUCCEEDED", job
    seen = secret_buzzer.rest("GET", f"/v1/jobs/{job['id']}/result").text
    # It has seen its supervisor and the worker, and of root even their environments.
    assert "buzzer-supervisor" in seen and "buzzer-worker" in seen
    assert password not in seen
    for part in (secret_buzzer.state, secret_buzzer.worker, secret_buzzer.frontend):
        for name in ("environ", "cmdline"):
            shown = pathlib.Path(f"/proc/{part.pid}/{name}").read_bytes().decode(errors="replace")
            assert password not in shown, f"{part.name} shows it in {name}"


def test_a_password_on_the_command_line_is_overwritten_and_said(fresh_buzzer, broker):
    worker = fresh_buzzer.new_worker("second")
    worker.command += ["--broker_url", broker.url]
    worker.environment.pop("BUZZER_BROKER_URL")
    worker.start()
    warned = worker.wait_for_event("password_on_command_line")
    assert "BUZZER_BROKER_URL" in warned["error"]
    shown = pathlib.Path(f"/proc/{worker.pid}/cmdline").read_bytes().decode()
    assert password_of(broker) not in shown and "amqp://" in shown
    assert len(worker.events("password_on_command_line")) == 1


def test_a_backup_command_shows_no_password_that_it_was_given(tmp_path):
    # State's own container has it in the environment, and its flags are easily taken along.
    url = "amqp://ann:sesame@127.0.0.1:1/"
    with subprocess.Popen(
            [harness.BIN_DIR / "buzzer-state", "restore", "-", "--data_directory", tmp_path / "state",
             "--broker_url", url],
            env={**os.environ, "BUZZER_BROKER_URL": url, "BUZZER_BROKER_PASSWORD": "sesame"},
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as restore:
        given_up = threading.Timer(harness.WAIT_SECONDS, restore.kill)
        given_up.start()
        try:
            # It waits for the backup then.
            assert "password_on_command_line" in restore.stderr.readline()
            for name in ("environ", "cmdline"):
                shown = pathlib.Path(f"/proc/{restore.pid}/{name}").read_bytes().decode()
                assert "sesame" not in shown, name
        finally:
            given_up.cancel()
            restore.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_a_neighbour_of_the_same_user_cannot_look_into_the_services(tmp_path):
    # A place that everybody may enter.
    home = pathlib.Path("/var/tmp") / f"buzzer-secrets-{os.getpid()}"
    home.mkdir(mode=0o755)
    try:
        for name in ("buzzer-worker", "buzzer-supervisor"):
            shutil.copy(harness.BIN_DIR / name, home)
        (home / "worker.yaml").write_text("handlers:\n  - {type: demo.echo, kind: demo.echo}\n")
        as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        worker = harness.Part(
            "worker", [*as_nobody, home / "buzzer-worker", "--config", home / "worker.yaml",
                       "--metrics_address", "127.0.0.1:0",
                       # Not the default's, where a developer's own Buzzer may be.
                       "--state_address", "127.0.0.1:1"],
            tmp_path, harness.is_serving, {"BUZZER_BROKER_URL": "amqp://ann:sesame@127.0.0.1:1/"})
        worker.start()
        try:
            for path in ("environ", "mem", "fd/0", "maps"):
                looked = subprocess.run(
                    [*as_nobody, "head", "-c", "1", f"/proc/{worker.pid}/{path}"],
                    capture_output=True, text=True, check=False)
                assert "Permission denied" in looked.stderr, (path, looked)
            # What shows that a process of this user could be looked into otherwise.
            control = subprocess.run([*as_nobody, "sh", "-c", "head -c 1 /proc/$$/environ"],
                                     capture_output=True, check=False)
            assert control.returncode == 0, control
        finally:
            worker.stop()
    finally:
        shutil.rmtree(home)


def test_what_state_keeps_is_its_users_alone_and_an_old_database_is_closed(fresh_buzzer):
    fresh_buzzer.wait_for_state(fresh_buzzer.submit("demo.echo", {"a": 1})["id"], "SUCCEEDED")
    data = fresh_buzzer.directory / "state"
    files = list(data.iterdir())
    assert len(files) >= 2
    for path in [data, *files]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert fresh_buzzer.state.stop() == 0
    for path in data.iterdir():
        path.chmod(0o644)
    data.chmod(0o755)
    fresh_buzzer.state.start()
    closed = fresh_buzzer.state.wait_for_event("data_was_open_to_others")
    assert closed["files"] >= 1
    told = fresh_buzzer.state.wait_for_event("data_directory_open_to_others")
    assert f"chmod o-rwx {data}" in told["error"]
    for path in data.iterdir():
        assert path.stat().st_mode & 0o007 == 0, path


def test_the_worker_says_as_whom_its_programs_run(secret_buzzer):
    name = "programs_run_as_root" if os.geteuid() == 0 else "programs_share_a_user"
    said = secret_buzzer.worker.wait_for_event(name)
    assert said["user_id"] == os.geteuid()

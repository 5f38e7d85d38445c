# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The command `buzzer` against the real parts: what it prints, and its exit codes."""

import json
import os
import pty
import re
import signal
import subprocess

import pytest

import harness

UNKNOWN_ID = "0192f0c0-0000-7000-8000-000000000001"


def submit(buzzer, *arguments):
    done = buzzer.cli("submit", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def start(buzzer, *arguments, **keywords):
    keywords.setdefault("stdout", subprocess.PIPE)
    return subprocess.Popen([harness.BIN_DIR / "buzzer", "--address", buzzer.address, *arguments],
                            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **keywords)


def test_submit_watch_and_result_go_together(buzzer):
    job = submit(buzzer, "demo.echo", "--payload", '{"n": 1}', "--label", "team=a")
    watched = buzzer.cli("watch", job)
    assert watched.returncode == 0
    assert re.search(r"SUCCEEDED after .*: 7 bytes of application/json\n$", watched.stdout)
    result = buzzer.cli("result", job)
    assert (result.returncode, result.stdout) == (0, '{"n":1}')
    assert "labels" in buzzer.cli("get", job).stdout


def test_a_job_may_be_watched_right_after_submit(buzzer):
    done = buzzer.cli("submit", "demo.sleep", "--payload", '{"seconds": 1, "steps": 4}', "--watch")
    assert done.returncode == 0
    assert re.search(r"RUNNING +\d+ %  \d of 4", done.stdout)


def test_bytes_go_in_and_come_out_as_they_are(buzzer, tmp_path):
    (tmp_path / "in").write_bytes(bytes(range(256)))
    job = submit(buzzer, "demo.echo", "--payload-file", tmp_path / "in", "--content-type",
                 "image/png")
    buzzer.wait_for_state(job, "SUCCEEDED")
    done = buzzer.cli("result", job, "--output-file", tmp_path / "out")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "out").read_bytes() == bytes(range(256))


def test_json_is_that_of_the_rest_api(buzzer):
    job = submit(buzzer, "demo.echo", "--payload", "1")
    buzzer.wait_for_state(job, "SUCCEEDED")
    assert json.loads(buzzer.cli("get", job, "--output", "json").stdout) == buzzer.get(job)
    events = [json.loads(line)
              for line in buzzer.cli("watch", job, "--output", "json").stdout.splitlines()]
    assert events[-1]["job"] == buzzer.get(job)


def test_exit_codes_tell_scripts_what_happened(buzzer):
    failing = submit(buzzer, "demo.fail", "--payload", '{"times": 9, "retryable": false}')
    waiting = submit(buzzer, "demo.echo", "--delay", "1h")
    for expected, arguments in [
        (1, ["watch", failing]),
        (1, ["result", failing]),
        (2, ["sumbit", "demo.echo"]),
        (2, ["submit", "demo.ecko"]),
        (4, ["result", waiting]),
        (5, ["watch", waiting, "--timeout", "1s"]),
        (6, ["delete", waiting]),
        (6, ["retry", waiting]),
        (0, ["cancel", waiting]),
        (3, ["watch", waiting]),
        (3, ["result", waiting]),
        (6, ["cancel", failing]),
        (0, ["delete", waiting]),
        (4, ["get", waiting]),
        (4, ["watch", UNKNOWN_ID]),
        (4, ["queues", "get", "nowhere"]),
        (5, ["--address", "127.0.0.1:1", "list"]),
    ]:
        done = (buzzer.cli(*arguments) if "--address" not in arguments else
                subprocess.run([harness.BIN_DIR / "buzzer", *arguments], stdin=subprocess.DEVNULL,
                               capture_output=True, text=True, check=False))
        assert done.returncode == expected, f"{arguments}: {done.stdout}{done.stderr}"
        assert done.stderr or done.stdout


def test_errors_name_what_would_be_right(buzzer):
    assert "known are: demo.echo" in buzzer.cli("submit", "demo.ecko").stderr
    assert "did you mean --priority?" in buzzer.cli("submit", "demo.echo", "--prioritty", 1).stderr
    done = buzzer.cli("submit", "demo.echo", "--label", "a b=c", "--lease", "1s")
    assert "labels" in done.stderr and "lease" in done.stderr


def test_a_key_makes_a_repeat_safe(buzzer):
    key = os.urandom(8).hex()
    first = submit(buzzer, "demo.echo", "--payload", "1", "--key", key)
    repeat = buzzer.cli("submit", "demo.echo", "--payload", "1", "--key", key)
    assert (repeat.returncode, repeat.stdout.strip()) == (0, first)
    assert "this key was used before" in repeat.stderr
    assert buzzer.cli("submit", "demo.echo", "--payload", "2", "--key", key).returncode == 6
    buzzer.wait_for_state(first, "SUCCEEDED")
    assert buzzer.cli("release-key", key).stdout.startswith("released")
    assert buzzer.cli("release-key", key).returncode == 4
    assert submit(buzzer, "demo.echo", "--payload", "2", "--key", key) != first


def test_list_and_queues(buzzer):
    label = "cli-" + os.urandom(4).hex()
    jobs = [submit(buzzer, "demo.echo", "--label", f"team={label}") for _ in range(3)]
    done = buzzer.cli("list", "--label", f"team={label}")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == jobs[::-1]
    done = buzzer.cli("list", "--label", f"team={label}", "--limit", 2)
    assert len(done.stdout.splitlines()) == 3 and "there are more" in done.stderr
    assert "demo.echo" in buzzer.cli("queues").stdout
    assert "PAUSED" in buzzer.cli("queues", "pause", "demo.fail").stdout
    assert "open" in buzzer.cli("queues", "resume", "demo.fail").stdout


def test_addresses_ids_and_durations_are_taken_as_people_write_them(buzzer):
    job = submit(buzzer, "demo.echo", "--delay", "1d")
    port = buzzer.address.rpartition(":")[2]
    for address in (f"http://{buzzer.gateway_address}/", f"localhost:{port}", f":{port}"):
        listed = subprocess.run(
            [harness.BIN_DIR / "buzzer", "--address", address, "list", "--state", "scheduled"],
            capture_output=True, text=True, check=False)
        assert listed.returncode == 0, listed.stderr
        assert re.search(rf"^{job} .* due in (1d|23h59m)$", listed.stdout, re.M)
    assert buzzer.cli("cancel", f"{buzzer.base_url}/v1/jobs/{job}:watch").returncode == 0
    assert buzzer.cli("get", f"/v1/jobs/{job}").returncode == 0


def test_a_list_may_end_in_a_pipe_or_on_a_full_disk(buzzer):
    submit(buzzer, "demo.echo")
    one = f"'{harness.BIN_DIR}/buzzer' --address {buzzer.address} list"
    piped = subprocess.run(["bash", "-c", f"{one} --output json | head -c 1"], text=True,
                           capture_output=True, check=False)
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, "{", "")
    full = subprocess.run(["bash", "-c", f"{one} >/dev/full"], text=True, capture_output=True,
                          check=False)
    assert full.returncode == 5
    assert "standard output cannot be written" in full.stderr and "reachable" not in full.stderr


def test_on_a_terminal_the_bar_is_drawn_in_place(buzzer):
    job = submit(buzzer, "demo.sleep", "--payload", '{"seconds": 2, "steps": 4}')
    ours, theirs = pty.openpty()
    watching = start(buzzer, "watch", job, stdout=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    drawn = b""
    try:
        while chunk := os.read(ours, 65536):
            drawn += chunk
    except OSError:  # how Linux tells the end of a terminal
        pass
    assert watching.wait(harness.WAIT_SECONDS) == 0
    assert re.search(rb"\rRUNNING +\[=+> *\] +\d+ %", drawn)
    *_, last = drawn.split(b"\r\x1b[K")
    assert re.fullmatch(rb"SUCCEEDED after [^\n]*\r\n", last)
    assert drawn.count(b"\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_the_job_running_and_says_so(buzzer, number):
    watching = start(buzzer, "submit", "demo.sleep", "--payload", '{"seconds": 600}', "--watch")
    job = watching.stdout.readline().strip()
    assert watching.stdout.readline()  # the first event
    watching.send_signal(number)
    _, said = watching.communicate(timeout=harness.WAIT_SECONDS)
    assert watching.returncode == 130
    assert f"job {job} goes on" in said and f"buzzer watch {job}" in said
    assert buzzer.get(job)["state"] in ("QUEUED", "RUNNING")
    buzzer.cli("cancel", job)


def test_a_watch_outlives_a_restart_of_the_frontend(fresh_buzzer):
    job = submit(fresh_buzzer, "demo.sleep", "--payload", '{"seconds": 3, "steps": 30}')
    watching = start(fresh_buzzer, "watch", job, "--output", "json")
    seen = [json.loads(watching.stdout.readline())]
    fresh_buzzer.frontend.restart()
    rest, said = watching.communicate(timeout=harness.WAIT_SECONDS)
    assert watching.returncode == 0, said
    assert "out of reach" in said
    seen += [json.loads(line) for line in rest.splitlines()]
    revisions = [int(event["revision"]) for event in seen]
    assert revisions == sorted(set(revisions))
    assert seen[-1]["state"] == "SUCCEEDED"

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs what README shows: the programs of tests/examples, and README's own commands."""

import os
import re
import subprocess
import sys
import uuid

import pytest

import harness

EXAMPLES = harness.ROOT / "tests/examples"


@pytest.fixture
def run(buzzer, api):
    """Runs an example against the set, as its user would; returns its lines."""
    modules = os.path.dirname(os.path.dirname(os.path.dirname(api.job.__file__)))

    def run_example(name, *arguments):
        command = [EXAMPLES / name, *arguments]
        if name.endswith(".py"):
            command.insert(0, sys.executable)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=harness.WAIT_SECONDS,
            env={**os.environ, "BUZZER_REST": buzzer.base_url, "BUZZER_ADDRESS": buzzer.address,
                 "PYTHONPATH": modules,
                 "PATH": f"{harness.ROOT}/.tools/go/bin:{os.environ['PATH']}"})
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout.splitlines()
    return run_example


def ids_and_states(lines):
    return [tuple(line.split()[:2]) for line in lines]


def test_curl_submits_and_polls_to_the_result(run):
    lines = run("curl_submit_and_poll.sh")
    assert lines[0].startswith("accepted: http://")
    assert lines[-2].strip() == "SUCCEEDED" or lines[-2].startswith("SUCCEEDED ")
    assert lines[-1].startswith("{")


def test_curl_polls_a_failed_job_to_its_end(buzzer, run):
    with pytest.raises(AssertionError, match="JOB_FAILED"):
        run("curl_submit_and_poll.sh", "demo.fail", '{"times": 9, "retryable": false}')


def test_curl_watches_and_resumes(buzzer, run):
    job = buzzer.submit("demo.sleep", {"seconds": 1, "steps": 3})
    lines = run("curl_watch.sh", job["id"])
    revisions = [int(line.split(": ")[1]) for line in lines if line.startswith("id: ")]
    assert revisions == sorted(set(revisions))
    assert '"state":"SUCCEEDED"' in [line for line in lines if line.startswith("data: ")][-1]
    resumed = run("curl_watch.sh", job["id"], str(revisions[-2]))
    assert [line for line in resumed if line.startswith("id: ")] == [f"id: {revisions[-1]}"]
    assert run("curl_watch.sh", job["id"], str(revisions[-1])) == []


def test_curl_cancels(buzzer, run):
    job = buzzer.submit("demo.sleep", {"seconds": 600})
    buzzer.wait_for_state(job["id"], "RUNNING")
    assert run("curl_cancel.sh", job["id"]) == ["answer: 202", "CANCELLED"]
    assert run("curl_cancel.sh", job["id"]) == ["answer: 200", "CANCELLED"]


def test_curl_submits_twice_and_gets_one_job(run):
    first, second = run("curl_idempotent_submit.sh", f"order-{uuid.uuid4()}")
    assert first == second


def test_grpcurl_lists_submits_and_watches(run):
    lines = run("grpcurl.sh")
    assert "buzzer.v1.JobService" in lines and "buzzer.v1.QueueService" in lines
    assert "grpc.health.v1.Health" in lines
    assert re.search(r'"state": "SUCCEEDED"', "\n".join(lines))


@pytest.mark.parametrize("through_gateway", [False, True])
def test_a_python_client_submits_watches_and_reads_the_result(buzzer, run, through_gateway):
    lines = run("grpc_client.py", buzzer.gateway_address if through_gateway else buzzer.address)
    assert lines[0].startswith("accepted jobs/")
    assert ids_and_states(lines)[-2][1] == "SUCCEEDED"
    assert lines[-1].startswith("application/json ")


def test_an_event_source_follows_to_the_end(buzzer, run):
    job = buzzer.submit("demo.sleep", {"seconds": 1, "steps": 3})
    seen = ids_and_states(run("event_source.py", job["id"]))
    revisions = [int(revision) for revision, _ in seen]
    assert revisions == sorted(set(revisions))
    assert seen[-1][1] == "SUCCEEDED"


def readme_commands():
    """The commands of README's shell blocks that ask a running Buzzer, one by one. The first
    handler is followed step by step in quickstart_test.py."""
    text = (harness.ROOT / "README.md").read_text().replace("\\\n", " ")
    text = re.sub(r"(?ms)^## Your own handler.*?(?=^## )", "", text)
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.splitlines():
            if re.match(r"(curl|grpcurl|buzzer) ", line):
                yield from re.sub(r"\s+#.*", "", line).split("; ")


def test_every_command_of_readme_works(buzzer):
    """As they stand, but for the endpoints, the ids, and how long demo.sleep sleeps."""
    done_job = buzzer.submit("demo.echo", {"n": 1})["id"]
    buzzer.wait_for_state(done_job, "SUCCEEDED")
    commands = list(readme_commands())
    assert len(commands) >= 15
    for command in commands:
        job = done_job
        if "cancel" in command:
            job = buzzer.submit("demo.echo", delay="3600s")["id"]
        elif "retry" in command:
            job = buzzer.submit("demo.fail", {"times": 1, "retryable": False})["id"]
            buzzer.wait_for_state(job, "FAILED")
        script = re.sub(r"\bID\b", job, command
                        .replace("localhost:8080", buzzer.gateway_address)
                        .replace("localhost:50051", buzzer.address)
                        .replace('"seconds": 45', '"seconds": 1')
                        .replace('"seconds": 5', '"seconds": 1'))
        done = subprocess.run(
            ["bash", "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=harness.WAIT_SECONDS,
            env={**os.environ, "BUZZER_ADDRESS": buzzer.address,
                 "PATH": f"{harness.BIN_DIR}:{harness.ROOT}/.tools/go/bin:{os.environ['PATH']}"})
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
        if "curl -i" in script:
            assert re.match(r"HTTP/1.1 20[02] ", done.stdout), f"{script}\n{done.stdout}"

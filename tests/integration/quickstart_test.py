# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Command one, as a new user types it: beside what else runs here, on ports of its own."""

import fcntl
import json
import os
import pathlib
import re
import shlex
import signal
import stat
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

    def environment(self, **ports):
        variables = {f"BUZZER_{name}_PORT": str(port)
                     for name, port in (self.ports | ports).items()}
        return os.environ | variables | {"BUZZER_RUN_DIR": str(self.directory)}

    def __call__(self, *arguments, **ports):
        return subprocess.run(
            [harness.ROOT / "quickstart", *arguments], text=True, capture_output=True, timeout=400,
            stdin=subprocess.DEVNULL, check=False, env=self.environment(**ports))

    def cli(self, *arguments):
        return subprocess.run(
            [harness.BIN_DIR / "buzzer", "--address", f"127.0.0.1:{self.ports['GRPC']}", *arguments],
            text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False)

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
    """A set in a directory of an earlier version, which let everybody read what it wrote."""
    # A name that means something to sed.
    quickstart = Quickstart(tmp_path_factory.mktemp("quickstart") / "R&D#1")
    for name in ("state/old.db", "log/old.log", "images/old/sheet.jpg", "env",
                 *(f"images/{job}/sheet.jpg" for job in range(6)),
                 *(f"images/demo/20000101-00000{run}/sheet.jpg" for run in range(6))):
        path = quickstart.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        path.chmod(0o644)
        path.parent.chmod(0o755)
    # What a start that failed halfway left.
    (quickstart.directory / "worker.yaml").write_text("")
    try:
        started = quickstart("--no-demo")
        assert started.returncode == 0, started.stdout + started.stderr
        yield quickstart
    finally:
        quickstart("stop")


def queues(quickstart):
    with urllib.request.urlopen(f"http://127.0.0.1:{quickstart.ports['HTTP']}/v1/queues",
                                timeout=10) as answer:
        return {queue["name"].removeprefix("queues/"): queue
                for queue in json.load(answer)["queues"]}


def eventually_serves(quickstart, type_, workers):
    harness.eventually(
        lambda: queues(quickstart).get(type_, {}).get("workers") == workers,
        harness.START_SECONDS, f"{workers} workers of {type_}")


def test_the_demo_shows_the_old_way_and_the_job(running):
    done = running()
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    assert "-> 504 after 3." in said or "faster than the limit" in said
    assert "-> 202 after " in said
    assert "SUCCEEDED" in said
    assert "-> 12 of 12 pictures" in said
    assert running.is_healthy()
    status = running("status")
    assert status.returncode == 0
    assert status.stdout.count(" up ") == 6
    # Of its own runs the newest few are left, and of what other jobs wrote all.
    images = running.directory / "images"
    assert {path.name for path in images.iterdir()} == {"demo", "old", *map(str, range(6))}
    assert len(list((images / "demo").iterdir())) == 5


def test_a_rerun_takes_the_users_pictures_and_starts_nothing_anew(running):
    pictures = running.directory.parent / "my pictures"
    pictures.mkdir()
    os.symlink("/usr/share/backgrounds/mate/nature/Aqua.jpg", pictures / "Aqua.jpg")
    again = running("--images", pictures)
    assert again.returncode == 0, again.stdout + again.stderr
    # Their directory is named to those who may read it, once, and the user is told.
    assert "(worker sync-twin)" in again.stdout
    assert re.search(f"worker.yaml: every job of images.thumbnails may read {pictures} from now on",
                     again.stdout)
    assert "-> 1 of 1 pictures" in again.stdout
    pids = running.pids()
    again = running("--no-demo")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "all were running" in again.stdout
    assert running.pids() == pids


def test_what_it_writes_is_nobody_elses(running):
    open_to_others = [path for path in running.directory.rglob("*")
                      if mode_of(path) & 0o077
                      # What handlers write has the user's modes, in a directory that is shut.
                      and path.relative_to(running.directory).parts[0] != "images"]
    assert open_to_others == []
    images = running.directory / "images"
    assert images.stat().st_mode & 0o777 == 0o700
    assert mode_of(images / "old/sheet.jpg") == 0o644


def mode_of(path):
    """Nobody's for a link, and for a file that a running part has removed meanwhile."""
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return 0
    return 0 if stat.S_ISLNK(found) else stat.S_IMODE(found)


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
    eventually_serves(running, "demo.echo", 1)
    with subprocess.Popen(
            ["bash", "-c", f"source '{running.directory}/env' && exec buzzer-worker --config "
             f"'{running.directory}/worker.yaml' --state_address \"$BUZZER_STATE_ADDRESS\" "
             "--metrics_address 127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as second:
        try:
            eventually_serves(running, "demo.echo", 2)
        finally:
            second.terminate()
        assert second.wait(harness.STOP_SECONDS) == 0


def test_a_handler_added_to_the_workers_file_is_served_after_a_rerun_without_the_demo(running):
    config = running.directory / "worker.yaml"
    assert "# Most jobs at once" in config.read_text()  # the comments explain it
    others = {name: pid for name, pid in running.pids().items()
              if name not in ("worker", "sync-twin")}
    text, inputs = re.subn(r"(THUMBNAILS_INPUT:).*", r'\1 "/no/pictures"', config.read_text())
    assert inputs == 1
    text += "  - type: my.first\n    kind: exec\n    program: [cat]\n"
    config.write_text(text)
    again = running("--no-demo")
    assert again.returncode == 0, again.stdout + again.stderr
    # The demo's server reads the same file.
    assert "(worker sync-twin)" in again.stdout and "-> " not in again.stdout
    eventually_serves(running, "my.first", 1)
    # Who runs no demo opens no directory for it.
    assert config.read_text() == text
    pids = running.pids()
    assert {name: pids[name] for name in others} == others


def own_handler_script(port):
    """The shell blocks of README's section, one after the other."""
    section = re.search(r"(?ms)^## Your own handler.*?(?=^## )",
                        (harness.ROOT / "README.md").read_text())[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))
    return (script.replace("./quickstart", shlex.quote(str(harness.ROOT / "quickstart")))
            .replace("localhost:8080", f"localhost:{port}"))


def test_the_first_handler_of_readme_works_word_for_word(running, tmp_path):
    (tmp_path / ".run").symlink_to(running.directory)
    done = subprocess.run(
        ["bash", "-euc", own_handler_script(running.ports["HTTP"])], cwd=tmp_path, text=True,
        capture_output=True, timeout=300, stdin=subprocess.DEVNULL, check=False,
        env=running.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^HTTP/1.1 202 ", done.stdout, re.M)
    assert re.search(r"RUNNING +66 %  text 2$", done.stdout, re.M)
    succeeded, again, failed = re.findall(r"^.*(?:SUCCEEDED|FAILED) after .*$", done.stdout, re.M)
    assert "application/json" in succeeded
    assert "SUCCEEDED" in again and "at attempt 2" in again
    assert "FAILED" in failed
    assert "KeyError: 'texts'" in done.stdout and "exit code 1" in done.stdout
    location = re.search(r"^location: (\S+)$", done.stdout, re.M | re.I)[1]
    assert running.cli("result", location).stdout == '{"words": 3}\n'
    job = re.findall(r"[0-9a-f-]{36}$", done.stdout, re.M)[1]
    assert running.cli("result", job).stdout == '{"words": 6}\n'


def test_mistakes_are_named(running):
    moved = running(HTTP=harness.free_port())
    assert moved.returncode == 1
    assert "gateway runs on port" in moved.stderr
    for ports, words in [({"HTTP": "web"}, "BUZZER_HTTP_PORT must be a port"),
                         ({"HTTP": 70000}, "BUZZER_HTTP_PORT must be a port"),
                         ({"HTTP": running.ports["GRPC"]}, "give them two")]:
        done = running(**ports)
        assert done.returncode == 1 and words in done.stderr, done.stderr
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ended_while_it_builds_it_leaves_nothing_that_blocks_the_next(quickstart, number):
    (harness.ROOT / "build").mkdir(exist_ok=True)
    with open(harness.ROOT / "build/quickstart.lock", "w", encoding="utf-8") as build:
        fcntl.flock(build, fcntl.LOCK_EX)
        with subprocess.Popen([harness.ROOT / "quickstart", "--no-demo"], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              start_new_session=True, env=quickstart.environment()) as ours:
            assert any("another build is under way" in line for line in ours.stdout)
            os.killpg(ours.pid, number)
            assert ours.wait(harness.STOP_SECONDS) != 0
        with open(quickstart.directory / "lock", encoding="utf-8") as lock:
            harness.eventually(lambda: is_free(lock), what="the set's lock being free")
        # The one that waited for the build's lock has gone as well.
        harness.eventually(lambda: holders(build.name) == [os.getpid()], what="one holder")


def is_free(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def holders(path):
    """The processes that have the file open."""
    found = set()
    for entry in pathlib.Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.path.samefile(entry, path):
                found.add(int(entry.parts[2]))
        except OSError:
            pass
    return sorted(found)


def test_a_part_that_died_before_its_start_time_was_read_is_down(quickstart):
    (quickstart.directory / "pid").mkdir(parents=True)
    with subprocess.Popen(["true"]) as dead:
        pass
    (quickstart.directory / "pid/worker").write_text(f"{dead.pid} \n")
    status = quickstart("status")
    assert re.search(r"^worker +down$", status.stdout, re.M), status.stdout
    stopped = quickstart("stop")
    assert stopped.returncode == 0 and stopped.stderr == "", stopped.stderr


def test_a_directory_that_yaml_would_read_otherwise_is_refused(quickstart):
    quickstart.directory = quickstart.directory.parent / 'a"b'
    done = quickstart("--no-demo")
    assert done.returncode == 1 and "must have no '\"'" in done.stderr, done.stderr
    assert not quickstart.directory.exists()


def test_status_stop_and_help_of_a_set_that_never_was_make_nothing(quickstart):
    assert quickstart("status").returncode == 1
    assert quickstart("stop").returncode == 0
    assert "--no-demo" in quickstart("--help").stdout
    assert not quickstart.directory.exists()

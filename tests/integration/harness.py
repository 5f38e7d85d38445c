# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Starts the real parts of Buzzer for a test, each on its own ports and directories.

    with harness.Set(broker) as buzzer:
        job = buzzer.submit("demo.echo", {"a": 1})
        buzzer.worker.kill()
        ...
        buzzer.wait_for_state(job["id"], "SUCCEEDED")

The environment variable BUZZER_BIN_DIR chooses the binaries (build/release/bin unless
set). BUZZER_TEST_BROKER names the directory of a running tools/broker node to share;
without it each session starts its own. BUZZER_KEEP_LOGS keeps the directories.
"""

import contextlib
import itertools
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import google.api
import grpc
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN_DIR = pathlib.Path(os.environ.get("BUZZER_BIN_DIR", ROOT / "build/release/bin"))
# Of its own log only warnings, and the line that says it is up.
ENVOY_COMMAND = [ROOT / ".tools/venv/bin/envoy", "--disable-hot-restart", "--concurrency", "2",
                 "--log-level", "warning", "--component-log-level", "config:info"]
# Sanitizers and two busy cores make everything slower; no test measures by these.
START_SECONDS = 60
STOP_SECONDS = 30
WAIT_SECONDS = 60

# Where the demo's thumbnails may be read and written.
THUMBNAILS = {"THUMBNAILS_INPUT": f"/usr/share/backgrounds:{tempfile.gettempdir()}",
              "THUMBNAILS_OUTPUT": tempfile.gettempdir()}

_handed_out = []


def free_port():
    """A port below the ephemeral range, so that no outgoing connection takes it. No other test
    process is given it as long as this one lives: each holds a socket of that name."""
    while True:
        port = random.randrange(20000, 32000)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0buzzer-test-port-{port}")
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            claim.close()
            continue
        _handed_out.append(claim)
        return port


# Runs a command that the kernel kills when we end. Not a preexec_fn: that needs a true
# fork, and gRPC's fork handlers sometimes break the child of a process with a server.
_DYING_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class Part:
    """One process of the set. Its log is kept in a file and, while followed, line by line in
    memory."""

    def __init__(self, name, command, directory, ready, environment=None, port=None,
                 follow=True):
        """`ready` tells from a log line (text, JSON object or None) that it is up; with a
        port, it must take connections as well. Without `follow`, lines come to memory only
        until it is up."""
        self.name = name
        self.command = [str(word) for word in command]
        self.log_file = directory / f"{name}.log"
        self._ready = ready
        self._port = port
        self._follow = follow
        # What the process gets beside our own environment; may grow before a start.
        self.environment = dict(environment or {})
        self._process = None
        self._reader = None
        self._changed = threading.Condition()
        self._lines = []  # (text, JSON object or None)
        self._started_at = 0

    @property
    def pid(self):
        return self._process.pid

    def running(self):
        return self._process is not None and self._process.poll() is None

    def start(self, wait=True):
        assert not self.running(), f"{self.name} runs already"
        self._started_at = self.mark()
        with open(self.log_file, "ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                [*_DYING_WITH_US, *self.command], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._follow else log,
                stderr=subprocess.STDOUT, env={**os.environ, **self.environment})
        lines = (self._copied(self._process.stdout) if self._follow
                 else self._lines_until_up(self._process, begin))
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self):
        self._wait(self._ready, START_SECONDS, self._started_at, "being up")
        if self._port:
            eventually(lambda: takes_connections(self._port), START_SECONDS,
                       f"{self.name} listening")

    def stop(self):
        """SIGTERM, to a paused one as well; returns the exit code."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)
        return self.join()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.join()

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        if self.running():
            self._process.send_signal(number)

    def mark(self):
        """The place in the log from which a later wait_for_event should look."""
        with self._changed:
            return len(self._lines)

    def events(self, name=None, since=0, **fields):
        """The JSON events of the log, all or those of a name with these fields."""
        with self._changed:
            objects = [event for _, event in self._lines[since:] if event]
        return [event for event in objects if _fits(event, name, fields)]

    def wait_for_event(self, name, timeout=WAIT_SECONDS, since=0, **fields):
        """The first such event, which may have come already."""
        return self._wait(lambda _, event: event is not None and _fits(event, name, fields),
                          timeout, since, f"event {name} {fields or ''}")

    def tail(self, count=40):
        return "\n".join(self._texts()[-count:])

    def sanitizer_reports(self):
        """What ASan, UBSan or TSan said in this part, each with the lines after it."""
        texts = self._texts()
        return [f"{self.name}: " + "\n".join(texts[at:at + 40]) for at, text in enumerate(texts)
                if "Sanitizer: " in text or "runtime error: " in text]

    def _texts(self):
        if not self._follow and self.log_file.exists():
            return self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        with self._changed:
            return [text for text, _ in self._lines]

    def _wait(self, fits, timeout, since, what):
        deadline = time.monotonic() + timeout
        with self._changed:
            for at in itertools.count(since):
                while at >= len(self._lines):
                    left = deadline - time.monotonic()
                    ended = not self._reader.is_alive()
                    if left <= 0 or ended:
                        raise AssertionError(
                            f"{self.name} {'ended' if ended else f'ran {timeout} s'} "
                            f"without {what}; its log:\n{self.tail()}")
                    self._changed.wait(min(left, 0.5))
                text, event = self._lines[at]
                if fits(text, event):
                    return event if event is not None else text

    def _read(self, lines):
        for raw in lines:
            with self._changed:
                self._lines.append(_parsed(raw))
                self._changed.notify_all()

    def _copied(self, pipe):
        """The pipe's lines, which go to the file as well."""
        with open(self.log_file, "ab", buffering=0) as log:
            for raw in pipe:
                log.write(raw)
                yield raw

    def _lines_until_up(self, process, begin):
        """The file's lines from `begin` on."""
        with open(self.log_file, "rb") as log:
            log.seek(begin)
            part = b""
            while True:
                ended = process.poll() is not None
                part += log.readline()
                if part.endswith(b"\n"):
                    yield part
                    if self._ready(*_parsed(part)):
                        return
                    part = b""
                elif ended:
                    return
                else:
                    time.sleep(0.01)

    def join(self):
        """Waits until it has ended; returns the exit code."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(
                f"{self.name} did not end within {STOP_SECONDS} s of its signal; its log:\n"
                f"{self.tail()}") from None
        # Programs that a killed worker ran may hold the pipe open a little longer.
        self._reader.join(1)
        return code


def _parsed(raw):
    """The line's text, and the JSON object that it may be."""
    text = raw.decode(errors="replace").rstrip("\n")
    try:
        event = json.loads(text)
    except ValueError:
        event = None
    return text, event if isinstance(event, dict) else None


def _fits(event, name, fields):
    return ((name is None or event.get("event") == name)
            and all(event.get(key) == value for key, value in fields.items()))


def takes_connections(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_serving(_, event):
    return event is not None and event.get("event") == "serving"


def envoy_starts(text, _):
    """A moment later it listens."""
    return "starting workers" in text


class Broker:
    """A RabbitMQ node under tools/broker: the one of BUZZER_TEST_BROKER, or its own."""

    def __init__(self, directory=None, extra_conf=""):
        """`extra_conf` has further lines of the node's configuration, for one of its own."""
        self._owned = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="buzzer-broker-"))
        if extra_conf:
            (self.directory / "extra.conf").write_text(extra_conf)
        self._janitor = None
        if self._owned:
            # Outlives us if we are killed, and then ends the node in our place.
            self._janitor = subprocess.Popen(
                ["sh", "-c", 'read -r _; "$1" stop "$2"; rm -rf "$2"', "sh",
                 ROOT / "tools/broker", self.directory],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
            self.start()

    @property
    def url(self):
        return (self.directory / "url").read_text().strip()

    @property
    def port(self):
        return int((self.directory / "port.amqp").read_text())

    def start(self):
        self._tool("start")

    def stop(self):
        self._tool("stop")

    def kill(self):
        """kill -9 of the node itself. It is gone when this returns: tools/broker would take one
        that is still dying for one that runs."""
        pid = int((self.directory / "node.pid").read_text())
        node = os.pidfd_open(pid)
        try:
            os.kill(pid, signal.SIGKILL)
            assert select.select([node], [], [], STOP_SECONDS)[0], "the node does not die"
        finally:
            os.close(node)

    def ctl(self, *arguments):
        """rabbitmqctl; returns what it prints."""
        return self._tool("ctl", *arguments)

    def close(self):
        if self._janitor:
            self._janitor.communicate()
            self._janitor = None

    def _tool(self, command, *arguments):
        done = subprocess.run([ROOT / "tools/broker", command, self.directory, *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=200)
        assert done.returncode == 0, f"tools/broker {command} failed:\n{done.stderr}"
        return done.stdout


def compile_api(out):
    """Makes the Python modules of buzzer.v1 under `out` and returns them, as an object with
    an attribute for each."""
    protos = ROOT / "protos"
    names = sorted((protos / "buzzer/v1").glob("*.proto"))
    # google/api comes with the package googleapis-common-protos.
    common = pathlib.Path(next(iter(google.api.__path__))).parents[1]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"-I{common}",
                    f"--python_out={out}", f"--grpc_python_out={out}", *map(str, names)],
                   check=True)
    sys.path.insert(0, str(out))
    from buzzer.v1 import (job_pb2, job_service_pb2, job_service_pb2_grpc, queue_service_pb2,
                           queue_service_pb2_grpc)

    class Api:
        job = job_pb2
        jobs = job_service_pb2
        jobs_grpc = job_service_pb2_grpc
        queues = queue_service_pb2
        queues_grpc = queue_service_pb2_grpc

    return Api


class Set:
    """State, worker, frontend and gateway on one broker; what a newcomer would run.

    The parts are attributes: state, worker, frontend, gateway, and sync_twin if asked for.
    Each Set has its own data, ports and broker queues, so several may share a broker.
    """

    def __init__(self, broker, worker_config=None, sync_twin=False, state_flags=(),
                 worker_flags=(), frontend_flags=(), gateway_flags=(), follow_logs=True,
                 tree=None):
        """`worker_config` is a YAML file; services/worker/examples/demo.yaml unless set.
        Without `follow_logs` nobody reads the services' logs once they are up: reading three
        lines of each job here takes a share of the machine. `tree` is another checkout, with
        its release build, whose programs and gateway are to be started instead of ours."""
        self.broker = broker
        self._tree = tree or ROOT
        self._bin = BIN_DIR if tree is None else tree / "build/release/bin"
        self._follow_logs = follow_logs
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="buzzer-test-"))
        self.http_port, self.grpc_port, self.state_port = free_port(), free_port(), free_port()
        self.metrics_ports = {name: free_port() for name in ("state", "worker", "frontend")}
        self.address = f"127.0.0.1:{self.grpc_port}"
        self.gateway_address = f"127.0.0.1:{self.http_port}"
        self.base_url = f"http://{self.gateway_address}"
        self.http = requests.Session()
        self._prefix = f"test-{uuid.uuid4().hex[:8]}"
        self._worker_config = worker_config or self._demo_config()
        self._worker_flags = list(worker_flags)

        self.state = self._service(
            "state", "--listen_address", f"127.0.0.1:{self.state_port}",
            "--data_directory", self.directory / "state",
            "--broker_queue_prefix", self._prefix, *state_flags)
        self.worker = self.new_worker()
        self.frontend = self._service(
            "frontend", "--listen_address", self.address,
            "--state_address", f"127.0.0.1:{self.state_port}", *frontend_flags)
        self.sync_twin = None
        if sync_twin:
            port = free_port()
            gateway_flags = [*gateway_flags, "--sync-twin-port", port]
            self.sync_twin = Part(
                "sync_twin", [sys.executable, ROOT / "tests/support/sync_twin.py", port],
                self.directory, is_serving, THUMBNAILS)
        self.gateway = self._gateway(gateway_flags)
        self._extra_workers = []

    def __enter__(self):
        try:
            # Like people would: in any order, all at once.
            for part in self.parts():
                part.start(wait=False)
            for part in self.parts():
                part.wait_until_up()
            self.wait_for_types("demo.echo")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, failure, *_):
        codes = {}
        try:
            if failure is None:
                codes = self.stop_all()
        finally:
            self.close()
        bad = {name: code for name, code in codes.items() if code != 0}
        assert not bad, f"exit codes after SIGTERM: {bad}"

    def parts(self):
        return [part for part in (self.state, self.worker, self.frontend, self.sync_twin,
                                  self.gateway) if part]

    def close(self):
        """Ends what still runs, and fails if a sanitizer found anything in any part."""
        everything = [*self.parts(), *self._extra_workers]
        for part in everything:
            if part.running():
                part.kill()
        self.http.close()
        with contextlib.suppress(AssertionError):
            self._delete_broker_queues()
        reports = [report for part in everything for report in part.sanitizer_reports()]
        if "BUZZER_KEEP_LOGS" not in os.environ:
            shutil.rmtree(self.directory, ignore_errors=True)
        assert not reports, "\n".join(reports)

    def _demo_config(self):
        """The example's handlers; its thumbnails may read and write where tests do."""
        examples = ROOT / "services/worker/examples"
        text = (examples / "demo.yaml").read_text().replace("[images/", f"[{examples}/images/")
        for name, value in THUMBNAILS.items():
            text = re.sub(rf"{name}: .*", f"{name}: {value}", text)
        config = self.directory / "demo.yaml"
        config.write_text(text)
        return config

    def _delete_broker_queues(self):
        # In one call, since each start of rabbitmqctl takes most of a second; and the broker
        # may take its time, since nobody waits for these queues.
        self.broker.ctl("eval", f"""
            spawn(fun() ->
              [rabbit_amqqueue:delete(Queue, false, false, <<"test">>)
               || Queue <- rabbit_amqqueue:list(),
                  {{resource, _, queue, <<"{self._prefix}.", _/binary>>}}
                    <- [amqqueue:get_name(Queue)]]
            end).
            """)

    def new_worker(self, name="worker", config=None):
        """A worker part of this set, not started yet; further ones need other names."""
        metrics = self.metrics_ports["worker"] if name == "worker" else free_port()
        part = self._service(
            "worker", "--config", config or self._worker_config,
            "--state_address", f"127.0.0.1:{self.state_port}",
            "--broker_queue_prefix", self._prefix, *self._worker_flags,
            name=name, metrics_port=metrics)
        if name != "worker":
            self._extra_workers.append(part)
        return part

    def _service(self, service, *flags, name=None, metrics_port=None):
        port = metrics_port or self.metrics_ports[service]
        return Part(
            name or service,
            [self._bin / f"buzzer-{service}", "--metrics_address", f"127.0.0.1:{port}", *flags],
            self.directory, is_serving, {"BUZZER_BROKER_URL": self.broker.url},
            follow=self._follow_logs)

    def _gateway(self, flags):
        config = self.directory / "envoy.yaml"
        admin = ["--admin-socket", self.directory / "envoy-admin.sock"]
        if self._tree != ROOT:
            admin = ["--admin-port", str(free_port())]  # An older checkout knows no socket.
        with open(config, "w", encoding="utf-8") as out:
            subprocess.run(
                [self._tree / "tools/render-gateway", "--listen", self.gateway_address,
                 *admin, "--frontend", self.address,
                 "--descriptor", self._bin.parent / "api.pb", *map(str, flags)],
                stdout=out, check=True)
        return Part(
            "gateway", [*ENVOY_COMMAND, "-c", config],
            self.directory, envoy_starts, port=self.http_port)

    # Calls, as a client makes them.

    def rest(self, method, path, **keywords):
        keywords.setdefault("timeout", WAIT_SECONDS)
        return self.http.request(method, self.base_url + path, **keywords)

    def channel(self, through_gateway=False):
        return grpc.insecure_channel(self.gateway_address if through_gateway else self.address)

    def submit(self, job_type, payload=None, **fields):
        """Submits through REST and returns the accepted job."""
        answer = self.rest("POST", "/v1/jobs", json={"type": job_type, "payload": payload, **fields})
        assert answer.status_code == 202, answer.text
        return answer.json()

    def get(self, job_id, **parameters):
        answer = self.rest("GET", f"/v1/jobs/{job_id}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for_state(self, job_id, *states, timeout=WAIT_SECONDS):
        """Holds on the job's revisions until it is in one of the states.

        Rides out 503, as clients do: the frontend needs a moment to find a state service
        that was restarted."""
        deadline = time.monotonic() + timeout
        parameters = {}
        while True:
            answer = self.rest("GET", f"/v1/jobs/{job_id}", params=parameters)
            if answer.status_code == 503:
                time.sleep(0.05)
            else:
                assert answer.status_code == 200, answer.text
                job = answer.json()
                if job["state"] in states:
                    return job
                parameters = {"after": job["revision"], "wait": "5s"}
            assert time.monotonic() < deadline, f"not {states} in {timeout} s: {answer.text}"

    def wait_for_types(self, *types, timeout=WAIT_SECONDS):
        """Until a worker has announced these types."""
        known = set()

        def announced():
            try:
                answer = self.rest("GET", "/v1/queues")
            except requests.ConnectionError:
                return False  # Envoy says that it starts a moment before it listens.
            if answer.status_code == 200:
                for queue in answer.json()["queues"]:
                    known.update(queue["types"] if queue["workers"] else [])
            return known >= set(types)

        eventually(announced, timeout, f"types {types} announced")

    def cli(self, *arguments, **keywords):
        """Runs the `buzzer` command against this set; returns the finished process."""
        keywords.setdefault("timeout", WAIT_SECONDS)
        return subprocess.run([BIN_DIR / "buzzer", "--address", self.address,
                               *map(str, arguments)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False, **keywords)

    def metrics(self, service):
        """The Prometheus text of state, worker or frontend."""
        return requests.get(f"http://127.0.0.1:{self.metrics_ports[service]}/metrics",
                            timeout=WAIT_SECONDS).text

    def stop_all(self):
        """SIGTERM to each that runs, outermost first; returns the exit codes by name.

        The demo's twin is not ours to judge: it has no handler for SIGTERM."""
        running = [part for part in [*reversed(self.parts()), *self._extra_workers]
                   if part.running() and part is not self.sync_twin]
        return {part.name: part.stop() for part in running}


def eventually(holds, timeout=WAIT_SECONDS, what="the condition"):
    """For what no event tells of: asks again until it holds."""
    deadline = time.monotonic() + timeout
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not hold within {timeout} s"
        time.sleep(0.05)

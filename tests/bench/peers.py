# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What users have instead: each peer as its users would write it, with the settings that its
documentation recommends, and the same load on its front as on ours."""

import contextlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import harness
import requests

HERE = pathlib.Path(__file__).resolve().parent
BUILT = harness.ROOT / ".tools/bench"
BODY = json.dumps({"type": "noop", "payload": {"x": 1}})


def missing():
    """What `tools/setup bench` would install, or ""."""
    commands = [name for name in ("redis-server", "wrk", "gunicorn", "node", "perf")
                if shutil.which(name) is None]
    commands += [str(path) for path in (BUILT / "bullmq/node_modules", BUILT / "asynq")
                 if not path.exists()]
    return ", ".join(commands)


def post(url, seconds, connections, body=BODY):
    """POSTs as fast as answers come, for so long; returns what post.lua tells."""
    done = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s",
         "--timeout", "30s", "--latency", "--script", HERE / "post.lua", url, "--", body],
        check=True, capture_output=True, text=True)
    figures = json.loads(done.stderr.strip().splitlines()[-1])
    assert not figures["refused"] and not figures["broken"], figures
    return figures


class Peer:
    """One peer's processes. `done` tells how many jobs it has finished."""

    # How its Redis, if it has one, syncs its log of writes: each second, for those who can lose
    # a second; with "always", before each answer, for those who can lose nothing.
    sync = "everysec"

    def __init__(self, directory):
        self._port = harness.free_port()
        self._directory = directory
        self._processes = contextlib.ExitStack()
        self.url = f"http://127.0.0.1:{self._port}/v1/jobs"

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.begin(stack)
            harness.eventually(self._answers, 30, f"{self.name}'s front answering")
            self._processes = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._processes.close()

    def done(self):
        return requests.get(f"http://127.0.0.1:{self._port}/done", timeout=30).json()["done"]

    def _answers(self):
        with contextlib.suppress(requests.ConnectionError):
            return self.done() >= 0
        return False

    def run(self, stack, command, cwd=None, **environment):
        log = stack.enter_context(open(self._directory / f"{self.name}.log", "a", encoding="utf-8"))
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)], cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self._directory),
                 "PYTHONDONTWRITEBYTECODE": "1", "PORT": str(self._port), **environment})
        stack.callback(_end, process)

    def redis(self, stack):
        """With its log of writes."""
        port = harness.free_port()
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.run(stack, ["redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", directory,
                         "--save", "", "--appendonly", "yes", "--appendfsync", self.sync,
                         "--maxmemory-policy", "noeviction"])
        harness.eventually(lambda: harness.takes_connections(port), 30, "Redis")
        return port


class BullMQ(Peer):
    """BullMQ 5 on Redis, behind Fastify."""

    name = "BullMQ"

    def begin(self, stack):
        port = str(self.redis(stack))
        for part in ("front", "worker"):
            # Beside its node_modules.
            self.run(stack, ["node", BUILT / f"bullmq/{part}.mjs"], REDIS_PORT=port,
                     NODE_ENV="production")


class SyncedBullMQ(BullMQ):
    """The same with a Redis that answers when what was asked is on the disk, as ours does."""

    name = "BullMQ synced"
    sync = "always"


class Asynq(Peer):
    """Asynq on Redis, behind net/http."""

    name = "Asynq"

    def begin(self, stack):
        port = str(self.redis(stack))
        for part in ("front", "worker"):
            self.run(stack, [BUILT / "asynq", part], REDIS_PORT=port)


class Celery(Peer):
    """Celery on RabbitMQ with results in Redis, behind Flask under gunicorn."""

    name = "Celery"

    def __init__(self, directory, broker):
        super().__init__(directory)
        self._broker = broker

    def begin(self, stack):
        urls = {"BROKER_URL": self._broker.url,
                "BACKEND_URL": f"redis://127.0.0.1:{self.redis(stack)}/0"}
        where = HERE / "peers/celery"
        self.run(stack, ["gunicorn", "--workers", "2", "--threads", "32", "--bind",
                         f"127.0.0.1:{self._port}", "front:front"], where, **urls)
        self.run(stack, ["/usr/bin/python3", "-m", "celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel",
                         "WARNING", "-O", "fair", "--without-gossip", "--without-mingle"],
                 where, **urls)


class Ours:
    """The set as the tests start it, through Envoy."""

    name = "Buzzer"

    def __init__(self, system):
        self._system = system
        self.url = f"{system.base_url}/v1/jobs"

    def done(self):
        return int(self._system.rest("GET", "/v1/queues/demo.echo").json()["succeeded"])


def _end(process):
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    process.kill()
    process.wait()


def wait_for(peer, jobs, seconds=300):
    deadline = time.monotonic() + seconds
    while peer.done() < jobs:
        assert time.monotonic() < deadline, f"{peer.name}: {peer.done()} of {jobs} jobs done"
        time.sleep(0.02)

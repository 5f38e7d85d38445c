# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A cluster of RabbitMQ 4.0 nodes on 127.0.0.1, out of the Debian 13 that tests/broker/root
makes. It has the ports, the epmd, the cookie and the directory to itself; all of it ends with
the process that made it, however that ends."""

import contextlib
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))
import harness  # noqa: E402

START_SECONDS = 180
LOOPBACK = "-kernel inet_dist_use_interface {127,0,0,1}"
# In a mount namespace of its own, which goes with its last process: the directory stands in
# the chroot where it stands outside.
ENTER = """
mount --bind "$2" "$1$2" && mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" &&
root=$1 && shift 2 && exec chroot "$root" "$@"
"""


def missing():
    """Why there can be no such cluster here; empty if there can."""
    look = subprocess.run([HERE / "root", "--look"], capture_output=True, text=True, check=False)
    return look.stderr.strip()


class Node:
    """One node. Start and stop it as often as need be; it keeps its data and ports."""

    def __init__(self, cluster, number):
        self.cluster, self.number = cluster, number
        self.name = f"{cluster.name}-{number}@localhost"
        self.directory = cluster.directory / str(number)
        self.port, self._dist_port = harness.free_port(), harness.free_port()
        self._process = None
        for part in ("data", "log", "generated"):
            (self.directory / part).mkdir(parents=True)
        (self.directory / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        (self.directory / "rabbitmq.conf").write_text("\n".join([
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "default_user = buzzer",
            f"default_pass = {cluster.password}",
            *[f"cluster_formation.classic_config.nodes.{other} = {cluster.name}-{other}@localhost"
              for other in range(1, cluster.size + 1)],
            *cluster.configuration, ""]), encoding="utf-8")

    @property
    def pid(self):
        return self._process.pid

    def running(self):
        return self._process is not None and self._process.poll() is None

    def start(self, wait=True):
        assert not self.running(), f"{self.name} runs already"
        with open(self.directory / "log/start.log", "ab") as log:
            self._process = subprocess.Popen(
                self.cluster.inside("rabbitmq-server"), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env=self._environment())
        if wait:
            self.wait_until_up()
        return self

    def wait_until_up(self):
        harness.eventually(lambda: harness.takes_connections(self.port) or not self.running(),
                           START_SECONDS, f"{self.name} listening")
        assert self.running(), f"{self.name} ended; its log:\n{self.tail()}"

    def kill(self):
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self):
        """SIGTERM."""
        if self.running():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(60)
        if self.running():
            self.kill()

    def pause(self):
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.pid, signal.SIGCONT)

    def ctl(self, *arguments, tool="rabbitmqctl", timeout=120):
        """What the tool prints."""
        done = subprocess.run(self.cluster.inside(tool, "--quiet", *arguments),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=timeout, env=self._environment())
        assert done.returncode == 0, f"{tool} {arguments} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def has_connection(self, client):
        """Whether a connection that calls itself so is at this node."""
        return self.ctl("eval", f"""
            length([1 || Pid <- rabbit_networking:local_connections(),
                         [{{client_properties, Properties}}]
                           <- [rabbit_reader:info(Pid, [client_properties])],
                         {{_, _, <<"{client}">>}}
                           <- [lists:keyfind(<<"connection_name">>, 1, Properties)]]).
            """).strip() != "0"

    def log_text(self):
        return "".join(path.read_text(encoding="utf-8", errors="replace")
                       for path in sorted((self.directory / "log").glob("*.log")))

    def tail(self, lines=30):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def _environment(self):
        mine = self.directory
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("RABBITMQ_", "ERL_", "NOTIFY_SOCKET"))}
        return {
            **kept, "HOME": str(self.cluster.directory), "LC_ALL": "C.UTF-8",
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "ERL_EPMD_PORT": str(self.cluster.epmd_port), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.name, "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CONF_ENV_FILE": str(mine / "none"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(mine / "none.config"),
            "RABBITMQ_CONFIG_FILE": str(mine / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(mine / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(mine / "generated"),
            "RABBITMQ_MNESIA_BASE": str(mine / "data"), "RABBITMQ_LOG_BASE": str(mine / "log"),
            # Several nodes on few cores: bound schedulers would all sit on the first.
            "RABBITMQ_SCHEDULER_BIND_TYPE": "u",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": LOOPBACK,
            "RABBITMQ_CTL_ERL_ARGS": LOOPBACK,
            "RABBITMQ_CTL_DIST_PORT_MIN": "0", "RABBITMQ_CTL_DIST_PORT_MAX": "0",
            # Makes the script replace itself by the node, so that its pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "1",
        }


class Cluster:
    """with Cluster(3) as cluster: ...; `configuration` has further lines for every node."""

    # No more than what a test needs of the machine's memory and disk.
    SPARING = ("raft.wal_max_size_bytes = 64000000", "vm_memory_high_watermark.relative = 0.2",
               "disk_free_limit.absolute = 500MB")

    def __init__(self, size, configuration=SPARING):
        self.size, self.configuration = size, list(configuration)
        self._root = subprocess.run([HERE / "root"], stdout=subprocess.PIPE, text=True,
                                    check=True).stdout.strip()
        self._scripts = next(pathlib.Path(self._root).glob(
            "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin")).relative_to(self._root)
        self.version = re.search(r"rabbitmq_server-([\d.]+)", str(self._scripts)).group(1)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="buzzer-cluster-"))
        self.name = f"buzzer-{secrets.token_hex(4)}"
        self.password = secrets.token_hex(16)
        self.epmd_port = harness.free_port()
        self._inside = pathlib.Path(f"{self._root}{self.directory}")
        self._inside.mkdir(parents=True)
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(20), encoding="ascii")
        cookie.chmod(0o400)
        self.nodes = [Node(self, number) for number in range(1, size + 1)]
        self._epmd = None

    def __enter__(self):
        try:
            self._epmd = subprocess.Popen(
                self.inside(None, "epmd", "-port", str(self.epmd_port),
                            "-address", "127.0.0.1"),
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            harness.eventually(lambda: harness.takes_connections(self.epmd_port), 30, "epmd")
            for node in self.nodes:
                node.start(wait=False)
            for node in self.nodes:
                node.wait_until_up()
            self.wait_until_whole()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for node in self.nodes:
            if node.running():
                node.kill()
        if self._epmd:
            self._epmd.kill()
            self._epmd.wait()
        self._end_tools()
        shutil.rmtree(self.directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            self._inside.rmdir()

    def _end_tools(self):
        """A rabbitmqctl that was given up may run still, and starts an epmd if it finds none. All
        that is ours has our directory for a home, which nobody else has."""
        mark = f"HOME={self.directory}".encode()
        for entry in os.scandir("/proc"):
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in pathlib.Path(
                        entry.path, "environ").read_bytes().split(b"\0"):
                    os.kill(int(entry.name), signal.SIGKILL)

    @property
    def url(self):
        """Of all nodes."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return f"amqp://buzzer:{self.password}@{hosts}/%2f"

    def running(self):
        return [node for node in self.nodes if node.running()]

    def wait_until_whole(self):
        """Every node runs and knows of all."""
        for node in self.nodes:
            deadline = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
                    if node.ctl("eval", "length(rabbit_nodes:list_running()).").strip() == str(
                            self.size):
                        break
                assert time.monotonic() < deadline, f"{node.name} is alone:\n{node.tail()}"

    def inside(self, script, *arguments):
        """The command that runs a script of RabbitMQ, or with None a program, in the chroot."""
        program = [f"/{self._scripts}/{script}"] if script else []
        return ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--propagation",
                "private", "sh", "-c", ENTER, "sh", self._root, str(self.directory), *program,
                *map(str, arguments)]


class ClusterBroker:
    """A cluster as the harness wants its broker."""

    def __init__(self, cluster):
        self.cluster = cluster

    @property
    def url(self):
        return self.cluster.url

    @property
    def port(self):
        """Of one of the nodes."""
        return self.cluster.nodes[0].port

    def ctl(self, *_):
        return ""  # What is asked at the end is to delete queues, and they go with the cluster.

    def connected(self, client="buzzer-state"):
        """The node that has a connection of this name, as state's for publishing is called."""
        return next(node for node in self.cluster.running() if node.has_connection(client))

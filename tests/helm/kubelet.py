# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the pods of a rendering on this machine, as a kubelet would: with the rendered
commands, arguments, variables, mounts and probes. What differs is where things are: names
of Services and ports become ports of this machine, the mounts' paths become directories.
"""

import base64
import os
import pathlib
import re
import subprocess
import sys
import time

import requests

from chart import BIN_DIR, ENVOY, ROOT

sys.path.insert(0, str(ROOT / "tests/integration"))

import harness  # noqa: E402  (the path is set above)

# The image's program of each container, and the ports that stand in its arguments.
PROGRAMS = {"frontend": "buzzer-frontend", "state": "buzzer-state", "worker": "buzzer-worker"}
PORTS = (50051, 50052, 8080, 9101, 9102, 9103, 9104, 9105, 9901)
PARTS = ("state", "worker", "frontend", "gateway")


class Cluster:
    """The parts of one rendering, but those of `without`. `secrets` maps the Secrets' names to their keys and texts,
    `broker` replaces the rendered HOST:PORT of the broker."""

    def __init__(self, rendering, directory, broker, secrets, without=()):
        self.rendering = rendering
        self.directory = pathlib.Path(directory)
        self._broker = broker
        self._secrets = secrets
        self._without = without
        self.ports = {port: harness.free_port() for port in PORTS}
        self.pods = {labels["app.kubernetes.io/component"]: pod
                     for name, pod, labels in rendering.pods() if "-test-" not in name}
        self.tests = {name: pod for name, pod, _ in rendering.pods() if "-test-" in name}
        self.parts = {}

    def __enter__(self):
        try:
            for component in PARTS:
                if component not in self._without:
                    self.parts[component] = self._start(component)
            for part in self.parts.values():
                part.wait_until_up()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(self, *_):
        self._kill()

    def _kill(self):
        for part in self.parts.values():
            if part.running():
                part.kill()

    def stop(self, component):
        return self.parts[component].stop()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports[8080]}"

    def _start(self, component):
        pod = self.pods[component]
        container = pod["containers"][0]
        self._mount(component, pod)
        if component == "gateway":
            command = [ENVOY, *self._texts(component, container["args"])]
            ready, port = harness.envoy_starts, self.ports[8080]
        else:
            command = [BIN_DIR / PROGRAMS[component], *self._texts(component, container["args"])]
            ready, port = harness.is_serving, None
        part = harness.Part(component, command, self.directory, ready,
                            self._environment(component, container), port=port)
        return part.start(wait=False)

    def _root(self, component):
        return self.directory / component

    def _mount(self, component, pod):
        """Writes what is mounted to where the arguments will look for it."""
        volumes = {volume["name"]: volume for volume in pod["volumes"]} if "volumes" in pod else {}
        for mount in pod["containers"][0].get("volumeMounts", []):
            target = self._root(component) / mount["mountPath"].lstrip("/")
            target.mkdir(parents=True)
            volume = volumes[mount["name"]]
            for name, content in self._files(volume).items():
                (target / name).write_bytes(content)
        # Of the files that are mounted only the gateway's have paths and ports in them.
        config = self._root(component) / "etc/buzzer/gateway/envoy.yaml"
        if config.exists():
            config.write_text(self._text(component, config.read_text()))
        drain = config.with_name("drain.sh")
        if drain.exists():
            drain.write_text(self._text(component, drain.read_text()))

    def _files(self, volume):
        if "configMap" in volume:
            doc = self.rendering.get("ConfigMap", volume["configMap"]["name"])
            files = {name: text.encode() for name, text in doc.get("data", {}).items()}
            return files | {name: base64.b64decode(text)
                            for name, text in doc.get("binaryData", {}).items()}
        if "secret" in volume:
            secret = self._secrets[volume["secret"]["secretName"]]
            items = volume["secret"].get("items") or [{"key": key, "path": key} for key in secret]
            return {item["path"]: secret[item["key"]].encode() for item in items}
        return {}

    def _text(self, component, text):
        """With this machine's places in place of the cluster's."""
        text = re.sub(r"b-buzzer-[a-z-]+\.jobs\.svc\.cluster\.local", "127.0.0.1", text)
        text = re.sub(r"(dns:///)b-buzzer-[a-z]+:", "127.0.0.1:", text)
        text = text.replace("0.0.0.0", "127.0.0.1").replace("localhost:", "127.0.0.1:")
        for port, here in self.ports.items():
            text = re.sub(rf"(?<=[:/ ]){port}(?![0-9])", str(here), text)
        for path in ("/etc/buzzer", "/data"):
            text = re.sub(rf"(?<=[=\" ]){path}(?=/|\"|$)", f"{self._root(component)}{path}", text)
        text = re.sub(r"(amqps?://)[^/]+/", lambda m: f"{m[1]}{self._broker}/", text)
        return text if not text.startswith(("/etc/buzzer", "/data")) else (
            f"{self._root(component)}{text}")

    def _texts(self, component, arguments):
        return [self._text(component, argument) for argument in arguments]

    def _environment(self, component, container):
        variables = {}
        for variable in container.get("env", []):
            if "valueFrom" in variable:
                key = variable["valueFrom"]["secretKeyRef"]
                variables[variable["name"]] = self._secrets[key["name"]][key["key"]]
            else:
                variables[variable["name"]] = self._text(component, variable["value"])
        return variables

    # --- What the kubelet asks and does

    def probe(self, component, which="readinessProbe"):
        """Whether a probe of the part's container succeeds; what it said if not."""
        container = self.pods[component]["containers"][0]
        probe = container[which]
        ports = {port["name"]: self.ports[port["containerPort"]] for port in container["ports"]}
        if "httpGet" in probe:
            get = probe["httpGet"]
            answer = requests.get(f"http://127.0.0.1:{ports[get['port']]}{get['path']}", timeout=10)
            return None if answer.status_code < 400 else f"{answer.status_code} {answer.text}"
        if "tcpSocket" in probe:
            up = harness.takes_connections(ports[probe["tcpSocket"]["port"]])
            return None if up else "no connection"
        if "grpc" in probe:
            # As the kubelet does it: without TLS.
            command = ["buzzer-health", f"--address=127.0.0.1:{self.ports[probe['grpc']['port']]}"]
        else:
            command = self._texts(component, probe["exec"]["command"])
        done = subprocess.run([BIN_DIR / command[0], *command[1:]], capture_output=True, text=True,
                              check=False, timeout=20)
        return None if done.returncode == 0 else done.stderr

    def wait_until_ready(self, component, timeout=60):
        deadline = time.monotonic() + timeout
        while (said := self.probe(component)) is not None:
            assert time.monotonic() < deadline, (
                f"{component} is not ready: {said}\n{self.parts[component].tail()}")
            time.sleep(0.1)

    def pre_stop(self, component):
        """Starts the container's preStop command; returns the process."""
        command = self.pods[component]["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
        return subprocess.Popen(self._texts(component, command), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run_test(self, name):
        """Runs a test pod's containers, as `helm test` does; returns what they said."""
        said = []
        pod = self.tests[name]
        part = "frontend"  # Its Secret is what they mount.
        for container in pod["containers"]:
            variables = self._environment(part, container)
            if "GATEWAY_HOST" in variables:
                variables |= {"GATEWAY_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.ports[8080])}
            command = [self._text(part, word).replace(
                "dns:///b-buzzer-gateway:80", f"127.0.0.1:{self.ports[8080]}").replace(
                "127.0.0.1:80", f"127.0.0.1:{self.ports[8080]}")
                if container["name"] != "test" else word for word in container["command"]]
            if command[0] == "buzzer-health":
                command[0] = str(BIN_DIR / command[0])
            done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True,
                                  text=True, check=False, timeout=120)
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
            said.append(done.stdout)
        return "".join(said)

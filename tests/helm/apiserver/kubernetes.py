# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes on this machine: etcd, API server, controllers, scheduler, and simulated nodes."""

import base64
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

import requests
import yaml

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "integration")]

import harness  # noqa: E402
from chart import ROOT  # noqa: E402

BINARIES = pathlib.Path(os.environ["BUZZER_KUBERNETES"])
KUBECTL = ROOT / ".tools/npm/kubectl"
TOKEN = "for-the-tests-only"

def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Kubelets(threading.Thread):
    """Simulates the nodes: pods that were given to one run and are ready, and are gone when
    they are deleted. Nothing of a pod is executed."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self._cluster = cluster
        self._ended = threading.Event()
        self._addresses = itertools.count(1)

    def stop(self):
        self._ended.set()
        if self.is_alive():
            self.join()

    def run(self):
        beat = 0
        while not self._ended.wait(0.3):
            try:
                if time.monotonic() - beat > 10:
                    beat = time.monotonic()
                    self._beat()
                for pod in self._cluster.get("/api/v1/pods").json()["items"]:
                    self._step(pod)
            except requests.RequestException:
                pass  # The API server ends before we do.

    def _status(self, path, status):
        self._cluster.request("PATCH", f"{path}/status", json={"status": status},
                              headers={"Content-Type": "application/strategic-merge-patch+json"})

    def _beat(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        room = {"cpu": "32", "memory": "256Gi", "pods": "110"}
        for node in self._cluster.get("/api/v1/nodes").json()["items"]:
            self._status(f"/api/v1/nodes/{node['metadata']['name']}", {
                "capacity": room, "allocatable": room,
                "conditions": [{"type": "Ready", "status": "True", "reason": "Simulated",
                                "lastHeartbeatTime": now, "lastTransitionTime": now}]})

    def _step(self, pod):
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if "nodeName" not in pod["spec"]:
            return
        if "deletionTimestamp" in meta:
            self._cluster.request("DELETE", path, json={"gracePeriodSeconds": 0})
        elif "podIP" not in pod["status"]:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            address = f"10.0.0.{next(self._addresses) % 250 + 1}"
            self._status(path, {
                "phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "startTime": now,
                "conditions": [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in (
                    "Initialized", "Ready", "ContainersReady", "PodScheduled")],
                "containerStatuses": [
                    {"name": c["name"], "image": c["image"], "imageID": "", "ready": True,
                     "restartCount": 0, "started": True, "state": {"running": {"startedAt": now}}}
                    for c in pod["spec"]["containers"]]})


class Kubernetes:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.port = harness.free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = self.directory / "kubeconfig"
        self._parts = []
        self._kubelets = Kubelets(self)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._kubelets.stop()
        for part in reversed(self._parts):
            if part.running():
                part.kill()

    def _run(self, name, command, ready, port=None):
        part = harness.Part(name, command, self.directory, ready, port=port)
        self._parts.append(part)
        part.start()

    def _start(self):
        files = self.directory
        openssl("genrsa", "-out", files / "accounts.key", "2048")
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", files / "tls.key", "-out",
                files / "tls.crt", "-subj", "/CN=test", "-days", "2", "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost")
        (files / "tokens.csv").write_text(f'{TOKEN},admin,1,"system:masters"\n')
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority-data":
                base64.b64encode((files / "tls.crt").read_bytes()).decode()}}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}]}))
        client, peer = harness.free_port(), harness.free_port()
        self._run("etcd", [
            "etcd", "--data-dir", files / "etcd", "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--unsafe-no-fsync",
            "--logger", "zap"], lambda text, _: "serving client traffic" in text)
        self._run("apiserver", [
            BINARIES / "apiserver", f"--etcd-servers=http://127.0.0.1:{client}",
            f"--secure-port={self.port}", "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
            f"--tls-cert-file={files}/tls.crt", f"--tls-private-key-file={files}/tls.key",
            f"--service-account-key-file={files}/accounts.key",
            f"--service-account-signing-key-file={files}/accounts.key",
            "--service-account-issuer=https://test", f"--token-auth-file={files}/tokens.csv",
            "--authorization-mode=RBAC", "--service-cluster-ip-range=10.96.0.0/16",
        ], lambda text, _: "Serving securely" in text, port=self.port)
        harness.eventually(lambda: self.get("/readyz").text == "ok", 60, "a ready API server")
        self._run("controllers", [
            BINARIES / "controllers", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
            f"--service-account-private-key-file={files}/accounts.key",
            f"--root-ca-file={files}/tls.crt", f"--secure-port={harness.free_port()}",
            "--use-service-account-credentials=false", "--concurrent-deployment-syncs=2",
        ], lambda text, _: "Serving securely" in text)
        self._run("scheduler", [
            BINARIES / "scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false",
            f"--secure-port={harness.free_port()}"], lambda text, _: "Serving securely" in text)
        for zone in ("a", "b", "c"):
            self.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"node-{zone}", "labels": {
                "kubernetes.io/hostname": f"node-{zone}", "topology.kubernetes.io/zone": zone}}})
        self._kubelets.start()
        harness.eventually(lambda: all(
            not item["spec"].get("taints") for item in self.get("/api/v1/nodes").json()["items"]),
            what="nodes that take pods")

    # --- Asking it

    def request(self, method, path, **keywords):
        headers = {"Authorization": f"Bearer {TOKEN}"} | keywords.pop("headers", {})
        return requests.request(method, self.url + path, headers=headers,
                                verify=str(self.directory / "tls.crt"), timeout=30, **keywords)

    def get(self, path):
        return self.request("GET", path)

    def kubectl(self, *arguments, text=None):
        done = subprocess.run([KUBECTL, "--kubeconfig", self.kubeconfig, *map(str, arguments)],
                              input=text, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def apply(self, *docs):
        return self.kubectl("apply", "--server-side", "-f", "-", text=yaml.safe_dump_all(docs))

    def items(self, kind, namespace):
        return json.loads(self.kubectl("get", kind, "--namespace", namespace, "-o", "json"))["items"]

    def helm(self, *arguments, values=None, major=4):
        return subprocess.run(
            [ROOT / f".tools/npm/helm{major}", "--kubeconfig", self.kubeconfig, *map(str, arguments),
             *(["--values", "-"] if values is not None else [])],
            input=json.dumps(values) if values is not None else None,
            capture_output=True, text=True, check=False, timeout=300)

    def wait_for_pods(self, namespace, count):
        """Until so many run, and no others are there; returns them."""
        pods = []

        def there():
            pods[:] = self.items("pods", namespace)
            return len(pods) == count and all(pod["status"].get("phase") == "Running" for pod in pods)

        harness.eventually(there, 120, f"{count} pods")
        return pods

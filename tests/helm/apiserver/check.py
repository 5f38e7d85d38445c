# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The chart in a real Kubernetes; see run."""

import base64
import json
import tempfile
import zlib

import pytest
import yaml

from kubernetes import ROOT, Kubernetes, harness

from chart import CHART, LEAST, MATRIX, render, render_text  # noqa: E402

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="session", name="cluster")
def fixture_cluster():
    with tempfile.TemporaryDirectory(prefix="buzzer-kubernetes-") as directory:
        with Kubernetes(directory) as cluster:
            for file in sorted((ROOT / ".tools/schemas/crds").glob("*.yaml")):
                lines = [line for line in file.read_text().splitlines() if "{{" not in line]
                cluster.kubectl("apply", "--server-side", "-f", "-", text="\n".join(lines))
            yield cluster


@pytest.fixture(name="namespace")
def fixture_namespace(cluster, request):
    """One that takes restricted pods only, with the broker's Secret and a disk for state."""
    words = "".join(c if c.isalnum() else "-" for c in request.node.name.lower()).strip("-")
    name = f"{words[:30]}-{zlib.crc32(words.encode()):08x}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace",
                   "metadata": {"name": name, "labels": RESTRICTED}},
                  *({"apiVersion": "v1", "kind": "PersistentVolume",
                     "metadata": {"name": f"{name}-{i}"},
                     "spec": {"capacity": {"storage": "2Ti"}, "accessModes": ["ReadWriteOnce"],
                              "persistentVolumeReclaimPolicy": "Retain",
                              "claimRef": {"namespace": name, "name": claim},
                              "hostPath": {"path": f"/nowhere/{name}"}}}
                    for i, claim in enumerate(("b-buzzer-state", "data-b-buzzer-rabbitmq-0"))))
    harness.eventually(lambda: any(item["metadata"]["name"] == "kube-root-ca.crt"
                                   for item in cluster.items("configmaps", name)),
                       what="the namespace's own ConfigMap")
    return name


def secret(cluster, namespace, name="buzzer-broker", **keys):
    cluster.apply({"apiVersion": "v1", "kind": "Secret",
                   "metadata": {"name": name, "namespace": namespace},
                   "stringData": keys or {"username": "ann", "password": "secret"}})


def succeeded(done):
    assert done.returncode == 0, done.stdout + done.stderr
    # The API server warns of what it drops and of what the pod standard would refuse.
    assert "Warning" not in done.stderr and "unknown field" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", MATRIX)
def test_the_server_takes_every_manifest(cluster, namespace, case):
    """Strict about fields, and with the admission of the restricted profile."""
    text = render_text(case=case).replace("namespace: jobs", f"namespace: {namespace}")
    done = cluster.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict",
                           "--namespace", namespace, "-f", "-", text=text)
    assert done.count("serverside-applied (server dry run)") == len(render(case=case).docs)


@pytest.mark.parametrize("major", [3, 4])
def test_install_upgrade_rollback_uninstall(cluster, namespace, major, tmp_path):
    """From the chart of a previous version, as its labels and images tell, to this one."""
    secret(cluster, namespace)
    at = ("--namespace", namespace)
    succeeded(cluster.helm("package", CHART, "--version", "0.0.9", "--app-version", "0.0.9",
                           "--destination", tmp_path, major=major))
    said = succeeded(cluster.helm("install", "b", tmp_path / "buzzer-0.0.9.tgz", *at, "--wait", "--timeout", "3m",
                                  values=LEAST, major=major))
    assert "STATUS: deployed" in said
    # The autoscalers bring frontends and gateways from one to their fewest.
    pods = cluster.wait_for_pods(namespace, 2 + 2 + 1 + 2)
    zones = {pod["spec"]["nodeName"] for pod in pods if "frontend" in pod["metadata"]["name"]}
    assert len(zones) == 2  # Spread out.
    claim = cluster.items("persistentvolumeclaims", namespace)[0]
    assert claim["status"]["phase"] == "Bound"
    slices = cluster.items("endpointslices", namespace)
    ready = {piece["metadata"]["labels"]["kubernetes.io/service-name"]: len(piece["endpoints"] or [])
             for piece in slices}
    assert ready["b-buzzer-frontend-headless"] == 2 and ready["b-buzzer-state"] == 1

    values = LEAST | {"state": {"maxWaiting": 7}, "workers": [
        {"name": "demo", "replicas": 3, "handlers": [{"type": "demo.echo", "kind": "demo.echo"}]},
        {"name": "more", "handlers": [{"type": "x", "kind": "demo.fail"}]}]}
    succeeded(cluster.helm("upgrade", "b", CHART, *at, "--wait", "--timeout", "3m", values=values,
                           major=major))
    cluster.wait_for_pods(namespace, 2 + 2 + 1 + 3 + 2)
    images = {pod["spec"]["containers"][0]["image"] for pod in cluster.items("pods", namespace)}
    assert images == {"buzzer-frontend:0.1.0", "buzzer-state:0.1.0", "buzzer-worker:0.1.0",
                      "envoyproxy/envoy:v1.40.0"}
    after = cluster.items("persistentvolumeclaims", namespace)[0]
    assert after["metadata"]["uid"] == claim["metadata"]["uid"]

    succeeded(cluster.helm("rollback", "b", "1", *at, "--wait", "--timeout", "3m", major=major))
    cluster.wait_for_pods(namespace, 2 + 2 + 1 + 2)
    names = {item["metadata"]["name"] for item in cluster.items("deployments", namespace)}
    assert names == {"b-buzzer-frontend", "b-buzzer-gateway", "b-buzzer-state", "b-buzzer-worker-demo"}

    said = succeeded(cluster.helm("uninstall", "b", *at, "--wait", major=major))
    assert "b-buzzer-state" in said  # What it says of the claim that it leaves there.
    harness.eventually(lambda: not cluster.items("pods", namespace), what="no pods")
    assert not cluster.items("deployments,services,networkpolicies,poddisruptionbudgets", namespace)
    # The jobs are kept, and a new installation of the name takes them up.
    kept = cluster.items("persistentvolumeclaims", namespace)
    assert [item["metadata"]["uid"] for item in kept] == [claim["metadata"]["uid"]]
    succeeded(cluster.helm("install", "b", CHART, *at, values=LEAST, major=major))


def test_an_upgrade_keeps_the_trial_brokers_password(cluster, namespace):
    values = {"rabbitmq": {"enabled": True}}
    at = ("--namespace", namespace)

    def password():
        data = json.loads(cluster.kubectl("get", "secret", "b-buzzer-rabbitmq", *at, "-o", "json"))
        return base64.b64decode(data["data"]["password"]).decode()

    succeeded(cluster.helm("install", "b", CHART, *at, "--wait", "--timeout", "3m", values=values))
    first = password()
    assert len(first) == 32
    succeeded(cluster.helm("upgrade", "b", CHART, *at, "--wait", "--timeout", "3m",
                           values=values | {"frontend": {"replicas": 3}}))
    assert password() == first
    stateful = cluster.items("statefulsets", namespace)[0]
    assert stateful["status"]["readyReplicas"] == 1


def test_a_missing_secret_is_refused_with_what_to_do(cluster, namespace):
    at = ("--namespace", namespace)
    done = cluster.helm("install", "b", CHART, *at, values=LEAST)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert (f"broker.existingSecret: there is no Secret buzzer-broker in namespace {namespace}; "
            "make it first, with the keys username, password") in said
    secret(cluster, namespace, username="ann", passwort="secret")
    done = cluster.helm("install", "b", CHART, *at, values=LEAST)
    assert "broker.existingSecret: the Secret buzzer-broker has no key password; add it" in done.stderr
    secret(cluster, namespace)
    tls = {"tls": {"enabled": True, "existingSecret": "tls"}}
    done = cluster.helm("install", "b", CHART, *at, values=LEAST | tls)
    assert "tls.existingSecret: there is no Secret tls in namespace" in done.stderr
    assert done.stderr.count("there is no Secret tls") == 1
    secret(cluster, namespace, "tls", **{"tls.crt": "x", "tls.key": "x", "ca.crt": "x"})
    succeeded(cluster.helm("install", "b", CHART, *at, values=LEAST | tls))


def test_the_restricted_profile_would_refuse_more(cluster, namespace):
    """The namespace does enforce it: a pod that wants more gets nowhere."""
    docs = [doc for doc in render().docs if doc["kind"] == "Pod"]
    docs[0]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(AssertionError, match='violates PodSecurity "restricted'):
        cluster.kubectl("apply", "--server-side", "--dry-run=server", "--namespace", namespace,
                        "-f", "-", text=yaml.safe_dump(docs[0]))


def test_no_node_is_kept_from_being_emptied(cluster, namespace):
    """The budgets let one pod of each go at a time, and the one of state."""
    secret(cluster, namespace)
    succeeded(cluster.helm("install", "b", CHART, "--namespace", namespace, "--wait",
                           "--timeout", "3m", values=LEAST))
    budgets = cluster.items("poddisruptionbudgets", namespace)

    def allowed():
        return {item["metadata"]["name"]: item["status"].get("disruptionsAllowed")
                for item in cluster.items("poddisruptionbudgets", namespace)}

    harness.eventually(lambda: set(allowed().values()) == {1}, what="budgets that were counted")
    assert len(budgets) == 3

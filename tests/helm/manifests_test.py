# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""What every rendering must hold, over the matrix of helm/buzzer/ci; and the default one,
line by line."""

import collections
import difflib
import os
import pathlib
import re
import subprocess

import pytest

from chart import (CHART, HELMS, LEAST, MATRIX, ROOT, case_text, helm, merged, render,
                   render_text)

SCHEMAS = pathlib.Path(os.environ.get("BUZZER_SCHEMAS", ROOT / "build/helm-schemas"))
GOLDEN = pathlib.Path(__file__).parent / "golden/default.yaml"
# The oldest Kubernetes that the chart is for, and the newest whose schemas can be had.
KUBERNETES = ("1.27.0", "1.37.0")
# What the restricted profile lets a pod mount.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
           "projected", "secret"}


@pytest.fixture(params=MATRIX)
def case(request):
    return request.param


@pytest.mark.parametrize("major", HELMS)
def test_helm_lints_strictly(case, major):
    done = helm("lint", "--strict", CHART, "--values", CHART / f"ci/{case}-values.yaml", major=major)
    assert done.returncode == 0 and "0 chart(s) failed" in done.stdout, done.stdout + done.stderr


def test_helm_3_and_helm_4_make_the_same(case):
    assert render_text(case=case, major=3) == render_text(case=case, major=4)


def kubeconform(version, *files, text=None):
    return subprocess.run(
        [ROOT / ".tools/go/bin/kubeconform", "-strict", "-summary",
         "-kubernetes-version", version,
         "-schema-location", f"{SCHEMAS}/v{version}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
         "-schema-location",
         f"{SCHEMAS}/crds/{{{{.Group}}}}_{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json",
         *files],
        input=text, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_is_valid(version, tmp_path):
    """All cases at once: reading the schemas is what takes the time."""
    files, count = [], 0
    for name in MATRIX:
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(render_text(case=name))
        count += len(render(case=name).docs)
    done = kubeconform(version, *files)
    assert done.returncode == 0, done.stdout
    assert f"Summary: {count} resources" in done.stdout and f"Valid: {count}," in done.stdout


@pytest.mark.parametrize("kind, spoilt", [
    ("Deployment", "imagePullPolicy: IfNotPresent"),
    ("ScaledObject", "pollingInterval: 15"),
    ("HTTPRoute", "backendRefs:"),
    ("PrometheusRule", "expr:"),
    ("Certificate", "secretName:"),
])
def test_an_unknown_field_is_found(kind, spoilt):
    """The schemas are strict, those of others' kinds as well."""
    case = {"Deployment": "default", "ScaledObject": "keda", "HTTPRoute": "route",
            "PrometheusRule": "hpa", "Certificate": "cert-manager"}[kind]
    doc = next(part for part in render_text(case=case).split("\n---\n")
               if f"\nkind: {kind}\n" in part)
    assert spoilt in doc
    done = kubeconform("1.37.0", text=doc.replace(spoilt, spoilt.replace(":", "z:"), 1))
    assert done.returncode == 1 and "Invalid: 1" in done.stdout, done.stdout


def test_pods_keep_the_restricted_profile(case):
    """The Pod Security Standard's list, and more: nothing can be written to the root, and no
    pod has a login for the Kubernetes API."""
    for name, pod, _ in render(case=case).pods():
        for key in ("hostNetwork", "hostPID", "hostIPC", "hostUsers"):
            assert not pod.get(key), (name, key)
        assert pod["automountServiceAccountToken"] is False, name
        for volume in pod.get("volumes", []):
            assert len(VOLUMES & volume.keys()) == 1, (name, volume)
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True and security["runAsUser"] > 0, name
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not security.keys() & {"seLinuxOptions", "sysctls", "windowsOptions"}, name
        for container in pod["containers"] + pod.get("initContainers", []):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False, name
            assert own["capabilities"] == {"drop": ["ALL"]}, name
            assert own["readOnlyRootFilesystem"] is True, name
            assert not own.keys() & {"privileged", "runAsUser", "procMount"}, name
            for port in container.get("ports", []):
                assert port["containerPort"] >= 1024 and "hostPort" not in port, name


def test_containers_of_ours_have_probes_and_limits_of_memory(case):
    for name, pod, labels in render(case=case).pods():
        container = pod["containers"][0]
        assert container["resources"]["requests"]["cpu"], name
        assert container["resources"]["limits"]["memory"], name
        if labels["app.kubernetes.io/component"] != "test":
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), name
            assert pod["terminationGracePeriodSeconds"] > 0
            assert pod["serviceAccountName"] not in ("", "default")


def fits(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def test_selectors_find_just_their_pods(case):
    """Services, budgets, autoscalers and policies: each finds pods, of one part."""
    rendering = render(case=case)
    pods = [labels for _, _, labels in rendering.pods()]
    workloads = {(doc["kind"], doc["metadata"]["name"]) for doc in rendering.docs}
    for doc in rendering.docs:
        spec = doc.get("spec") or {}
        selector = None
        if doc["kind"] == "Service":
            selector = spec["selector"]
        elif doc["kind"] in ("PodDisruptionBudget", "NetworkPolicy", "Deployment", "StatefulSet"):
            selector = (spec.get("selector") or spec.get("podSelector"))["matchLabels"]
        elif doc["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            target = spec["scaleTargetRef"]
            assert (target["kind"], target["name"]) in workloads, doc["metadata"]["name"]
        if selector is not None:
            found = {labels["app.kubernetes.io/component"] for labels in pods
                     if fits(selector, labels)}
            whole = doc["metadata"]["name"].endswith(("-deny", "-dns"))
            assert len(found) > 1 if whole else len(found) == 1, doc["metadata"]["name"]


def test_names_of_ports_services_and_configurations_are_there(case):
    rendering = render(case=case)
    for doc in rendering.docs:
        if doc["kind"] == "Service":
            for port in doc["spec"]["ports"]:
                names = {known["name"] for _, pod, labels in rendering.pods()
                         if fits(doc["spec"]["selector"], labels)
                         for known in pod["containers"][0]["ports"]}
                assert port["targetPort"] in names, doc["metadata"]["name"]
    for name, pod, _ in rendering.pods():
        volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
        assert len(volumes) == len(pod.get("volumes", [])), name
        mounted = {mount["name"] for container in pod["containers"]
                   for mount in container.get("volumeMounts", [])}
        claims = {claim["metadata"]["name"] for doc in rendering.docs
                  for claim in (doc.get("spec") or {}).get("volumeClaimTemplates", [])
                  if doc["metadata"]["name"] == name}
        assert mounted == volumes.keys() | claims, name
        for volume in volumes.values():
            if "configMap" in volume:
                assert volume["configMap"]["name"] in rendering.names("ConfigMap")
        for container in pod["containers"]:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                for how in ("httpGet", "tcpSocket"):
                    if how in container.get(probe, {}):
                        assert container[probe][how]["port"] in {
                            port["name"] for port in container["ports"]}


def test_every_object_has_the_labels_and_a_name_that_fits(case):
    rendering = render(case=case)
    seen = collections.Counter((doc["kind"], doc["metadata"]["name"]) for doc in rendering.docs)
    assert not [name for name, count in seen.items() if count > 1]
    for doc in rendering.docs:
        name = doc["metadata"]["name"]
        assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) and len(name) <= 63, name
        if doc["kind"] == "ConfigMap" and name.endswith(("-more", "-text")):
            continue  # An extra manifest, which is the user's.
        labels = doc["metadata"]["labels"]
        assert labels["app.kubernetes.io/instance"] == "b" and labels["helm.sh/chart"], name
        for value in labels.values():
            assert len(value) <= 63


def test_nothing_is_random_but_the_trial_brokers_password(case):
    assert case_text(case, 4) == case_text.__wrapped__(case, 4)


def test_no_secret_is_in_a_manifest_but_the_trial_brokers(case):
    kinds = [doc["kind"] for doc in render(case=case).docs]
    assert kinds.count("Secret") == (1 if case == "trial" else 0)


def test_notes_are_of_the_case(case):
    done = helm("install", "b", CHART, "--dry-run=client", "--namespace", "jobs",
                "--values", CHART / f"ci/{case}-values.yaml")
    assert done.returncode == 0, done.stderr
    notes = done.stdout.split("NOTES:\n")[1]
    assert notes.count("\n  1. ") == notes.count("\n  2. ") == notes.count("\n  3. ") == 1, notes
    assert ("has no authentication" in notes) == (case in ("ingress", "route"))
    assert ("rabbitmq.enabled is for trials" in notes) == (case == "trial")
    assert ("all jobs are lost with state's pod" in notes) == (case == "smallest")
    assert ("every pod of the cluster reaches" in notes) == (case == "smallest")
    assert ("helm uninstall" in notes) == (case not in ("smallest", "full"))
    assert ("Workers that do not scale" in notes) == (case not in ("keda", "hpa"))
    assert ("port-forward" in notes) == (case not in ("ingress", "route"))
    assert "\n\n\n" not in notes and "<no value>" not in notes
    if case == "ingress":
        assert "curl -i -X POST https://buzzer.example.com/v1/jobs" in notes
    if case == "smallest":
        assert '"type": "text.words"' in notes and "helm test" not in notes


@pytest.mark.parametrize("gateway, header", [
    ({}, None), ({"hosts": ["jobs.example.com"]}, "b-buzzer-gateway"),
    ({"hosts": ["*.example.com"]}, "b-buzzer-gateway"), ({"hosts": ["LocalHost"]}, None),
    ({"hosts": ["jobs.example.com"], "acceptUnauthenticated": True,
      "ingress": {"enabled": True, "hosts": ["in.example.com"]}}, None),
])
@pytest.mark.parametrize("workers", [[], [{"name": "a", "handlers": [
    {"type": "demo.echo", "kind": "demo.echo"}]}]])
def test_the_notes_name_a_host_that_the_gateway_answers_for(gateway, header, workers):
    values = merged(LEAST, {"gateway": gateway, "workers": workers})
    done = helm("install", "b", CHART, "--dry-run=client", "--namespace", "jobs",
                values=values)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.split("NOTES:\n")[1]
    [command] = [line for line in notes.splitlines() if "/v1/" in line]
    assert re.findall("-H 'Host: (.*?)'", command) == ([header] if header else []), notes
    if header:
        [config] = [doc for doc in render(values).docs if "envoy.yaml" in doc.get("data", {})]
        assert f'"{header}"' in config["data"]["envoy.yaml"]


def test_the_default_rendering_is_the_one_that_a_person_read():
    """After a change look at the difference, then let BUZZER_GOLDEN=write take it."""
    text = render_text(case="default")
    # Files of other directories, each tested by itself, would drown the rest.
    text = re.sub(r"(\n  (envoy\.yaml|rest\.lua): \|)(\n(    .*)?)*(?=\n  \S)", r"\1 ...", text)
    text = re.sub(r"(\n  api\.pb: ).*", r"\1...", text)
    text = re.sub(r"(checksum/config: )[0-9a-f]{64}", r"\1...", text)
    text = "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
    if os.environ.get("BUZZER_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    difference = "\n".join(difflib.unified_diff(GOLDEN.read_text().splitlines(), text.splitlines(),
                                                "golden", "rendered", lineterm=""))
    assert not difference, difference

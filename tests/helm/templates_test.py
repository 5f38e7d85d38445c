# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Single templates: what a value changes, and what it must not."""

import json
import re
import subprocess

import pytest
import yaml

from chart import (BIN_DIR, CHART, LEAST, ROOT, container, documents, flags, helm, merged, render,
                   render_text)

POOL = {"name": "a", "handlers": [{"type": "demo.echo", "kind": "demo.echo"}]}
SCRAPERS = {"networkPolicy": {"metricsClients": [{"namespaceSelector": {}}]}}


def environment(pod):
    return {variable["name"]: variable for variable in container(pod)["env"]}


def pool(**keys):
    return {"workers": [POOL | keys]}


# --- Names and images


@pytest.mark.parametrize("release, values, name", [
    ("b", {}, "b-buzzer"),
    ("buzzer", {}, "buzzer"),
    ("my-buzzer", {}, "my-buzzer"),
    ("b", {"nameOverride": "jobs"}, "b-jobs"),
    ("b", {"fullnameOverride": "x"}, "x"),
    ("a-release-with-a-name-of-forty-letters-ok", {}, "a-release-with-a-name-of-forty"),
])
def test_the_release_names_the_objects(release, values, name):
    assert f"{name}-state" in render(values, release=release).names("Deployment")


def test_an_image_is_named_by_registry_tag_and_digest():
    digest = "sha256:" + "ab" * 32

    def images(values):
        rendering = render(merged(values, pool()))
        return [container(rendering.pod("Deployment", name))["image"]
                for name in ("-state", "-frontend", "-worker-a", "-gateway")]

    assert images({}) == ["buzzer-state:0.1.0", "buzzer-frontend:0.1.0", "buzzer-worker:0.1.0",
                          "envoyproxy/envoy:v1.40.0"]
    assert images({"image": {"registry": "r.example/x", "tag": "9"},
                   "state": {"image": {"digest": digest}},
                   "frontend": {"image": {"registry": "other", "tag": "8"}},
                   "gateway": {"image": {"registry": "mirror"}},
                   }) == [f"r.example/x/buzzer-state@{digest}", "other/buzzer-frontend:8",
                          "r.example/x/buzzer-worker:9", "mirror/envoyproxy/envoy:v1.40.0"]


def test_the_envoy_is_the_one_of_the_tests():
    said = subprocess.run([ROOT / ".tools/venv/bin/envoy", "--version"], capture_output=True,
                          text=True, check=True).stdout
    tag = yaml.safe_load((CHART / "values.yaml").read_text())["gateway"]["image"]["tag"]
    assert f"/{tag.removeprefix('v')}/" in said


def test_the_chart_has_the_version_of_the_build():
    version = (ROOT / "CMakeLists.txt").read_text().split("project(buzzer VERSION ")[1].split()[0]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()


# --- The broker


@pytest.mark.parametrize("broker, url", [
    ({}, "amqp://rabbitmq.messaging.svc:5672/%2F"),
    ({"port": 5673, "vhost": "jobs"}, "amqp://rabbitmq.messaging.svc:5673/jobs"),
    ({"vhost": "/my jobs+"}, "amqp://rabbitmq.messaging.svc:5672/%2Fmy%20jobs%2B"),
    ({"tls": {"enabled": True}}, "amqps://rabbitmq.messaging.svc:5671/%2F"),
    ({"host": "2001:db8::5"}, "amqp://[2001:db8::5]:5672/%2F"),
    ({"host": "", "hosts": ["r-0.r", "r-1.r", "::5"]}, "amqp://r-0.r:5672,r-1.r:5672,[::5]:5672/%2F"),
])
def test_the_brokers_address_has_no_login_in_it(broker, url):
    rendering = render(merged({"broker": broker}, pool()))
    for name in ("-state", "-worker-a"):
        variables = environment(rendering.pod("Deployment", name))
        assert variables["BUZZER_BROKER_URL"]["value"] == url
        assert variables["BUZZER_BROKER_PASSWORD"]["valueFrom"]["secretKeyRef"] == {
            "name": "buzzer-broker", "key": "password"}
    # The frontend has no business there.
    assert "env" not in container(rendering.pod("Deployment", "-frontend"))


def test_the_brokers_authority_is_mounted_where_it_is_looked_for():
    rendering = render(case="tls")
    for name in ("-state", "-worker-demo"):
        pod = rendering.pod("Deployment", name)
        assert flags(pod)["broker_tls_ca"] == "/etc/buzzer/broker-ca/tls-ca.pem"
        volume = next(v for v in pod["volumes"] if v["name"] == "broker-ca")
        assert volume["secret"]["items"] == [{"key": "tls-ca.pem", "path": "tls-ca.pem"}]


def test_a_trial_broker_has_one_login_for_all():
    rendering = render(case="trial")
    secret = rendering.get("Secret", "-rabbitmq")
    assert secret["stringData"] == {"username": "buzzer", "password": "for-the-tests-only"}
    for pod, name in ((rendering.pod("Deployment", "-state"), "BUZZER_BROKER_PASSWORD"),
                      (rendering.pod("StatefulSet", "-rabbitmq"), "RABBITMQ_DEFAULT_PASS")):
        assert environment(pod)[name]["valueFrom"]["secretKeyRef"] == {
            "name": "b-buzzer-rabbitmq", "key": "password"}
    url = environment(rendering.pod("Deployment", "-state"))["BUZZER_BROKER_URL"]["value"]
    assert url == "amqp://b-buzzer-rabbitmq:5672/%2F"
    theirs = render({"broker": {"host": "", "existingSecret": ""},
                     "rabbitmq": {"enabled": True, "auth": {"existingSecret": "mine"}}})
    assert not theirs.names("Secret")
    assert environment(theirs.pod("StatefulSet", "-rabbitmq"))["RABBITMQ_DEFAULT_USER"][
        "valueFrom"]["secretKeyRef"]["name"] == "mine"


def test_an_unset_password_is_made_and_long():
    values = {"broker": {"host": "", "existingSecret": ""}, "rabbitmq": {"enabled": True}}
    first, second = (render(values).get("Secret", "-rabbitmq")["stringData"]["password"]
                     for _ in range(2))
    assert len(first) == 32 and first != second


# --- State


def test_state_is_one_pod_that_ends_before_the_next_begins():
    rendering = render()
    deployment = rendering.get("Deployment", "-state")["spec"]
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    assert not [name for name in rendering.names("PodDisruptionBudget") if name.endswith("-state")]


def test_the_disk_outlives_the_release_unless_told_otherwise():
    claim = render().get("PersistentVolumeClaim", "-state")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert "annotations" not in render({"state": {"persistence": {"keep": False}}}).get(
        "PersistentVolumeClaim", "-state")["metadata"]
    theirs = render({"state": {"persistence": {"existingClaim": "mine"}}})
    assert not theirs.names("PersistentVolumeClaim")
    volumes = theirs.pod("Deployment", "-state")["volumes"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}} in volumes
    lost = render({"state": {"persistence": {"enabled": False, "acceptDataLoss": True}}})
    assert {"name": "data", "emptyDir": {}} in lost.pod("Deployment", "-state")["volumes"]


def test_large_numbers_are_written_out():
    values = {"state": {"maxWaiting": 20000000, "queues": [{"name": "q", "maxWaiting": 3000000}]}}
    rendering = render(values)
    assert flags(rendering.pod("Deployment", "-state"))["max_waiting"] == "20000000"
    config = yaml.safe_load(rendering.get("ConfigMap", "-state")["data"]["state.yaml"])
    assert config == {"queues": [{"name": "q", "max_waiting": 3000000}], "types": []}


def checksum(rendering, name):
    return rendering.get("Deployment", name)["spec"]["template"]["metadata"]["annotations"][
        "checksum/config"]


def test_a_changed_configuration_restarts_those_that_read_it():
    before = render()
    after = render({"state": {"types": [{"type": "x"}]}, "gateway": {"rateLimit": 5}})
    for name in ("-state", "-gateway"):
        assert checksum(before, name) != checksum(after, name)
    assert checksum(before, "-worker-demo") == checksum(after, "-worker-demo")
    other = render({"workerDefaults": {"slots": 3}})
    assert checksum(before, "-worker-demo") != checksum(other, "-worker-demo")


# --- Workers


def test_a_handler_reaches_the_workers_file_as_it_was_written():
    pods = render(case="full")
    config = yaml.safe_load(pods.get("ConfigMap", "-worker-photos-and-a-long-na")["data"]["worker.yaml"])
    assert config["drain_timeout"] == "90m" and config["state_outage_limit"] == "1h"
    assert config["handlers"][0] == {
        "type": "images.thumbnails", "kind": "exec",
        "program": ["/opt/team/thumbnails", "--fast", 'a "quoted" word'],
        "content_type": "application/json", "queue": "photos", "concurrency": 8, "grace": "45s",
        "attempt_timeout": "2h",
        "retry": {"initial": "500ms", "factor": 1.5, "max": "1h", "jitter": 0, "attempts": 20,
                  "final": ["NO_INK"]},
        "environment": {"LC_ALL": "C.UTF-8", "NUMBER": "7"},
        "working_directory": "/tmp"}


def test_a_pool_with_a_file_of_its_image_has_no_other():
    rendering = render(case="keda")
    assert not [name for name in rendering.names("ConfigMap") if name.endswith("films")]
    pod = rendering.pod("Deployment", "-worker-films")
    assert flags(pod)["config"] == "/etc/buzzer/worker.yaml"
    assert [volume["name"] for volume in pod["volumes"]] == ["tmp"]
    # drainTimeout (5m), longestGrace (90s) and 10 s.
    assert pod["terminationGracePeriodSeconds"] == 400


def test_pools_are_told_apart():
    rendering = render({"workers": [POOL, POOL | {"name": "b", "handlers": [
        {"type": "x", "kind": "demo.fail"}]}]})
    for name in ("a", "b"):
        deployment = rendering.get("Deployment", f"-worker-{name}")["spec"]
        assert deployment["selector"]["matchLabels"]["buzzer.dev/pool"] == name
        assert deployment["template"]["spec"]["serviceAccountName"] == f"b-buzzer-worker-{name}"


def test_a_container_beside_the_worker_and_a_way_out():
    rendering = render(case="full")
    pod = rendering.pod("Deployment", "-worker-photos-and-a-long-na")
    assert [c["name"] for c in pod["containers"]] == ["worker", "sidecar"]
    assert [c["name"] for c in pod["initContainers"]] == ["before"]
    policy = rendering.get("NetworkPolicy", "-worker-photos-and-a-long-na")["spec"]
    assert {"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}],
            "ports": [{"port": 443, "protocol": "TCP"}]} in policy["egress"]


# --- Scaling


def test_who_is_scaled_has_no_replicas_of_its_own():
    for values, scaled in (({}, False),
                           (pool(autoscaling={"hpa": {"enabled": True}}), True),
                           (merged(SCRAPERS, pool(autoscaling={"keda": {"enabled": True}})), True)):
        rendering = render(values)
        name = rendering.names("Deployment")[-1]
        assert ("replicas" in rendering.get("Deployment", name)["spec"]) != scaled
    still = render({"frontend": {"autoscaling": {"enabled": False}, "replicas": 4}})
    assert still.get("Deployment", "-frontend")["spec"]["replicas"] == 4
    assert still.names("HorizontalPodAutoscaler") == ["b-buzzer-gateway"]


def test_an_hpa_sums_the_demand_of_its_queues():
    hpa = render(case="hpa").get("HorizontalPodAutoscaler", "-worker-demo")["spec"]
    external = hpa["metrics"][0]["external"]
    assert external["metric"] == {"name": "buzzer_queue_demand", "selector": {
        "matchLabels": {"namespace": "jobs"},
        "matchExpressions": [{"key": "queue", "operator": "In", "values": ["demo.echo", "slow"]}]}}
    assert external["target"] == {"type": "AverageValue", "averageValue": "8"}


def test_a_pool_that_starts_with_nobody_can_be_submitted_to():
    """Its types are declared, so that state takes their jobs and tells their demand."""
    config = yaml.safe_load(render(case="keda").get("ConfigMap", "-state")["data"]["state.yaml"])
    # Those of the pools with a worker at least are announced by it.
    assert config["types"] == [{"type": "images.thumbnails", "queue": "images.thumbnails"}]
    own = render(merged(SCRAPERS, {
        "state": {"types": [{"type": "x", "queue": "q"}]},
        "workers": [{"name": "a", "autoscaling": {"minReplicas": 0, "keda": {"enabled": True}},
                     "handlers": [{"type": "x", "kind": "demo.echo", "queue": "q"},
                                  {"type": "y", "kind": "demo.echo", "queue": "q"}]}]}))
    config = yaml.safe_load(own.get("ConfigMap", "-state")["data"]["state.yaml"])
    assert config["types"] == [{"type": "x", "queue": "q"}, {"type": "y", "queue": "q"}]


def test_keda_asks_state_and_sums_several_queues():
    rendering = render(case="keda")
    photos = rendering.get("ScaledObject", "-photos")["spec"]
    assert photos["minReplicaCount"] == 0 and photos["maxReplicaCount"] == 40
    assert "scalingModifiers" not in photos["advanced"]
    assert photos["triggers"][0]["metadata"] == {
        "url": "http://b-buzzer-state.jobs.svc.cluster.local:9102/metrics", "format": "prometheus",
        "valueLocation": 'buzzer_queue_demand{queue="images.thumbnails"}',
        "targetValue": "4", "activationTargetValue": "0"}
    texts = rendering.get("ScaledObject", "-texts")["spec"]
    assert [trigger["name"] for trigger in texts["triggers"]] == ["queue0", "queue1"]
    assert texts["advanced"]["scalingModifiers"] == {
        "formula": "queue0 + queue1", "target": "20", "metricType": "AverageValue"}
    films = rendering.get("ScaledObject", "-films")["spec"]["triggers"][0]["metadata"]
    assert films["query"] == ('sum(buzzer_queue_demand{queue=~"films\\\\.cut|films\\\\.join",'
                              'namespace="jobs"})')


def test_no_budget_keeps_a_node_from_being_emptied():
    def budgets(values):
        return [name.removeprefix("b-buzzer-") for name in render(values).names("PodDisruptionBudget")]

    assert budgets({}) == ["frontend", "gateway", "worker-demo"]
    assert budgets({"workerDefaults": {"replicas": 1}}) == ["frontend", "gateway"]
    assert budgets({"frontend": {"autoscaling": {"minReplicas": 1}},
                    "gateway": {"podDisruptionBudget": {"enabled": False}}}) == ["worker-demo"]
    assert budgets(pool(autoscaling={"minReplicas": 1, "hpa": {"enabled": True}})) == [
        "frontend", "gateway"]


# --- Who may talk to whom


def edges(rendering):
    """(policy, direction, whom, port) of every rule; whom is a component, or the peer as it is."""
    found = set()
    for doc in rendering.docs:
        if doc["kind"] != "NetworkPolicy":
            continue
        name = doc["metadata"]["name"].removeprefix("b-buzzer-")
        for direction, side in (("ingress", "from"), ("egress", "to")):
            for rule in doc["spec"].get(direction, []):
                for peer in rule.get(side, [None]):
                    labels = ((peer or {}).get("podSelector") or {}).get("matchLabels", {})
                    whom = labels.get("app.kubernetes.io/component") or (
                        "anywhere" if peer is None else "given")
                    found |= {(name, direction, whom, port["port"]) for port in rule["ports"]}
    return found


NEEDED = {
    ("dns", "egress", "given", 53),
    ("gateway", "ingress", "test", 8080), ("gateway", "ingress", "given", 8080),
    ("gateway", "egress", "frontend", 50051),
    ("frontend", "ingress", "gateway", 50051), ("frontend", "ingress", "test", 50051),
    ("frontend", "egress", "state", 50052),
    ("state", "ingress", "frontend", 50052), ("state", "ingress", "worker", 50052),
    ("state", "egress", "anywhere", 5672),
    ("worker-demo", "egress", "state", 50052), ("worker-demo", "egress", "anywhere", 5672),
    ("test", "egress", "gateway", 8080), ("test", "egress", "frontend", 50051),
}


def test_only_the_needed_edges_are_open():
    rendering = render()
    assert edges(rendering) == NEEDED
    deny = rendering.get("NetworkPolicy", "-deny")["spec"]
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    assert not {"ingress", "egress"} & deny.keys()
    # Every policy shuts both ways for its pods, but that of DNS.
    assert edges(render(SCRAPERS)) == NEEDED | {
        (part, "ingress", "given", port) for part, port in (
            ("gateway", 9104), ("frontend", 9101), ("state", 9102), ("worker-demo", 9103))}
    assert not render({"networkPolicy": {"enabled": False}}).names("NetworkPolicy")


def test_the_ports_of_the_edges_are_those_of_the_pods():
    """A number is no name that the API server would follow."""
    rendering = render(case="trial")
    ports = {labels["app.kubernetes.io/component"]: {port["containerPort"]
             for port in pod["containers"][0].get("ports", [])}
             for _, pod, labels in rendering.pods()}
    checked = 0
    for name, direction, whom, port in edges(rendering):
        owner = name.split("-")[0] if direction == "ingress" else whom
        if owner in ports:
            assert port in ports[owner], (name, direction, whom, port)
            checked += 1
    assert checked >= 12


def test_the_trial_broker_is_reached_by_two():
    found = edges(render(case="trial"))
    assert {edge for edge in found if edge[0] == "rabbitmq"} == {
        ("rabbitmq", "ingress", "state", 5672), ("rabbitmq", "ingress", "worker", 5672)}
    assert ("state", "egress", "rabbitmq", 5672) in found
    assert not [edge for edge in found if edge[2] == "anywhere"]


def test_the_broker_can_be_narrowed_down():
    peer = [{"ipBlock": {"cidr": "192.0.2.7/32"}}]
    policy = render({"networkPolicy": {"broker": peer}}).get("NetworkPolicy", "-state")["spec"]
    assert {"to": peer, "ports": [{"port": 5672, "protocol": "TCP"}]} in policy["egress"]


# --- TLS


def test_with_TLS_every_part_shows_a_certificate():
    rendering = render(case="tls")
    for name, secret in (("-frontend", "buzzer-tls"), ("-state", "buzzer-state-tls"),
                         ("-worker-demo", "buzzer-tls"), ("-gateway", "buzzer-tls")):
        pod = rendering.pod("Deployment", name)
        volume = next(v for v in pod["volumes"] if v["name"] == "tls")
        assert volume["secret"] == {"secretName": secret, "defaultMode": 0o440}
        if name != "-gateway":
            assert {"tls_certificate", "tls_key", "tls_ca"} <= flags(pod).keys()
    plain = render()
    assert "tls" not in str(plain.pod("Deployment", "-frontend"))
    assert "transport_socket" not in plain.get("ConfigMap", "-gateway")["data"]["envoy.yaml"]


def test_the_kubelet_asks_over_TLS_by_a_program():
    """Its own gRPC probe speaks none."""
    for case, how in (("default", "grpc"), ("tls", "exec")):
        rendering = render(case=case)
        for name in ("-frontend", "-state"):
            main = container(rendering.pod("Deployment", name))
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                assert how in main[probe]
    command = container(render(case="tls").pod("Deployment", "-state"))["livenessProbe"]["exec"]["command"]
    assert command[:3] == ["buzzer-health", "--address=localhost:50052",
                           "--tls_server_name=b-buzzer-state"]


def test_no_probe_asks_a_service_for_its_metrics():
    """Whoever holds connections to /metrics would have the kubelet kill the pod. (Envoy takes
    any number beside each other.)"""
    for case in ("default", "full", "tls"):
        for name, pod, _ in render(case=case).pods():
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                get = pod["containers"][0].get(probe, {}).get("httpGet", {})
                assert get.get("path") != "/metrics", name
    worker = container(render(case="tls").pod("Deployment", "-worker-demo"))
    # Its health service speaks no TLS.
    assert worker["livenessProbe"]["grpc"]["port"] == 9105


def test_cert_manager_is_asked_for_the_names_that_are_checked():
    rendering = render(case="cert-manager")
    assert rendering.names("Certificate") == [f"b-buzzer-{part}" for part in (
        "frontend", "gateway", "state", "worker")]
    state = rendering.get("Certificate", "-state")["spec"]
    assert "b-buzzer-state" in state["dnsNames"]
    assert state["usages"] == ["server auth", "client auth"]
    assert flags(rendering.pod("Deployment", "-worker-demo"))["state_address"] == (
        "dns:///b-buzzer-state:50052")
    volume = next(v for v in rendering.pod("Deployment", "-state")["volumes"] if v["name"] == "tls")
    assert volume["secret"]["secretName"] == state["secretName"]


# --- The way in, and the rest


def hosts_of(rendering):
    envoy = rendering.get("ConfigMap", "-gateway")["data"]["envoy.yaml"]
    return json.loads(re.search(r"name: buzzer\n *domains: (.*)", envoy)[1])


def test_the_gateway_answers_for_any_host_unless_they_are_listed():
    assert hosts_of(render()) == ["*"]
    assert hosts_of(render(case="ingress")) == ["*"]
    listed = {"gateway": {"hosts": ["Jobs.Example.com.", "[2001:db8::5]", "jobs.example.com"]}}
    own = [f"b-buzzer-gateway{suffix}" for suffix in ("", ".jobs", ".jobs.svc",
                                                      ".jobs.svc.cluster.local")]
    assert hosts_of(render(listed)) == ["jobs.example.com", "[2001:db8::5]", *own, "no-host.invalid"]
    # The ways in are always among them.
    ways = {"hosts": ["a.example"], "acceptUnauthenticated": True,
            "ingress": {"enabled": True, "hosts": ["A.example", "b.example"]},
            "route": {"enabled": True, "parentRefs": [{"name": "g"}], "hostnames": ["*.c.example"]}}
    assert hosts_of(render({"gateway": ways})) == [
        "a.example", "b.example", "*.c.example", *own, "no-host.invalid"]


def test_the_way_in_leads_to_the_gateway():
    ingress = render(case="ingress").get("Ingress", "-gateway")["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == ["buzzer.example.com", "jobs.example.com"]
    assert ingress["rules"][0]["http"]["paths"][0]["backend"]["service"] == {
        "name": "b-buzzer-gateway", "port": {"name": "http"}}
    rendering = render(case="route")
    route = rendering.get("HTTPRoute", "-gateway")["spec"]
    assert route["rules"][0]["backendRefs"] == [{"name": "b-buzzer-gateway", "port": 80}]
    assert route["rules"][0]["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    service = rendering.get("Service", "-gateway")["spec"]
    assert service["type"] == "LoadBalancer"
    assert service["loadBalancerSourceRanges"] == ["192.0.2.0/24"]


def test_in_a_cluster_of_IPv6_all_listen_there():
    rendering = render(case="route")
    assert flags(rendering.pod("Deployment", "-state"))["listen_address"] == "[::]:50052"
    envoy = rendering.get("ConfigMap", "-gateway")["data"]["envoy.yaml"]
    assert 'address: "::", port_value: 8080' in envoy and "[::]" not in envoy.split("admin:")[1]


def test_a_pod_ends_later_than_it_drains():
    rendering = render()
    frontend = rendering.pod("Deployment", "-frontend")
    wait = int(container(frontend)["lifecycle"]["preStop"]["exec"]["command"][1])
    # Envoy looks for frontends every 5 s.
    assert 5 < wait < frontend["terminationGracePeriodSeconds"] - 5
    assert "dns_refresh_rate: 5s" in (CHART / "files/envoy.yaml").read_text()
    gateway = rendering.pod("Deployment", "-gateway")
    assert "end=$((SECONDS + 30))" in rendering.get("ConfigMap", "-gateway")["data"]["drain.sh"]
    assert gateway["terminationGracePeriodSeconds"] == 60


def test_prometheus_scrapes_each_part_where_its_metrics_are():
    rendering = render(case="hpa")
    endpoints = rendering.get("ServiceMonitor", "b-buzzer")["spec"]["endpoints"]
    assert {endpoint["path"]: endpoint["relabelings"][0]["regex"] for endpoint in endpoints} == {
        "/metrics": "frontend|state|worker", "/stats/prometheus": "gateway"}
    scraped = {doc["metadata"]["labels"]["app.kubernetes.io/component"] for doc in rendering.docs
               if doc["kind"] == "Service" and "buzzer.dev/metrics" in doc["metadata"]["labels"]}
    assert scraped == {"frontend", "state", "worker", "gateway"}


def test_helm_test_submits_what_a_pool_can_run():
    def job(values):
        variables = render(values).get("Pod", "-test-rest")["spec"]["containers"][0]["env"]
        return next(v["value"] for v in variables if v["name"] == "JOB")

    assert job({}) == '{"payload":{},"type":"demo.echo"}'
    only = pool(handlers=[{"type": "x", "kind": "exec", "program": ["wc"]}])
    assert job(only) == ""
    assert job(merged(only, {"helmTest": {"jobType": "x", "jobPayload": [1]}})) == (
        '{"payload":[1],"type":"x"}')
    assert not render({"helmTest": {"enabled": False}}).names("Pod")


def test_extra_manifests_may_be_maps_and_texts_with_templates():
    rendering = render(case="full")
    assert rendering.get("ConfigMap", "-mo-more")["data"] == {"release": "b"}
    assert rendering.get("ConfigMap", "-mo-text")


def test_a_package_holds_what_an_installation_needs(tmp_path):
    done = helm("package", CHART, "--destination", tmp_path)
    assert done.returncode == 0, done.stderr
    packed = next(tmp_path.glob("*.tgz"))
    done = helm("template", "b", packed, "--namespace", "jobs", values=LEAST)
    assert documents(done.stdout) == documents(render_text())
    names = subprocess.run(["tar", "-tzf", packed], capture_output=True, text=True, check=True).stdout
    assert "files/api.pb" in names and "/ci/" not in names


def test_the_charts_files_are_what_the_sources_make():
    done = subprocess.run([ROOT / "tools/chart-files", "--check", "--descriptor",
                           BIN_DIR.parent / "api.pb"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_restoring_state_runs_no_service_and_keeps_its_volume():
    pod = render({"state": {"restoring": True}}).pod("Deployment", "-state")
    state = container(pod)
    assert state["command"][:2] == ["sh", "-c"] and "args" not in state
    assert not [name for name in state if name.endswith("Probe")]
    assert {"name": "data", "mountPath": "/data"} in state["volumeMounts"]
    assert any(volume["name"] == "data" for volume in pod["volumes"])

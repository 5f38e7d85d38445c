# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The rendered pods, run: the real services and the real Envoy with the commands,
configurations, variables, probes and hooks that the chart gives them, plain and encrypted."""

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from chart import BIN_DIR, ENVOY, MATRIX, ROOT, container, merged, render
from kubelet import PARTS, Cluster, harness

# What a percent-encoded address would have had to escape.
PASSWORD = "p@ss:/w?rd#% \"'\\"
VHOST = "/team jobs"
NAMES = ("b-buzzer-frontend", "b-buzzer-state", "a-name-of-thirty-letters-at-mo-frontend")
SCRAPERS = {"networkPolicy": {"metricsClients": [{"namespaceSelector": {}}]}}


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def make_certificates(directory):
    """An authority, and one certificate for every part: tls.crt, tls.key, ca.crt."""
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", directory / "ca.key", "-out", directory / "ca.crt",
            "-subj", "/CN=test authority", "-days", "2")
    names = ",".join(f"DNS:{name}" for name in (*NAMES, "localhost")) + ",IP:127.0.0.1"
    openssl("req", *key, "-keyout", directory / "tls.key", "-out", directory / "tls.csr",
            "-subj", "/CN=buzzer")
    extensions = directory / "extensions"
    extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")
    openssl("x509", "-req", "-in", directory / "tls.csr", "-CA", directory / "ca.crt",
            "-CAkey", directory / "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", extensions, "-out", directory / "tls.crt")
    return {name: (directory / name).read_text() for name in ("tls.crt", "tls.key", "ca.crt")}


@pytest.fixture(scope="session", name="certificates")
def fixture_certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    return directory, make_certificates(directory)


@pytest.fixture(scope="session", name="broker")
def fixture_broker(certificates):
    """A node with the configuration of the trial broker, and TLS besides."""
    directory, _ = certificates
    tls_port = harness.free_port()
    trial = render(case="trial").get("ConfigMap", "-rabbitmq")["data"]["rabbitmq.conf"]
    broker = harness.Broker(extra_conf=trial + f"""
listeners.ssl.1 = 127.0.0.1:{tls_port}
ssl_options.cacertfile = {directory}/ca.crt
ssl_options.certfile = {directory}/tls.crt
ssl_options.keyfile = {directory}/tls.key
""")
    broker.tls_port = tls_port
    try:
        broker.ctl("add_vhost", VHOST)
        broker.ctl("add_user", "ann", PASSWORD)
        for vhost in ("/", VHOST):
            broker.ctl("set_permissions", "--vhost", vhost, "ann", ".*", ".*", ".*")
        yield broker
    finally:
        broker.close()


@pytest.fixture(name="directory")
def fixture_directory():
    directory = tempfile.mkdtemp(prefix="buzzer-helm-")
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def running(rendering, broker, certificates, without=()):
    login = {"username": "ann", "password": PASSWORD}
    tls = certificates[1]
    secrets = {
        "buzzer-broker": login | {"default_user": "ann", "default_pass": PASSWORD},
        "rabbitmq-ca": {"tls-ca.pem": tls["ca.crt"]},
        "buzzer-tls": tls, "buzzer-state-tls": tls}
    encrypted = "amqps://" in json.dumps(rendering.docs)
    address = f"localhost:{broker.tls_port}" if encrypted else f"127.0.0.1:{broker.port}"
    directory = tempfile.mkdtemp(prefix="buzzer-helm-")
    try:
        with Cluster(rendering, directory, address, secrets, without) as cluster:
            for component in cluster.parts:
                cluster.wait_until_ready(component)
            yield cluster
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module", name="plain")
def fixture_plain(broker, certificates):
    values = merged(SCRAPERS, {"broker": {"queuePrefix": "plain"},
                               "workerDefaults": {"drainTimeout": "3s"}})
    with running(render(values), broker, certificates) as cluster:
        yield cluster


def test_a_pool_from_zero_is_submitted_to_and_asked_for(broker, certificates):
    """What KEDA finds before there is any worker: 0, and 1 once a job waits."""
    rendering = render(merged(SCRAPERS, {
        "broker": {"queuePrefix": "zero"},
        "workers": [{"name": "a", "autoscaling": {"minReplicas": 0, "keda": {"enabled": True}},
                     "handlers": [{"type": "late", "kind": "demo.echo", "queue": "q"}]}]}))
    asked = rendering.get("ScaledObject", "-a")["spec"]["triggers"][0]["metadata"]["valueLocation"]
    with running(rendering, broker, certificates, without=("worker",)) as cluster:
        def demand():
            return next(float(line.split()[1]) for line in metrics(cluster, 9102).splitlines()
                        if line.startswith(asked + " "))

        assert demand() == 0
        answer = requests.post(f"{cluster.url}/v1/jobs", json={"type": "late"}, timeout=30)
        assert answer.status_code == 202, answer.text
        assert demand() == 1


@pytest.fixture(scope="module", name="encrypted")
def fixture_encrypted(broker, certificates):
    with running(render(case="tls"), broker, certificates) as cluster:
        yield cluster


@pytest.mark.parametrize("case", MATRIX)
def test_envoy_takes_the_rendered_configuration(case, certificates, directory):
    rendering = render(case=case)
    cluster = Cluster(rendering, directory, "unused:1", {})
    cluster._secrets = {name: certificates[1] for name in (
        "buzzer-tls", "b-buzzer-gateway-tls")}
    cluster._mount("gateway", cluster.pods["gateway"])
    done = subprocess.run(
        [ENVOY, "--mode", "validate", "-c", f"{directory}/gateway/etc/buzzer/gateway/envoy.yaml"],
        capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0 and " OK" in done.stdout + done.stderr, done.stderr
    text = rendering.get("ConfigMap", "-gateway")["data"]["envoy.yaml"]
    # Nothing is left to fill in, or to put in, but in the words that tell of it.
    body = "\n".join(line.split(" #")[0] for line in text.splitlines()
                     if not line.lstrip().startswith("#"))
    assert not re.search("@[A-Z_]+@", body)
    assert not re.search(r"(?m)^ *# \+", text)


def test_the_configuration_is_that_of_quickstart():
    """With the same options, tools/render-gateway makes the same but for its first line."""
    made = subprocess.run(
        [ROOT / "tools/render-gateway", "--listen", "0.0.0.0:8080", "--admin-port", "9901",
         "--frontend", "b-buzzer-frontend-headless.jobs.svc.cluster.local:50051",
         "--descriptor", "/etc/buzzer/gateway/api.pb", "--lua", "/etc/buzzer/gateway/rest.lua",
         "--hosts", "jobs.example.com,*.team.example,b-buzzer-gateway,b-buzzer-gateway.jobs,"
         "b-buzzer-gateway.jobs.svc,b-buzzer-gateway.jobs.svc.cluster.local",
         "--cors-origins", r"https?://([a-z]+\.)?example\.com", "--rate-limit", "500",
         "--metrics-port", "9104", "--tls-certificate", "/etc/buzzer/tls/tls.crt",
         "--tls-key", "/etc/buzzer/tls/tls.key", "--tls-ca", "/etc/buzzer/tls/ca.crt",
         "--tls-server-name", "b-buzzer-frontend"],
        capture_output=True, text=True, check=True).stdout
    rendered = render(case="tls").get("ConfigMap", "-gateway")["data"]["envoy.yaml"]
    assert rendered.split("\n", 1)[1].strip() == made.strip()


@pytest.mark.parametrize("component", PARTS)
@pytest.mark.parametrize("which", ["plain", "encrypted"])
def test_the_probes_succeed(which, component, request):
    cluster = request.getfixturevalue(which)
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert cluster.probe(component, probe) is None


@pytest.mark.parametrize("which", ["plain", "encrypted"])
def test_helm_test_passes(which, request):
    cluster = request.getfixturevalue(which)
    said = cluster.run_test("b-buzzer-test-rest")
    assert "202, Location: /v1/jobs/" in said and "watched to SUCCEEDED" in said
    assert said.endswith("passed\n")
    cluster.run_test("b-buzzer-test-grpc")


def test_helm_test_fails_where_the_job_fails(plain):
    variables = plain.tests["b-buzzer-test-rest"]["containers"][0]["env"]
    job = next(variable for variable in variables if variable["name"] == "JOB")
    seconds = next(variable for variable in variables if variable["name"] == "SECONDS_LEFT")
    for wrong, words in (('{"type": "no.such"}', "wanted 202"),
                         ('{"type": "demo.sleep", "payload": {"seconds": 60}}', "did not succeed")):
        kept, job["value"], seconds["value"] = job["value"], wrong, "2"
        with pytest.raises(AssertionError, match=words):
            plain.run_test("b-buzzer-test-rest")
        job["value"], seconds["value"] = kept, "60"


def is_serving(channel):
    try:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAVAILABLE
        return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def test_encrypted_means_encrypted(encrypted, broker, certificates):
    """Who shows no certificate gets nowhere, and the broker sees TLS alone."""
    tls = {name: text.encode() for name, text in certificates[1].items()}
    mine = (tls["tls.key"], tls["tls.crt"])
    for port, name in ((50051, "b-buzzer-frontend"), (50052, "b-buzzer-state")):
        for shown, served in ((mine, True), ((None, None), False)):
            credentials = grpc.ssl_channel_credentials(tls["ca.crt"], *shown)
            with grpc.secure_channel(f"127.0.0.1:{encrypted.ports[port]}", credentials,
                                     [("grpc.ssl_target_name_override", name)]) as channel:
                assert is_serving(channel) == served
        with grpc.insecure_channel(f"127.0.0.1:{encrypted.ports[port]}") as channel:
            assert not is_serving(channel)
    connections = broker.ctl("list_connections", "vhost", "user", "ssl")
    lines = [line.split("\t") for line in connections.splitlines() if line.startswith(VHOST)]
    # State's publisher and administration, the worker's consumer.
    assert len(lines) >= 2 and all(line[1:] == ["ann", "true"] for line in lines), connections


def test_a_gateway_without_a_certificate_reaches_no_frontend(encrypted, directory):
    config = f"{directory}/envoy.yaml"
    port, admin = harness.free_port(), harness.free_port()
    with open(config, "w", encoding="utf-8") as out:
        subprocess.run([ROOT / "tools/render-gateway", "--listen", f"127.0.0.1:{port}",
                        "--admin-port", str(admin), "--frontend", f"127.0.0.1:{encrypted.ports[50051]}",
                        "--descriptor", BIN_DIR.parent / "api.pb"], stdout=out, check=True)
    part = harness.Part("bare", [*harness.ENVOY_COMMAND, "-c", config], encrypted.directory,
                        harness.envoy_starts, port=port).start()
    try:
        assert requests.get(f"http://127.0.0.1:{port}/v1/queues", timeout=10).status_code == 503
    finally:
        part.kill()


def test_pages_of_the_named_origins_may_call(encrypted):
    def allowed(origin):
        answer = requests.options(f"{encrypted.url}/v1/jobs", timeout=10, headers={
            "Origin": origin, "Access-Control-Request-Method": "POST"})
        return answer.headers.get("access-control-allow-origin") == origin

    assert allowed("https://app.example.com") and allowed("https://example.com")
    assert not allowed("https://example.com.evil.com") and not allowed("https://appXexample.com")


def test_only_listed_hosts_are_served(encrypted, plain):
    def status(cluster, host):
        return requests.get(f"{cluster.url}/v1/queues", headers={"Host": host}, timeout=10).status_code

    for host in ("jobs.example.com", "JOBS.example.com:8443", "a.team.example",
                 "b-buzzer-gateway", "b-buzzer-gateway.jobs.svc:80"):
        assert status(encrypted, host) == 200, host
    for host in ("evil.example", "localhost", "10.1.2.3:8080"):
        assert status(encrypted, host) == 421, host
        assert status(plain, host) == 200, host


def test_without_origins_no_page_may_call(plain):
    answer = requests.options(f"{plain.url}/v1/jobs", timeout=10, headers={
        "Origin": "http://localhost", "Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in answer.headers


def metrics(cluster, port):
    path = "/stats/prometheus" if port == 9104 else "/metrics"
    return requests.get(f"http://127.0.0.1:{cluster.ports[port]}{path}", timeout=10).text


def test_of_envoys_admin_interface_only_the_figures_are_reached(plain):
    assert "envoy_http_downstream_rq_total" in metrics(plain, 9104)
    base = f"http://127.0.0.1:{plain.ports[9104]}"
    for method, path in (("GET", "/config_dump"), ("GET", "/certs"), ("POST", "/quitquitquit"),
                         ("POST", "/stats/prometheus"), ("GET", "/stats/prometheus/../../config_dump"),
                         ("GET", "/")):
        assert requests.request(method, base + path, timeout=10).status_code == 404, path


def submit(cluster, seconds):
    """As a client does it: a frontend needs a moment to find a state that was restarted."""
    answer = None

    def accepted():
        nonlocal answer
        answer = requests.post(f"{cluster.url}/v1/jobs", timeout=30, json={
            "type": "demo.sleep", "payload": {"seconds": seconds}})
        assert answer.status_code in (202, 503), answer.text
        return answer.status_code == 202

    harness.eventually(accepted, what="an accepted job")
    return f"{cluster.url}/v1/jobs/{answer.json()['id']}"


def state_of(job):
    return requests.get(job, timeout=30).json()["state"]


def test_the_metrics_of_alerts_and_scalers_are_there(plain):
    """Each by its name, with its labels, in what the services tell."""
    job = submit(plain, 30)
    harness.eventually(lambda: state_of(job) == "RUNNING", what="a running job")
    told = {"state": metrics(plain, 9102), "frontend": metrics(plain, 9101),
            "workers": metrics(plain, 9103)}
    rules = render(case="hpa").get("PrometheusRule", "b-buzzer")["spec"]["groups"][0]["rules"]
    assert len(rules) >= 10
    checked = 0
    for rule in rules:
        for name, matchers in re.findall(r"(buzzer_\w+)\{([^}]*)\}", rule["expr"]):
            service = re.search(r'service="b-buzzer-(\w+)"', matchers)[1]
            family = re.sub("_bucket$", "", name)
            assert f"# TYPE {family} " in told[service], (rule["alert"], name)
            checked += 1
    assert checked >= 16
    # A running job is demand: the broker's own depth would read 0.
    values = merged(SCRAPERS, {"workers": [{
        "name": "a", "autoscaling": {"keda": {"enabled": True}},
        "handlers": [{"type": "demo.sleep", "kind": "demo.sleep"}]}]})
    trigger = render(values).get("ScaledObject", "-a")["spec"]["triggers"][0]["metadata"]
    line = next(line for line in told["state"].splitlines()
                if line.startswith(trigger["valueLocation"] + " "))
    assert float(line.split()[1]) >= 1
    requests.post(f"{job}:cancel", timeout=30)
    harness.eventually(lambda: state_of(job) == "CANCELLED", what="the cancelled job")


def test_a_worker_that_lost_state_is_not_ready_but_lives(plain):
    plain.parts["state"].stop()
    harness.eventually(lambda: plain.probe("worker") is not None, what="an unready worker")
    assert "not connected to the state service" in plain.probe("worker")
    assert plain.probe("worker", "livenessProbe") is None
    assert plain.probe("state") is not None
    plain.parts["state"].start()
    plain.wait_until_ready("worker")


def test_a_gateway_drains_before_it_ends(plain):
    """What is under way ends, new calls still come through, and the Service hears of it."""
    job = submit(plain, 8)
    with requests.get(f"{job}:watch", stream=True, timeout=60) as watch:
        lines = watch.iter_lines()
        next(lines)
        began = time.monotonic()
        hook = plain.pre_stop("gateway")
        harness.eventually(lambda: plain.probe("gateway") is not None, what="an unready gateway")
        assert "503" in plain.probe("gateway")
        assert state_of(job) in ("QUEUED", "RUNNING")
        rest = b"\n".join(lines)
    assert b'"SUCCEEDED"' in rest
    assert hook.wait(20) == 0, hook.stdout.read()
    assert 5 <= time.monotonic() - began < 25
    assert plain.parts["gateway"].stop() == 0
    plain.parts["gateway"].start()
    plain.wait_until_ready("gateway")


def test_a_drain_ends_short_jobs_and_hands_back_long_ones(plain):
    """drainTimeout is 3 s here: one job ends within it, the other is handed back at once, and
    runs on with the next worker, with no attempt lost."""
    short, long = submit(plain, 2), submit(plain, 120)
    harness.eventually(lambda: state_of(short) == state_of(long) == "RUNNING", what="two jobs")
    began = time.monotonic()
    assert plain.parts["worker"].stop() == 0
    took = time.monotonic() - began
    limit = plain.pods["worker"]["terminationGracePeriodSeconds"]
    assert 3 <= took < limit == 3 + 10 + 10
    assert state_of(short) == "SUCCEEDED"
    assert state_of(long) == "QUEUED"
    plain.parts["worker"].start()
    harness.eventually(lambda: state_of(long) == "RUNNING", what="the handed-back job")
    requests.post(f"{long}:cancel", timeout=30)
    harness.eventually(lambda: state_of(long) == "CANCELLED", what="the cancelled job")


@pytest.mark.parametrize("which", ["plain", "encrypted"])
def test_z_every_part_ends_well(which, request):
    """Last in the file: SIGTERM to each, outermost first."""
    cluster = request.getfixturevalue(which)
    assert [cluster.stop(component) for component in reversed(PARTS)] == [0, 0, 0, 0]
    assert container(cluster.pods["state"])["args"]

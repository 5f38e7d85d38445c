# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The gateway alone: a real Envoy on our configuration, before a frontend whose answers
the test chooses."""

import http.client
import re
import socket
import stat
import subprocess
import sys
import threading

import grpc
import pytest
import requests
from google.api import httpbody_pb2
from google.protobuf import empty_pb2

import harness

sys.path.insert(0, str(harness.ROOT / "tests/fakes"))
import frontend as fakes  # noqa: E402

MAX_BODY = 2 * (1 << 20) + 65536


class Gateway:
    """An Envoy and its frontend."""

    def __init__(self, api, directory, flags=()):
        port, self.frontend_port = harness.free_port(), harness.free_port()
        self.api = api
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"
        self.config = directory / "envoy.yaml"
        self.config.write_text(render(
            "--listen", self.address, "--frontend", f"127.0.0.1:{self.frontend_port}",
            *([] if "--admin-port" in flags else ["--admin-socket", directory / "admin.sock"]),
            *flags))
        self.frontend = fakes.FakeFrontend(api, self.frontend_port)
        self.envoy = harness.Part(
            "gateway", [*harness.ENVOY_COMMAND, "-c", self.config],
            directory, harness.envoy_starts, port=port).start()
        self.wait_for_health(200)

    def wait_for_health(self, status):
        # Each of Envoy's threads learns of it by itself, and each connection may meet another.
        harness.eventually(
            lambda: all(self.call("GET", "/healthz").status_code == status for _ in range(8)),
            what=f"/healthz answers {status}")

    def call(self, method, path, **keywords):
        keywords.setdefault("timeout", 30)
        return requests.request(method, self.url + path, **keywords)

    def close(self):
        self.envoy.stop()
        self.frontend.stop()


def render(*flags):
    return subprocess.run(
        [harness.ROOT / "tools/render-gateway", "--descriptor", harness.BIN_DIR.parent / "api.pb",
         *map(str, flags)], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def shared_gateway(api, tmp_path_factory):
    running = Gateway(api, tmp_path_factory.mktemp("gateway"))
    yield running
    running.close()


@pytest.fixture
def gateway(shared_gateway):
    shared_gateway.frontend.on = {
        "SubmitJob": lambda request, _: shared_gateway.api.job.Job(
            name="jobs/1", type=request.type),
        "GetJob": lambda request, _: shared_gateway.api.job.Job(name=request.name),
    }
    shared_gateway.frontend.calls.clear()
    return shared_gateway


@pytest.fixture
def fresh_gateway(api, tmp_path, request):
    """A gateway of the test's own; flags for its configuration by indirect parameter."""
    running = Gateway(api, tmp_path, getattr(request, "param", ()))
    yield running
    running.close()


def assert_error(answer, status, code, reason):
    """The one JSON shape of every error: google.rpc.Status with an ErrorInfo."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code
    assert body["details"][0]["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"
    assert body["details"][0]["reason"] == reason
    assert body["details"][0]["domain"] == "buzzer.dev"
    return body["message"]


# --- The configuration itself


@pytest.mark.parametrize("flags", [
    [], ["--admin-port", "9901"],
    ["--admin-port", "9901", "--rate-limit", "5", "--sync-twin-port", "8081",
     "--metrics-port", "9104"],
    ["--admin-socket", 'a "quoted" \\ path', "--rate-limit", "5", "--metrics-port", "9104"],
])
def test_envoy_accepts_the_configuration(tmp_path, flags):
    config = tmp_path / "envoy.yaml"
    config.write_text(render("--listen", "127.0.0.1:8080", "--frontend", "127.0.0.1:50051",
                             *(flags or ["--admin-socket", "admin.sock"])))
    assert not re.search(r"@[A-Z_]+@", re.sub(r"#.*", "", config.read_text()))
    done = subprocess.run([harness.ENVOY_COMMAND[0], "--mode", "validate", "-c", config],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_list_of_known_fields_is_that_of_the_proto(api):
    lua = (harness.ROOT / "services/gateway/rest.lua").read_text()
    for path, message in [("/v1/jobs", api.jobs.SubmitJobRequest),
                          ("/v1/jobs:batchSubmit", api.jobs.BatchSubmitJobsRequest)]:
        entry = re.search(r'\["%s"\] = \{.*?fields = (?:\[\[(.*?)\]\]|"(.*?)")' % path, lua, re.S)
        listed = re.findall(r"\w+", entry[1] or entry[2])
        assert listed == [field.json_name for field in message.DESCRIPTOR.fields]


# --- Envoy's admin interface


def ask_admin(connection, method, path):
    connection.request(method, path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def test_the_admin_socket_is_for_its_user_alone(gateway):
    path = gateway.config.parent / "admin.sock"
    assert stat.filemode(path.stat().st_mode) == "srw-------"
    connection = http.client.HTTPConnection("admin")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    assert ask_admin(connection, "GET", "/config_dump") == 200
    connection.close()


def test_a_long_path_of_the_admin_socket_is_refused_with_the_reason():
    with pytest.raises(subprocess.CalledProcessError) as failed:
        render("--listen", "127.0.0.1:8080", "--admin-socket", "/" + "x" * 107,
               "--frontend", "127.0.0.1:50051")
    assert "longer than the 107 bytes" in failed.value.stderr


ADMIN_PORT = harness.free_port()


@pytest.mark.parametrize("fresh_gateway", [["--admin-port", str(ADMIN_PORT)]], indirect=True)
def test_the_admin_port_answers_only_what_the_pod_asks(fresh_gateway):
    connection = http.client.HTTPConnection("127.0.0.1", ADMIN_PORT)
    for method, path in (("POST", "/quitquitquit"), ("GET", "/config_dump"), ("GET", "/certs"),
                         ("POST", "/logging?level=trace"), ("GET", "/stats"), ("GET", "/"),
                         ("GET", "/stats/../config_dump"), ("POST", "/drain_listeners"),
                         ("GET", "/heapprofiler"), ("POST", "/runtime_modify?a=1")):
        assert ask_admin(connection, method, path) == 403, path
    assert fresh_gateway.envoy.running()
    script = (harness.ROOT / "helm/buzzer/templates/gateway/config.yaml").read_text()
    asked = re.findall(r"ask '(\w+) (\S+)'", script)
    assert len(asked) == 3
    for method, path in [*asked, ("GET", "/stats/prometheus")]:
        assert ask_admin(connection, method, path) == 200, path
    connection.close()


# --- Status codes


@pytest.mark.parametrize("code", ["202", "204"])
def test_turns_200_into_the_code_that_the_frontend_names(gateway, code):
    def submit(request, context):
        context.send_initial_metadata((("x-http-code", code), ("location", "/v1/jobs/1"),
                                       ("retry-after", "1"), ("etag", '"1"')))
        return gateway.api.job.Job(name="jobs/1")
    gateway.frontend.on["SubmitJob"] = submit
    answer = gateway.call("POST", "/v1/jobs", json={"type": "demo.echo"})
    assert answer.status_code == int(code)
    assert answer.headers["location"] == "/v1/jobs/1"
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["etag"] == '"1"'
    assert not [name for name in answer.headers
                if name.startswith(("grpc-", "x-http", "x-envoy"))]


@pytest.mark.parametrize("grpc_code, named, status", [
    (grpc.StatusCode.FAILED_PRECONDITION, "409", 409),
    (grpc.StatusCode.INVALID_ARGUMENT, "413", 413),
    (grpc.StatusCode.ALREADY_EXISTS, "422", 422),
    # Not on the list: the transcoder's own status stays.
    (grpc.StatusCode.NOT_FOUND, "200", 404),
    (grpc.StatusCode.NOT_FOUND, "409", 404),
    (grpc.StatusCode.INVALID_ARGUMENT, "999", 400),
    (grpc.StatusCode.INVALID_ARGUMENT, None, 400),
    (grpc.StatusCode.RESOURCE_EXHAUSTED, None, 429),
    (grpc.StatusCode.UNAVAILABLE, None, 503),
    (grpc.StatusCode.DEADLINE_EXCEEDED, None, 504),
    (grpc.StatusCode.UNIMPLEMENTED, None, 501),
])
def test_refines_only_listed_error_codes(gateway, grpc_code, named, status):
    metadata = (("x-http-code", named), ("retry-after", "7")) if named else ()
    gateway.frontend.on["SubmitJob"] = lambda request, context: fakes.fail(
        context, grpc_code, "SOME_REASON", "what to do", metadata)
    answer = gateway.call("POST", "/v1/jobs", json={"type": "demo.echo"})
    assert assert_error(answer, status, grpc_code.value[0], "SOME_REASON") == "what to do"
    # A 503 never goes without.
    expected = "7" if named else "1" if status == 503 else None
    assert answer.headers.get("retry-after") == expected
    assert "x-http-code" not in answer.headers


def test_what_grpc_cannot_parse_is_400_and_never_501(gateway):
    gateway.frontend.on["SubmitJob"] = lambda request, context: context.abort(
        grpc.StatusCode.UNIMPLEMENTED, "")
    answer = gateway.call("POST", "/v1/jobs", json={"type": "demo.echo"})
    assert_error(answer, 400, 3, "INVALID_REQUEST")


# --- What the gateway refuses by itself


@pytest.mark.parametrize("body, message", [
    ('{"type":', "Unexpected end of string"),
    ("[]", "Root element must be a message"),
    ("nonsense", "Unexpected token"),
    ('{"type":"a"} {"type":"b"}', "end of input"),
    (b'{"type":"\xff"}', "non UTF-8"),
    ('{"type":"\\ud800"}', "surrogate"),
    ('{"tipe":"demo.echo"}', 'unknown field "tipe"'),
    ('{"type":"demo.echo","payload":{},"x":{"type":1}}', 'unknown field "x"'),
    ("{'type':'demo.echo'}", "double quotes"),
    ('{type:"demo.echo"}', "double quotes"),
    ('{"type":"demo.echo",}', "no comma is last"),
    ('{"type":{}}', "type"),
    ('{"type":"a","maxAttempts":"many"}', "max_attempts"),
    ('{"type":"a","priority":"URGENT"}', "priority"),
    ('{"type":"a","delay":"soon"}', "delay"),
    ('{"type":"a","runAt":"soon"}', "run_at"),
    ('{"type":"a","labels":{"a":1}}', "labels"),
    ('{"type":"a","payload":1e400}', "range of double"),
    ('{"type":"a","payload":' + "[" * 33 + "]" * 33 + "}", "payload: nested deeper than 32"),
    ('{"type":"a","payload":' + '{"a":' * 33 + "1" + "}" * 34, "payload: nested deeper than 32"),
    ("[" * 100_000, "payload: nested deeper than 32"),
])
def test_a_bad_body_is_400_and_says_why(gateway, body, message):
    answer = gateway.call("POST", "/v1/jobs", data=body)
    assert message in assert_error(answer, 400, 3, "INVALID_REQUEST")
    assert gateway.frontend.calls == []


@pytest.mark.parametrize("payload", [
    "null", "[]", "1", '"a \\"quoted\\" {[text"', '{"type": {"unknown": [1, {"x": "y"}]}}',
    "[" * 32 + "]" * 32, '{"a":' * 32 + "1" + "}" * 32,
])
def test_a_payload_may_be_any_json_of_32_levels(gateway, payload):
    answer = gateway.call("POST", "/v1/jobs", data='{"type":"a", "payload": %s ,"max_attempts":3}'
                          % payload)
    assert answer.status_code == 200, answer.text
    assert gateway.frontend.calls[0][1].max_attempts == 3


@pytest.mark.parametrize("path, message", [
    ("/v1/jobs/%FF", "not UTF-8"),
    ("/v1/jobs?filter=%C3%28", "not UTF-8"),
    ("/v1/jobs?filtre=x", 'Could not find field "filtre"'),
    ("/v1/jobs/1?after=soon", "after"),
    ("/v1/jobs/1?wait=soon", "wait"),
    ("/v1/jobs/1?view=ALL", "view"),
    ("/v1/jobs/a%2Fb", "the path must not have an escaped slash in it"),
    ("/v1/jobs/..%5c?view=FULL", "the path must not have an escaped slash in it"),
])
def test_a_bad_path_or_query_is_400(gateway, path, message):
    answer = gateway.call("GET", path)
    assert message in assert_error(answer, 400, 3, "INVALID_REQUEST")
    assert gateway.frontend.calls == []


def test_an_escaped_slash_in_a_query_is_a_slash(gateway):
    gateway.frontend.on["ListJobs"] = lambda request, _: gateway.api.jobs.ListJobsResponse()
    gateway.call("GET", "/v1/jobs?filter=labels.path%20%3D%20a%2Fb")
    assert gateway.frontend.calls[0][1].filter == "labels.path = a/b"


def test_utf_8_in_a_query_reaches_the_frontend(gateway):
    gateway.frontend.on["ListJobs"] = lambda request, _: gateway.api.jobs.ListJobsResponse()
    gateway.call("GET", "/v1/jobs", params={"filter": "type = é€😀"})
    assert gateway.frontend.calls[0][1].filter == "type = é€😀"


@pytest.mark.parametrize("method, path", [
    ("GET", "/"), ("GET", "/v2/jobs"), ("PUT", "/v1/jobs"), ("PATCH", "/v1/jobs/1"),
    ("POST", "/buzzer.v1.JobService/SubmitJob"), ("OPTIONS", "/v1/jobs"),
])
def test_an_unknown_method_and_path_is_404(gateway, method, path):
    message = assert_error(gateway.call(method, path), 404, 5, "NO_SUCH_PATH")
    assert message.endswith(f"{method} {path}")


def test_head_is_404_without_a_body(gateway):
    answer = gateway.call("HEAD", "/v1/jobs/1")
    assert answer.status_code == 404
    assert answer.content == b""


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(gateway, chunked):
    body = b'{"type":"a","payload":"' + b"x" * MAX_BODY + b'"}'
    data = iter([body[:1000], body[1000:]]) if chunked else body
    message = assert_error(gateway.call("POST", "/v1/jobs", data=data), 413, 3, "TOO_LARGE")
    assert str(MAX_BODY) in message and str(1 << 20) in message


def test_a_body_at_the_limit_passes(gateway):
    head, tail = b'{"type":"a","payload":"', b'"}'
    body = head + b"x" * (MAX_BODY - len(head) - len(tail)) + tail
    assert gateway.call("POST", "/v1/jobs", data=body).status_code == 200


def test_a_header_with_an_underscore_is_refused(gateway):
    answer = gateway.call("GET", "/v1/jobs/1", headers={"x_buzzer_tenant": "evil"})
    assert answer.status_code == 400
    assert gateway.frontend.calls == []


# --- What reaches the frontend


def test_the_tenant_is_the_gateways_to_say(gateway):
    gateway.call("GET", "/v1/jobs/1", headers={"X-Buzzer-Tenant": "evil", "x-http-code": "202"})
    with grpc.insecure_channel(gateway.address) as channel:
        stub = gateway.api.jobs_grpc.JobServiceStub(channel)
        stub.GetJob(gateway.api.jobs.GetJobRequest(name="jobs/1"),
                    metadata=(("x-buzzer-tenant", "evil"), ("x-http-code", "202")))
    assert len(gateway.frontend.calls) == 2
    for _, _, metadata in gateway.frontend.calls:
        assert metadata["x-buzzer-tenant"] == "default"
        assert "x-http-code" not in metadata


def test_headers_that_the_api_knows_reach_the_frontend(gateway):
    sent = {"idempotency-key": '"k 1"', "prefer": "wait=5", "last-event-id": "7"}
    gateway.call("GET", "/v1/jobs/1", headers=sent)
    metadata = gateway.frontend.calls[0][2]
    assert {name: metadata[name] for name in sent} == sent


def test_a_client_cannot_choose_its_timeout(gateway):
    gateway.call("GET", "/v1/jobs/1", headers={"x-envoy-upstream-rq-timeout-ms": "1"})
    assert "x-envoy-upstream-rq-timeout-ms" not in gateway.frontend.calls[0][2]
    assert "x-envoy-expected-rq-timeout-ms" not in gateway.frontend.calls[0][2]


# --- Results and streams


def test_a_result_passes_as_it_is(gateway):
    def result(request, context):
        context.send_initial_metadata((
            ("content-disposition", "attachment"), ("content-security-policy", "sandbox"),
            ("x-content-type-options", "nosniff")))
        return httpbody_pb2.HttpBody(content_type="image/svg+xml", data=b"\x00\xff" * (1 << 20))
    gateway.frontend.on["GetJobResult"] = result
    answer = gateway.call("GET", "/v1/jobs/1/result")
    assert answer.status_code == 200
    assert answer.content == b"\x00\xff" * (1 << 20)
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_delete_answers_an_empty_object(gateway):
    gateway.frontend.on["DeleteJob"] = lambda request, _: empty_pb2.Empty()
    answer = gateway.call("DELETE", "/v1/jobs/1")
    assert (answer.status_code, answer.content) == (200, b"{}")


def event(text):
    return httpbody_pb2.HttpBody(content_type="text/event-stream", data=text.encode())


def test_server_sent_events_pass_one_by_one(gateway):
    read_first = threading.Event()

    def stream(request, context):
        yield event("id: 1\ndata: {}\n\n")
        # The second is made only after the client has the first.
        assert read_first.wait(30)
        yield event(": still here\n\n")
    gateway.frontend.on["StreamJobEvents"] = stream
    answer = gateway.call("GET", "/v1/jobs/1:watch", stream=True,
                          headers={"last-event-id": "0"})
    lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
    assert answer.headers["content-type"] == "text/event-stream"
    assert [next(lines) for _ in range(3)] == ["id: 1", "data: {}", ""]
    read_first.set()
    assert list(lines) == [": still here", ""]
    assert gateway.frontend.calls[0][2]["last-event-id"] == "0"


def test_a_client_that_leaves_ends_its_stream(gateway):
    left = threading.Event()

    def stream(request, context):
        context.add_callback(left.set)
        yield event("id: 1\n\n")
        left.wait(30)
    gateway.frontend.on["StreamJobEvents"] = stream
    answer = gateway.call("GET", "/v1/jobs/1:watch", stream=True)
    next(answer.iter_lines(chunk_size=1))
    answer.close()
    assert left.wait(30)


def test_a_watch_with_nothing_to_tell_is_204(gateway):
    def stream(request, context):
        context.send_initial_metadata((("x-http-code", "204"),))
        return iter(())
    gateway.frontend.on["StreamJobEvents"] = stream
    answer = gateway.call("GET", "/v1/jobs/1:watch")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_a_watch_that_fails_has_its_status(gateway):
    gateway.frontend.on["StreamJobEvents"] = lambda request, context: fakes.fail(
        context, grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert_error(gateway.call("GET", "/v1/jobs/1:watch"), 404, 5, "JOB_NOT_FOUND")


# --- gRPC and gRPC-Web


def test_native_grpc_passes_untouched(gateway):
    def submit(request, context):
        context.send_initial_metadata((("x-http-code", "202"), ("location", "/v1/jobs/1")))
        return gateway.api.job.Job(name="jobs/1")
    gateway.frontend.on["SubmitJob"] = submit
    with grpc.insecure_channel(gateway.address) as channel:
        stub = gateway.api.jobs_grpc.JobServiceStub(channel)
        job, call = stub.SubmitJob.with_call(gateway.api.jobs.SubmitJobRequest(type="a"))
        assert job.name == "jobs/1"
        metadata = dict(call.initial_metadata())
        assert (metadata["x-http-code"], metadata["location"]) == ("202", "/v1/jobs/1")

        gateway.frontend.on["SubmitJob"] = lambda request, context: fakes.fail(
            context, grpc.StatusCode.FAILED_PRECONDITION, "JOB_DELETED", "gone")
        with pytest.raises(grpc.RpcError) as failed:
            stub.SubmitJob(gateway.api.jobs.SubmitJobRequest(type="a"))
        assert failed.value.code() == grpc.StatusCode.FAILED_PRECONDITION
        assert failed.value.details() == "gone"
        assert "grpc-status-details-bin" in dict(failed.value.trailing_metadata())


def test_native_grpc_errors_of_envoy_are_no_json(gateway):
    with grpc.insecure_channel(gateway.address) as channel:
        call = channel.unary_unary("/buzzer.v2.JobService/SubmitJob")
        with pytest.raises(grpc.RpcError) as failed:
            call(b"")
    assert failed.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert "{" not in (failed.value.details() or "")


def test_grpc_web_passes_untouched(gateway):
    def submit(request, context):
        context.send_initial_metadata((("x-http-code", "202"),))
        return gateway.api.job.Job(name="jobs/1")
    gateway.frontend.on["SubmitJob"] = submit
    message = gateway.api.jobs.SubmitJobRequest(type="a").SerializeToString()
    answer = gateway.call(
        "POST", "/buzzer.v1.JobService/SubmitJob",
        data=b"\0" + len(message).to_bytes(4, "big") + message,
        headers={"content-type": "application/grpc-web+proto"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/grpc-web+proto"
    assert answer.headers["x-http-code"] == "202"
    assert b"jobs/1" in answer.content and b"grpc-status:0" in answer.content


# --- Browsers


def test_a_page_of_this_machine_may_call(gateway):
    origin = "http://localhost:3000"
    answer = gateway.call("OPTIONS", "/v1/jobs", headers={
        "origin": origin, "access-control-request-method": "POST",
        "access-control-request-headers": "idempotency-key"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]
    answer = gateway.call("GET", "/v1/jobs/1", headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "location" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost.evil.example"])
def test_a_page_of_elsewhere_may_not(gateway, origin):
    answer = gateway.call("GET", "/v1/jobs/1", headers={"origin": origin})
    assert "access-control-allow-origin" not in answer.headers


# --- Bad days


def test_without_a_frontend_the_answer_is_503_at_once(fresh_gateway):
    fresh_gateway.frontend.stop()
    answer = fresh_gateway.call("GET", "/v1/jobs/1", timeout=5)
    assert_error(answer, 503, 14, "FRONTEND_UNAVAILABLE")
    assert answer.headers["retry-after"] == "1"
    fresh_gateway.wait_for_health(503)
    with grpc.insecure_channel(fresh_gateway.address) as channel:
        stub = fresh_gateway.api.jobs_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            stub.GetJob(fresh_gateway.api.jobs.GetJobRequest(name="jobs/1"))
    assert failed.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "{" not in failed.value.details()


def test_a_frontend_that_drains_gets_no_more_calls(fresh_gateway):
    fresh_gateway.frontend.set_serving(False)
    fresh_gateway.wait_for_health(503)
    fresh_gateway.frontend.calls.clear()
    assert fresh_gateway.call("GET", "/v1/jobs/1").status_code == 503
    assert fresh_gateway.frontend.calls == []
    fresh_gateway.frontend.set_serving(True)
    fresh_gateway.wait_for_health(200)


@pytest.mark.parametrize("fresh_gateway", [["--rate-limit", "2"]], indirect=True)
def test_over_the_rate_limit_the_answer_is_429(fresh_gateway):
    fresh_gateway.frontend.on["GetJob"] = lambda request, _: fresh_gateway.api.job.Job()
    answers = [fresh_gateway.call("GET", "/v1/jobs/1") for _ in range(10)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert_error(answer, 429, 8, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "1"


def test_only_failures_are_logged(fresh_gateway):
    fresh_gateway.frontend.on["GetJob"] = lambda request, context: fakes.fail(
        context, grpc.StatusCode.INTERNAL if request.name == "jobs/2"
        else grpc.StatusCode.NOT_FOUND, "SOME_REASON")
    for job in (1, 2, 3):
        fresh_gateway.call("GET", f"/v1/jobs/{job}")
    logged = fresh_gateway.envoy.wait_for_event("request")
    assert (logged["path"], logged["status"]) == ("/v1/jobs/2", 500)
    assert len(fresh_gateway.envoy.events("request")) == 1


def test_what_envoy_does_not_take_for_grpc_is_checked_as_rest(buzzer):
    for content_type in ("application/grpcfoo", "application/json"):
        answer = buzzer.rest("POST", "/v1/jobs", data=b'{"type":"demo.echo","nosuch":1}',
                             headers={"Content-Type": content_type})
        assert answer.status_code == 400 and "nosuch" in answer.json()["message"], answer.text


def test_no_name_of_the_gateways_own_tables_passes_as_a_field(buzzer):
    for name in ("fields", "payload_at", "is_field"):
        answer = buzzer.rest("POST", "/v1/jobs", json={"type": "demo.echo", name: {}})
        assert answer.status_code == 400 and f'"{name}"' in answer.json()["message"], answer.text


def test_a_slash_at_the_end_changes_nothing(buzzer):
    answer = buzzer.rest("POST", "/v1/jobs/", json={"type": "demo.echo", "nosuch": 1})
    assert answer.status_code == 400 and "known are" in answer.json()["message"], answer.text
    assert buzzer.rest("POST", "/v1/jobs/", json={"type": "demo.echo"}).status_code == 202


def test_two_idempotency_keys_are_one_too_many(buzzer):
    with socket.create_connection(("127.0.0.1", buzzer.http_port), 10) as raw:
        raw.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nIdempotency-Key: one\r\n"
                    b"Idempotency-Key: two\r\nContent-Length: 20\r\n"
                    b"Connection: close\r\n\r\n" + b'{"type":"demo.echo"}')
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ") and b"Idempotency-Key" in answer, answer

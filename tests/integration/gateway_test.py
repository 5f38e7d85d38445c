# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The gateway alone: a real Envoy on our configuration, before a frontend whose answers
the test chooses."""

import http.client
import json
import re
import socket
import stat
import subprocess
import sys
import threading
from concurrent import futures

import grpc
import pytest
import requests
from google.api import annotations_pb2, httpbody_pb2
from google.protobuf import descriptor_pb2, empty_pb2

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


@pytest.fixture(scope="module")
def any_host_gateway(api, tmp_path_factory):
    """Answers for any host, and no page of this machine may call."""
    running = Gateway(api, tmp_path_factory.mktemp("any-host"),
                      ["--hosts", "*", "--cors-origins", "none"])
    running.frontend.on["GetJob"] = lambda request, _: api.job.Job()
    yield running
    running.close()


def speak(gateway, *lines, body=b""):
    """Sends a request as it is written here; the whole answer, until the gateway closes."""
    with socket.create_connection(gateway.address.split(":"), 30) as peer:
        peer.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return b"".join(iter(lambda: peer.recv(65536), b"")).decode("latin-1")


def assert_error(answer, status, code, reason):
    """The one JSON shape of every error: google.rpc.Status with an ErrorInfo."""
    assert answer.status_code == status, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "origin"
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
                          ("/v1/jobs:batchSubmit", api.jobs.BatchSubmitJobsRequest),
                          ("/v1/jobs/*:cancel", api.jobs.CancelJobRequest),
                          ("/v1/idempotencyKeys:release", api.jobs.ReleaseIdempotencyKeyRequest)]:
        entry = re.search(r'\["%s"\] = \{.*?fields = (?:\[\[(.*?)\]\]|"(.*?)")' % re.escape(path),
                          lua, re.S)
        listed = re.findall(r"\w+", entry[1] or entry[2])
        # What stands in the path does not stand in the body.
        assert listed == [field.json_name for field in message.DESCRIPTOR.fields
                          if field.name != "name" or "*" not in path]
    listed = re.findall(r"\w+", re.search(r'retry = \{.*?fields = "(.*?)"', lua)[1])
    assert listed == [field.json_name for field in api.job.RetryPolicy.DESCRIPTOR.fields]


@pytest.mark.parametrize("flag", ["--admin-port", "--metrics-port", "--sync-twin-port"])
@pytest.mark.parametrize("port", ["0", "-1", "65536", "http"])
def test_what_is_no_port_is_refused_with_the_reason(flag, port):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        render("--listen", "127.0.0.1:8080", "--frontend", "127.0.0.1:50051", f"{flag}={port}",
               *([] if flag == "--admin-port" else ["--admin-port", "9901"]))
    assert f"argument {flag}: '{port}' is no port from 1 to 65535" in failed.value.stderr


@pytest.mark.parametrize("limit", ["0", "-1", "4294967296", "many"])
def test_what_is_no_rate_is_refused_with_the_reason(limit):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        render("--listen", "127.0.0.1:8080", "--frontend", "127.0.0.1:50051", "--admin-port", "9901",
               f"--rate-limit={limit}")
    assert f"argument --rate-limit: '{limit}' is no number of requests" in failed.value.stderr


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
    ('{"type":"a","payload_contentType":"text/plain"}', 'unknown field "payload_contentType"'),
    ('{"type":"a","t\\u0079pe":"b"}', 'unknown field "t\\u0079pe"'),
    ('{"type":"a","retry":{"initial":"30s"}}',
     'unknown field "initial"; known are initialDelay, factor, maxDelay, jitter, finalReasons'),
    ('{"type":"a","retry":{"factor":2,"attempts":3}}', 'unknown field "attempts"'),
    ('{"type":"a","retry":{"jitter":1},"max":3}', 'unknown field "max"'),
    ('{"type":"a","retry":{"finalReasons":["A"],"x":1}}', 'unknown field "x"'),
    ('{"type":"a","retry":{"factor":"twice"}}', "factor"),
    ('{"type":"a","retry":{"initialDelay":"soon"}}', "initial_delay"),
    ('{"type":"a","retry":{"factor":2,}}', "no comma is last"),
    ('{"type":"a"}}', "closes nothing"),
    ("]", "closes nothing"),
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


MAX_VALUES = 1 << 18


@pytest.mark.parametrize("element", ["{}", "[]", '""', "1", '{"a":1}'])
def test_a_payload_of_too_many_values_is_400_before_it_is_a_tree(gateway, element):
    payload = "[" + ",".join([element] * MAX_VALUES) + "]"
    answer = gateway.call("POST", "/v1/jobs", data='{"type":"a","payload":%s}' % payload)
    message = assert_error(answer, 400, 3, "INVALID_REQUEST")
    assert "payload: more than 262144 values" in message
    assert gateway.frontend.calls == []


@pytest.mark.parametrize("body, message", [
    ("]" * MAX_BODY, "closes nothing"),
    ('{"type":"a","payload":[' + '""' * 1_000_000, "or 524288 texts"),
    ('{"type":"a","payload":[' + '""' * 1_000_000 + "]}", "or 524288 texts"),
    ('{"type":"a","payload":' + "[]" * 1_000_000 + "}", "payload: more than 262144 values"),
], ids=["closing", "open texts", "texts", "lists"])
def test_what_is_no_json_is_read_no_further_than_what_is(gateway, body, message):
    """The thread that reads it serves others as well."""
    answer = gateway.call("POST", "/v1/jobs", data=body)
    assert message in assert_error(answer, 400, 3, "INVALID_REQUEST")
    assert gateway.frontend.calls == []


def test_a_batch_of_too_many_values_is_400(gateway):
    body = '{"requests":[' + ",".join(["{}"] * MAX_VALUES) + "]}"
    answer = gateway.call("POST", "/v1/jobs:batchSubmit", data=body)
    assert "more than 262144 values" in assert_error(answer, 400, 3, "INVALID_REQUEST")


@pytest.mark.parametrize("payload", [
    # What text is made of is no value, however much there is of it.
    '"' + "{},[]:" * ((1 << 20) // 6 - 1) + '"', '"' + '\\"{}' * (1 << 18) + '"',
    '"' + '\\"' * (1 << 19) + '"', '"' + "\\\\" * (1 << 19) + '"',
    "[" + ",".join(['"abc"'] * 174_000) + "]",
    "[" + ",".join(["0.12345"] * 131_000) + "]",
    "[" + ",".join(["[12.34,56.78]"] * 74_000) + "]",
    "[" + ",".join(['{"id":12,"x":"abc"}'] * 52_000) + "]",
    "[" + ",".join(["100"] * (MAX_VALUES - 10)) + "]",
])
def test_a_mebibyte_of_what_people_send_passes(gateway, payload):
    assert (1 << 20) - 30_000 < len(payload) <= (1 << 20) + 10
    answer = gateway.call("POST", "/v1/jobs", data='{"type":"a","payload":%s}' % payload)
    assert answer.status_code == 200, answer.text


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


# --- Fields from the query


def routes(api):
    """(method, template, body, request message) of every binding of the descriptors, as the
    gateway reads them."""
    files = descriptor_pb2.FileDescriptorSet.FromString(
        (harness.BIN_DIR.parent / "api.pb").read_bytes())
    messages = {file.package + "." + message.name: message
                for file in files.file for message in file.message_type}
    for file in files.file:
        for method in (method for service in file.service for method in service.method):
            rule = method.options.Extensions[annotations_pb2.http]
            for each in [rule, *rule.additional_bindings]:
                if verb := each.WhichOneof("pattern"):
                    yield (verb.upper(), getattr(each, verb), each.body,
                           messages[method.input_type.lstrip(".")])


def escaped(name):
    """Its first letter, and then all of it, as percent-escapes."""
    return f"%{ord(name[0]):02x}{name[1:]}", "".join(f"%{ord(letter):02X}" for letter in name)


def test_no_field_of_the_path_or_the_body_is_taken_from_the_query(gateway, api):
    tried = 0
    for method, template, body, message in routes(api):
        assert body in ("", "*"), "think of what the query may say where a body is one field"
        bound = re.findall(r"\{([a-z_.]+)", template)
        path = re.sub(r"\{[a-z_.]+=?([^}]*)\}", r"\1", template).replace("*", "A")
        known = {field.name: {field.name, field.json_name} for field in message.field}
        fields = list(known) if body == "*" else bound
        for field in fields:
            spelled = known[field] | {way for name in known[field] for way in escaped(name)}
            queries = [f"{name}=jobs/B" for name in spelled] + [
                f"{field}=", f"view=JOB_VIEW_FULL&{field}=jobs/B", f"{field}=jobs/A&{field}=jobs/B",
                f"{field}.name=x", f"{field}.%6eame=x", f"{field}[]=x", f"&&{field}=jobs/B&"]
            for query in queries:
                answer = gateway.call(method, f"{path}?{query}", json={} if body else None)
                said = assert_error(answer, 400, 3, "INVALID_REQUEST")
                assert field in bound and f": {field}: " in said or "takes no query" in said, said
                tried += 1
    assert gateway.frontend.calls == []
    assert tried > 200


def calls_without_a_body(api):
    return [(method, re.sub(r"\{[a-z_.]+=?([^}]*)\}", r"\1", template).replace("*", "A"))
            for method, template, body, _ in routes(api) if not body]


@pytest.mark.parametrize("body", [
    '{"nosuch":1}', '{"name":"jobs/B"}', '{"filter":"state=FAILED"}', "[]", "1", '""', "x", "{} {}",
    '{"":' + "[" * 100_000, "[" + "{}," * 500_000, "filter=x", " {", "\0"])
def test_a_call_without_a_body_refuses_one(gateway, api, body):
    calls = calls_without_a_body(api)
    assert {method for method, _ in calls} == {"GET", "DELETE"}
    assert len(calls) >= 8
    for method, path in calls:
        for content_type in ("application/json", "application/x-www-form-urlencoded"):
            answer = gateway.call(method, path, data=body, headers={"Content-Type": content_type})
            message = assert_error(answer, 400, 3, "INVALID_REQUEST")
            assert "this call takes no body" in message, (method, path)
        answer = gateway.call(method, path, data=iter([body.encode()]))
        assert "this call takes no body" in assert_error(answer, 400, 3, "INVALID_REQUEST")
    assert gateway.frontend.calls == []


@pytest.mark.parametrize("body", [b"", b"{}", b" { }\n"])
def test_an_empty_object_is_no_body(gateway, api, body):
    gateway.frontend.on = {
        "GetJob": lambda request, _: gateway.api.job.Job(name=request.name),
        "WaitJob": lambda request, _: gateway.api.job.Job(name=request.name),
        "ListJobs": lambda request, _: gateway.api.jobs.ListJobsResponse(),
        "StreamJobEvents": lambda request, _: iter([event("id: 1\n\n")]),
        "GetJobResult": lambda request, _: httpbody_pb2.HttpBody(data=b"x"),
        "DeleteJob": lambda request, _: empty_pb2.Empty(),
    }
    served = 0
    for method, path in calls_without_a_body(api):
        if path.startswith("/v1/jobs"):
            for data in (body, iter([body])):
                answer = gateway.call(method, path, data=data)
                assert answer.status_code == 200, (method, path, answer.text)
                served += 1
    assert len(gateway.frontend.calls) == served >= 12
    for called, request, _ in gateway.frontend.calls:
        assert called == "ListJobs" or request.name == "jobs/A"


def test_a_query_of_nothing_is_none(gateway):
    assert gateway.call("POST", "/v1/jobs?", json={"type": "a"}).status_code == 200
    assert speak(gateway, "POST /v1/jobs? HTTP/1.1", f"Host: {gateway.address}", "Connection: close",
                 "Content-Length: 12", body=b'{"type":"a"}').startswith("HTTP/1.1 200 ")
    assert len(gateway.frontend.calls) == 2


def test_what_only_resembles_a_field_of_the_path_is_left_to_the_transcoder(gateway):
    for query in ("names=x", "xname=x", "view=JOB_VIEW_FULL%26name=jobs/B", "x=?name=jobs/B"):
        message = assert_error(gateway.call("GET", f"/v1/jobs/A?{query}"), 400, 3, "INVALID_REQUEST")
        assert "stands in the path" not in message
    gateway.frontend.on["ListJobs"] = lambda request, _: gateway.api.jobs.ListJobsResponse()
    assert gateway.call("GET", "/v1/jobs?filter=%26name=x").status_code == 200
    assert gateway.frontend.calls[0][1].filter == "&name=x"


# --- Types


@pytest.mark.parametrize("content_type", [
    "application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8",
    "application/merge-patch+json", "application/vnd.team.job+json; v=1", "", None,
    "application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded",
])
@pytest.mark.parametrize("method, path", [
    ("POST", "/v1/jobs"), ("POST", "/v1/jobs/1:cancel"), ("DELETE", "/v1/jobs/1")])
def test_json_and_what_curl_calls_a_form_are_taken(gateway, method, path, content_type):
    gateway.frontend.on["CancelJob"] = lambda request, _: gateway.api.job.Job()
    gateway.frontend.on["DeleteJob"] = lambda request, _: empty_pb2.Empty()
    body = b'{"type":"a"}' if path == "/v1/jobs" else b""
    headers = [] if content_type is None else [f"Content-Type: {content_type}"]
    answer = speak(gateway, f"{method} {path} HTTP/1.1", f"Host: {gateway.address}",
                   "Connection: close", f"Content-Length: {len(body)}", *headers, body=body)
    assert answer.startswith("HTTP/1.1 200 "), answer


@pytest.mark.parametrize("content_type", [
    "text/plain", "text/plain; charset=application/json", "multipart/form-data; boundary=x",
    "application/xml", "application/jsonp", "text/json", "application/json, text/plain",
    "text/plain;application/json", "application/+json", "*/*", "application/octet-stream",
    "application/x-www-form-urlencoded; charset=utf-8", "application/grpcfoo", "x",
    "application/grpc-web+json", "application/grpcfoo+json", "Application/gRPC-Web",
    "application/grpc;x",
])
@pytest.mark.parametrize("method, path, body", [
    ("POST", "/v1/jobs", '{"type":"a"}'), ("POST", "/v1/jobs", ""),
    ("POST", "/v1/jobs/1:cancel", ""), ("POST", "/v1/queues/a:pause", ""),
    ("DELETE", "/v1/jobs/1", ""),
])
def test_every_other_type_is_415_and_the_right_one_is_shown(gateway, method, path, body,
                                                            content_type):
    answer = gateway.call(method, path, data=body, headers={"Content-Type": content_type})
    message = assert_error(answer, 415, 3, "UNSUPPORTED_CONTENT_TYPE")
    assert "Content-Type: application/json" in message and content_type in message
    assert gateway.frontend.calls == []


@pytest.mark.parametrize("header", [
    {"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"}])
def test_the_form_of_a_browser_is_415(gateway, header):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = gateway.call("POST", "/v1/jobs", data='{"type":"a"}', headers={**form, **header})
    assert_error(answer, 415, 3, "UNSUPPORTED_CONTENT_TYPE")
    assert gateway.frontend.calls == []


def test_grpc_has_no_rest_paths(gateway):
    for content_type in ("application/grpc", "application/grpc+json"):
        answer = gateway.call("POST", "/v1/jobs", data=b"{}", headers={"Content-Type": content_type})
        # As gRPC tells it: UNIMPLEMENTED.
        assert (answer.status_code, answer.headers["grpc-status"]) == (200, "12")
    assert gateway.frontend.calls == []


@pytest.mark.parametrize("content_type", ["application/grpc-web+json", "application/grpcfoo",
                                          "application/grpc;x", "Application/grpc"])
def test_what_envoy_does_not_take_for_grpc_is_checked_as_rest(gateway, content_type):
    answer = gateway.call("GET", "/v1/jobs/%FF", headers={"Content-Type": content_type})
    assert "not UTF-8" in assert_error(answer, 400, 3, "INVALID_REQUEST")
    answer = gateway.call("POST", "/buzzer.v1.JobService/SubmitJob", data=b"\0\0\0\0\0",
                          headers={"Content-Type": content_type})
    assert_error(answer, 404, 5, "NO_SUCH_PATH")
    assert gateway.frontend.calls == []


def test_a_request_without_a_path_is_404_and_no_fault_of_ours(fresh_gateway):
    answer = speak(fresh_gateway, "CONNECT localhost:80 HTTP/1.1", "Host: localhost:80",
                   "Connection: close")
    assert answer.startswith("HTTP/1.1 404 "), answer
    assert "script log" not in fresh_gateway.envoy.tail()


def test_two_types_are_none(gateway):
    answer = speak(gateway, "POST /v1/jobs HTTP/1.1", f"Host: {gateway.address}",
                   "Connection: close", "Content-Type: application/json",
                   "Content-Type: text/plain", "Content-Length: 12", body=b'{"type":"a"}')
    assert answer.startswith("HTTP/1.1 415 "), answer
    assert gateway.frontend.calls == []


# --- Hosts


LISTED = ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost:8080", "127.0.0.1:1",
          "[::1]:8080", "localhost.", "localhost.:80"]
UNLISTED = ["evil.example", "evil.example:8080", "127.0.0.2", "localhost.evil.example", "a",
            "127.0.0.1.evil.example", "evil.example/localhost", "localhost@evil.example", "*",
            "0.0.0.0", "[::]", "xlocalhost"]


@pytest.mark.parametrize("host", LISTED)
def test_a_listed_host_is_served_on_every_port(gateway, host):
    answer = speak(gateway, "GET /v1/jobs/1 HTTP/1.1", f"Host: {host}", "Connection: close")
    assert answer.startswith("HTTP/1.1 200 "), answer


@pytest.mark.parametrize("path", ["/v1/jobs/1", "/nowhere", "/v1/jobs/1:watch", "/v1/jobs?name=x"])
@pytest.mark.parametrize("host", UNLISTED)
def test_another_host_is_421(gateway, host, path):
    answer = speak(gateway, f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close")
    assert answer.startswith(("HTTP/1.1 421 ", "HTTP/1.1 400 ")), answer
    if re.fullmatch("[a-z0-9.]+(:[0-9]+)?", host):
        assert answer.startswith("HTTP/1.1 421 "), answer
        body = json.loads(answer.partition("\r\n\r\n")[2])
        assert body["details"][0]["reason"] == "UNKNOWN_HOST"
        assert host in body["message"]
        assert "cache-control: no-store\r\n" in answer
    assert gateway.frontend.calls == []


def test_the_host_of_the_request_line_counts(gateway):
    answer = speak(gateway, "GET http://evil.example/v1/jobs/1 HTTP/1.1",
                   f"Host: {gateway.address}", "Connection: close")
    assert answer.startswith("HTTP/1.1 421 "), answer
    assert gateway.frontend.calls == []


def test_a_page_whose_name_was_bound_to_our_address_gets_nowhere(gateway):
    """Its requests are of one origin with their host."""
    for origin in ({}, {"Origin": "http://evil.example:8080", "Sec-Fetch-Site": "same-origin"}):
        for method, path in (("GET", "/v1/jobs/1"), ("POST", "/v1/jobs"), ("DELETE", "/v1/jobs/1")):
            answer = gateway.call(method, path, json={"type": "a"},
                                  headers={"Host": "evil.example:8080", **origin})
            assert_error(answer, 421, 7, "UNKNOWN_HOST")
    assert gateway.frontend.calls == []


def test_grpc_is_served_by_the_names_that_are_listed(gateway):
    for authority, served in (("localhost", True), ("localhost:50051", True),
                              ("evil.example", False)):
        with grpc.insecure_channel(gateway.address,
                                   [("grpc.default_authority", authority)]) as channel:
            stub = gateway.api.jobs_grpc.JobServiceStub(channel)
            if served:
                assert stub.GetJob(gateway.api.jobs.GetJobRequest(name="jobs/1")).name == "jobs/1"
                continue
            with pytest.raises(grpc.RpcError) as failed:
                stub.GetJob(gateway.api.jobs.GetJobRequest(name="jobs/1"))
            assert failed.value.code() == grpc.StatusCode.PERMISSION_DENIED
            assert "host" in failed.value.details() and "{" not in failed.value.details()


def test_health_is_told_to_whoever_asks(gateway):
    """The kubelet asks by the pod's address."""
    for host in ("10.1.2.3:8080", "evil.example"):
        assert gateway.call("GET", "/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("fresh_gateway", [["--hosts", "Jobs.Example.com, *.team.example,[2001:db8::5]"]],
                         indirect=True)
def test_hosts_of_ones_own(fresh_gateway):
    fresh_gateway.frontend.on["GetJob"] = lambda request, _: fresh_gateway.api.job.Job()
    for host, status in (("jobs.example.com", 200), ("JOBS.example.com:8443", 200),
                         ("a.team.example", 200), ("a.b.team.example:1", 200),
                         ("[2001:db8::5]:8080", 200), ("team.example", 421), ("localhost", 421),
                         ("ateam.example", 421), ("example.com", 421)):
        answer = fresh_gateway.call("GET", "/v1/jobs/1", headers={"Host": host})
        assert answer.status_code == status, (host, answer.text)


@pytest.mark.parametrize("fresh_gateway", [["--hosts", "*"]], indirect=True)
def test_any_host(fresh_gateway):
    fresh_gateway.frontend.on["GetJob"] = lambda request, _: fresh_gateway.api.job.Job()
    assert fresh_gateway.call("GET", "/v1/jobs/1", headers={"Host": "a.example"}).status_code == 200
    # Its own pages may call, and others not: also where nobody knows its names.
    for origin, status in (("http://a.example", 200), ("https://a.example", 200),
                           ("http://b.example", 403)):
        answer = fresh_gateway.call("GET", "/v1/jobs/1", headers={"Host": "a.example",
                                                                  "Origin": origin})
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("host, origin, status", [
    ("jobs.example.com:443", "https://jobs.example.com", 200),
    ("jobs.example.com:80", "http://jobs.example.com", 200),
    ("jobs.example.com:80", "https://jobs.example.com", 403),
    ("jobs.example.com:443", "http://jobs.example.com", 403),
    ("jobs.example.com:8443", "https://jobs.example.com", 403),
    ("jobs.example.com:443", "https://a.example.com", 403),
    ("jobs.example.com:443", "https://jobs.example.com:8443", 403),
    ("jobs.example.com:443", "null", 403), ("jobs.example.com:443", "", 403),
])
def test_a_host_that_names_the_default_port_has_pages_that_do_not(any_host_gateway, host, origin,
                                                                  status):
    answer = any_host_gateway.call("GET", "/v1/jobs/1", headers={"Host": host, "Origin": origin})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("hosts", ["localhost:8080", "http://localhost", "a b", "", "a,,b", "*.*.a",
                                   "a,*", "::1", '"', "a/b"])
def test_what_is_no_host_is_refused_with_the_reason(hosts):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        render("--listen", "127.0.0.1:8080", "--admin-port", "1", "--frontend", "127.0.0.1:50051",
               "--hosts", hosts)
    assert "is no host: " in failed.value.stderr


# --- HTTP/1.0, as nginx speaks it to an upstream unless told otherwise


def test_http_1_0_works(gateway):
    def stream(request, context):
        yield event("id: 1\n\n")
        yield event("id: 2\n\n")
    gateway.frontend.on["StreamJobEvents"] = stream
    for host in ([f"Host: {gateway.address}"], []):
        answer = speak(gateway, "GET /v1/jobs/1 HTTP/1.0", *host, "Connection: close")
        assert answer.split()[1] == "200" and '"name":"jobs/1"' in answer, answer
        answer = speak(gateway, "POST /v1/jobs HTTP/1.0", *host, "Content-Length: 12",
                       body=b'{"type":"a"}')
        assert answer.split()[1] == "200", answer
        # Nothing tells its end but that of the connection.
        answer = speak(gateway, "GET /v1/jobs/1:watch HTTP/1.0", *host)
        assert "transfer-encoding" not in answer.lower()
        assert answer.endswith("\r\n\r\nid: 1\n\nid: 2\n\n"), answer
    assert gateway.frontend.calls[-1][0] == "StreamJobEvents"


def test_http_1_0_is_kept_open_where_that_is_asked_for(gateway):
    with socket.create_connection(gateway.address.split(":"), 30) as peer:
        for _ in range(2):
            peer.sendall(b"GET /v1/jobs/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = http.client.HTTPResponse(peer)
            answer.begin()
            assert answer.status == 200 and b"jobs/1" in answer.read()


def test_http_1_0_has_the_checks_of_1_1(gateway):
    answer = speak(gateway, "GET /v1/jobs/1 HTTP/1.0", "Host: evil.example")
    assert answer.split()[1] == "421", answer
    answer = speak(gateway, "POST /v1/jobs HTTP/1.0", "Origin: http://evil.example",
                   "Content-Length: 12", body=b'{"type":"a"}')
    assert answer.split()[1] == "403", answer
    assert gateway.frontend.calls == []


# --- Headers with an underscore


def test_a_header_with_an_underscore_is_dropped_and_the_call_works(gateway):
    answer = gateway.call("GET", "/v1/jobs/1", headers={
        "x_buzzer_tenant": "evil", "ot-baggage-sentry-trace_id": "1", "content_length": "5"})
    assert answer.status_code == 200
    with grpc.insecure_channel(gateway.address) as channel:
        stub = gateway.api.jobs_grpc.JobServiceStub(channel)
        stub.GetJob(gateway.api.jobs.GetJobRequest(name="jobs/1"),
                    metadata=(("my_trace_id", "1"), ("x_buzzer_tenant", "evil"),
                              ("my_bytes-bin", b"\0\xff")))
    assert len(gateway.frontend.calls) == 2
    for _, _, metadata in gateway.frontend.calls:
        assert not [name for name in metadata if "_" in name]
        assert metadata["x-buzzer-tenant"] == "default"


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


# --- What may be kept of an answer


def test_no_answer_may_be_kept(gateway):
    def fails(request, context):
        fakes.fail(context, grpc.StatusCode.NOT_FOUND, "RESULT_NOT_READY")

    def old(request, context):
        context.send_initial_metadata((("cache-control", "max-age=60"), ("vary", "prefer")))
        return gateway.api.job.Job()
    gateway.frontend.on |= {
        "GetJobResult": fails, "CancelJob": old,
        "ListJobs": lambda request, _: gateway.api.jobs.ListJobsResponse(),
        "StreamJobEvents": lambda request, _: iter([event("id: 1\n\n")]),
    }
    for method, path, status in (
            ("GET", "/v1/jobs/1", 200), ("GET", "/v1/jobs/1/result", 404), ("GET", "/v1/jobs", 200),
            ("GET", "/v1/jobs/1:watch", 200), ("POST", "/v1/jobs/1:cancel", 200),
            ("GET", "/v1/queues/a", 501), ("GET", "/nowhere", 404), ("GET", "/v1/jobs?x=1", 400),
            ("GET", "/v1/jobs/a%2fb", 400), ("HEAD", "/v1/jobs/1", 404)):
        answer = gateway.call(method, path)
        assert answer.status_code == status, path
        assert answer.headers["cache-control"] == "no-store", path
        # It may differ by it, since CORS does; whatever else it differs by.
        assert answer.headers["vary"].split(",")[-1] == "origin", path


def test_a_watch_is_not_held_up_by_nginx(gateway):
    gateway.frontend.on["StreamJobEvents"] = lambda request, _: iter([event("id: 1\n\n")])
    assert gateway.call("GET", "/v1/jobs/1:watch").headers["x-accel-buffering"] == "no"


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


def test_a_page_may_send_its_login_and_ask_for_news(gateway):
    answer = gateway.call("OPTIONS", "/v1/jobs", headers={
        "origin": "http://localhost:3000", "access-control-request-method": "GET",
        "access-control-request-headers": "authorization, if-none-match"})
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "if-none-match"} <= set(allowed)
    assert answer.headers["vary"] == "origin"


FOREIGN = ["http://evil.example", "http://localhost.evil.example", "null", "", "x",
           "http://127.0.0.1.evil.example", "https://evil.example/http://localhost",
           "http://localhost, http://evil.example", "file://", "http://user@localhost",
           "HTTP://LOCALHOST.", "chrome-extension://localhost", "http://localhost:80/", "\xff"]
# Whatever a page may send without asking first, and what it may not.
CALLS = [("GET", "/v1/jobs/1", None), ("GET", "/v1/jobs/1:watch", None), ("GET", "/v1/jobs", None),
         ("POST", "/v1/jobs", '{"type":"a"}'), ("POST", "/v1/jobs/1:cancel", ""),
         ("DELETE", "/v1/jobs/1", None), ("OPTIONS", "/v1/jobs", None), ("HEAD", "/v1/jobs/1", None),
         ("POST", "/demo/sync/demo.sleep", "{}"), ("GET", "/nowhere", None)]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_elsewhere_may_not(gateway, origin):
    for method, path, body in CALLS:
        for more in ({}, {"Sec-Fetch-Site": "same-origin"}, {"Content-Type": "text/plain"}):
            answer = gateway.call(method, path, data=body,
                                  headers={"Origin": origin.encode("latin-1"), **more})
            if method == "HEAD":
                assert answer.status_code == 403
            else:
                message = assert_error(answer, 403, 7, "FOREIGN_ORIGIN")
                assert "--cors-origins" in message
            assert "access-control-allow-origin" not in answer.headers
    assert gateway.frontend.calls == []


def test_two_origins_are_foreign(gateway):
    answer = speak(gateway, "GET /v1/jobs/1 HTTP/1.1", f"Host: {gateway.address}",
                   "Connection: close", f"Origin: http://{gateway.address}",
                   "Origin: http://evil.example")
    assert answer.startswith("HTTP/1.1 403 "), answer
    assert gateway.frontend.calls == []


def test_the_demos_twin_works_for_no_page(tmp_path):
    """It has a port of its own, beside the gateway."""
    port = harness.free_port()
    twin = harness.Part("twin", [sys.executable, harness.ROOT / "tests/support/sync_twin.py", port],
                        tmp_path, harness.is_serving).start()
    for headers, status in (({}, 200), ({"Origin": "http://evil.example"}, 403),
                            ({"Origin": f"http://127.0.0.1:{port}"}, 403),
                            ({"Sec-Fetch-Site": "same-origin"}, 403)):
        answer = requests.post(f"http://127.0.0.1:{port}/demo/sync/demo.sleep", timeout=30,
                               data='{"seconds": 0}', headers=headers)
        assert answer.status_code == status, headers
    assert len(twin.events("started")) == 1
    twin.kill()


def test_a_web_socket_is_refused_with_the_reason(gateway):
    for origin in ({}, {"Origin": "http://evil.example"}, {"Origin": "http://localhost"}):
        answer = gateway.call("GET", "/v1/jobs/1:watch", headers={
            "Connection": "Upgrade", "Upgrade": "websocket", **origin})
        assert answer.status_code == 400
        assert "cannot become websocket" in answer.json()["message"]
    assert gateway.frontend.calls == []


def test_where_a_browser_says_only_that_the_page_is_of_another_site(gateway):
    for method, path, body in CALLS:
        answer = gateway.call(method, path, data=body, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403, (method, path)
        # Another port of this host is of the same site; what it embeds is as harmless as an
        # image, but it may change nothing.
        answer = gateway.call(method, path, data=body, headers={
            "Sec-Fetch-Site": "same-site", "Content-Type": "application/json"})
        assert (answer.status_code == 403) == (method != "GET"), (method, path)


def test_a_link_from_elsewhere_may_be_followed_and_a_form_not_sent(gateway):
    navigates = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
                 "Sec-Fetch-Dest": "document"}
    assert gateway.call("GET", "/v1/jobs/1", headers=navigates).status_code == 200
    assert gateway.call("POST", "/v1/jobs", headers=navigates).status_code == 403
    framed = navigates | {"Sec-Fetch-Dest": "iframe"}
    assert gateway.call("GET", "/v1/jobs/1", headers=framed).status_code == 403


def test_a_page_of_a_named_origin_may_call_from_another_site(gateway):
    headers = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"}
    answer = gateway.call("POST", "/v1/jobs", json={"type": "a"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


@pytest.mark.parametrize("fresh_gateway", [["--cors-origins", "https://app[.]example", "--hosts", "*"]],
                         indirect=True)
def test_origins_of_ones_own(fresh_gateway):
    fresh_gateway.frontend.on["SubmitJob"] = lambda request, _: fresh_gateway.api.job.Job()
    own = fresh_gateway.address
    for origin, status in (("https://app.example", 200), ("http://" + own, 200),
                           ("https://" + own, 200), ("http://localhost:1", 403),
                           ("https://app.example.evil.example", 403), ("ftp://" + own, 403),
                           ("http://127.0.0.1", 403), ("http://app.example", 403)):
        answer = fresh_gateway.call("POST", "/v1/jobs", json={"type": "a"},
                                    headers={"Origin": origin})
        assert answer.status_code == status, (origin, answer.text)
        # Its own page needs no leave from CORS.
        assert ("access-control-allow-origin" in answer.headers) == (origin == "https://app.example")
    # A page that came without TLS is not ours, whatever its host.
    answer = fresh_gateway.call("POST", "/v1/jobs", json={"type": "a"}, headers={
        "Origin": "http://" + own, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_grpc_web_of_a_foreign_page_is_403(gateway):
    message = gateway.api.jobs.SubmitJobRequest(type="a").SerializeToString()
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    for content_type in ("application/grpc-web+proto", "application/grpc-web-text",
                         "application/grpc-web"):
        headers = {"Content-Type": content_type, "Origin": "http://evil.example", "X-Grpc-Web": "1"}
        answer = gateway.call("POST", "/buzzer.v1.JobService/SubmitJob", data=frame, headers=headers)
        assert_error(answer, 403, 7, "FOREIGN_ORIGIN")
        headers |= {"Origin": "http://localhost:3000", "Host": "evil.example"}
        answer = gateway.call("POST", "/buzzer.v1.JobService/SubmitJob", data=frame, headers=headers)
        assert_error(answer, 421, 7, "UNKNOWN_HOST")
    assert gateway.frontend.calls == []
    # A page asks first, and is told no.
    answer = gateway.call("OPTIONS", "/buzzer.v1.JobService/SubmitJob", headers={
        "Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-grpc-web"})
    assert_error(answer, 403, 7, "FOREIGN_ORIGIN")


def test_grpc_that_names_a_foreign_origin_is_refused(gateway):
    with grpc.insecure_channel(gateway.address) as channel:
        stub = gateway.api.jobs_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            stub.GetJob(gateway.api.jobs.GetJobRequest(name="jobs/1"),
                        metadata=(("origin", "http://evil.example"),))
    assert failed.value.code() == grpc.StatusCode.PERMISSION_DENIED
    said = failed.value.details()
    assert "Origin: http://evil.example" in said and "--cors-origins" in said and "{" not in said
    # A host that is not listed has a sentence of its own, whatever the origin.
    with grpc.insecure_channel(gateway.address,
                               [("grpc.default_authority", "evil.example")]) as channel:
        stub = gateway.api.jobs_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as failed:
            stub.GetJob(gateway.api.jobs.GetJobRequest(name="jobs/1"),
                        metadata=(("origin", "http://localhost:3000"),))
    assert failed.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "--hosts" in failed.value.details() and "origin" not in failed.value.details()
    assert gateway.frontend.calls == []


# --- A colon that encodeURIComponent has escaped


@pytest.mark.parametrize("path, method, name", [
    ("/v1/jobs/1%3Acancel", "CancelJob", "jobs/1"), ("/v1/jobs/1%3acancel", "CancelJob", "jobs/1"),
    ("/v1/jobs/a%3Ab:cancel", "CancelJob", "jobs/a%3Ab"),
    ("/v1/jobs%3AbatchSubmit", "BatchSubmitJobs", None),
])
def test_an_escaped_colon_before_a_calls_name_is_a_colon(gateway, path, method, name):
    gateway.frontend.on["CancelJob"] = lambda request, _: gateway.api.job.Job()
    gateway.frontend.on["BatchSubmitJobs"] = (
        lambda request, _: gateway.api.jobs.BatchSubmitJobsResponse())
    assert gateway.call("POST", path).status_code == 200
    [(called, request, _)] = gateway.frontend.calls
    assert called == method and (name is None or request.name == name)


def test_an_escaped_colon_works_with_a_query_too(gateway):
    gateway.frontend.on["WaitJob"] = lambda request, _: gateway.api.job.Job()
    assert gateway.call("GET", "/v1/jobs/1%3Await?timeout=2s").status_code == 200
    assert gateway.frontend.calls[0][1].timeout.seconds == 2


@pytest.mark.parametrize("path, name", [
    ("/v1/jobs/1%253Acancel", "jobs/1%3Acancel"), ("/v1/jobs/a%3Ab%20c", "jobs/a%3Ab c"),
    ("/v1/jobs/1%2525", "jobs/1%25"), ("/v1/jobs/1%3A", "jobs/1%3A"),
])
def test_nothing_is_unescaped_twice(gateway, path, name):
    assert gateway.call("GET", path).status_code == 200
    assert gateway.frontend.calls[0][1].name == name


def test_an_escaped_colon_in_a_query_stays(gateway):
    gateway.frontend.on["ListJobs"] = lambda request, _: gateway.api.jobs.ListJobsResponse()
    gateway.call("GET", "/v1/jobs?filter=a%3Ab")
    assert gateway.frontend.calls[0][1].filter == "a:b"


# --- A browser's watch while there is no answer


def assert_told_to_come_back(answer):
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"(:.*\n)?retry: \d+\n\n", answer.text), answer.text


EVENT_SOURCE = {"Accept": "text/event-stream"}


def all_at_once(call, times=20):
    """One after the other, a slow machine would stay below any limit of the rate."""
    with futures.ThreadPoolExecutor(times) as threads:
        return [each.result() for each in [threads.submit(call) for _ in range(times)]]


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED,
                                  grpc.StatusCode.DEADLINE_EXCEEDED])
def test_a_browsers_watch_that_fails_for_now_is_told_to_come_back(gateway, code):
    gateway.frontend.on["StreamJobEvents"] = lambda request, context: fakes.fail(
        context, code, "SOME_REASON")
    for path in ("/v1/jobs/1:watch", "/v1/jobs/1%3Awatch?after_revision=1"):
        answer = gateway.call("GET", path, headers=EVENT_SOURCE)
        assert_told_to_come_back(answer)
        assert "retry-after" not in answer.headers
    # Whoever is no browser is told the truth.
    assert gateway.call("GET", "/v1/jobs/1:watch").status_code in (429, 503, 504)


def test_a_browsers_watch_that_fails_for_good_is_told_so(gateway):
    gateway.frontend.on["StreamJobEvents"] = lambda request, context: fakes.fail(
        context, grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    assert gateway.call("GET", "/v1/jobs/1:watch", headers=EVENT_SOURCE).status_code == 404


def test_only_a_watch_is_told_to_come_back(gateway):
    gateway.frontend.on["GetJob"] = lambda request, context: fakes.fail(
        context, grpc.StatusCode.UNAVAILABLE, "SOME_REASON")
    assert gateway.call("GET", "/v1/jobs/1", headers=EVENT_SOURCE).status_code == 503


def test_a_browsers_watch_without_a_frontend_is_told_to_come_back(fresh_gateway):
    fresh_gateway.frontend.stop()
    for path in ("/v1/jobs/1:watch", "/v1/jobs/1%3Awatch"):
        assert_told_to_come_back(fresh_gateway.call("GET", path, headers=EVENT_SOURCE))
    assert fresh_gateway.call("GET", "/v1/jobs/1:watch").status_code == 503


@pytest.mark.parametrize("fresh_gateway", [["--rate-limit", "1"]], indirect=True)
def test_a_browsers_watch_over_the_rate_limit_is_told_to_come_back(fresh_gateway):
    fresh_gateway.frontend.on["StreamJobEvents"] = lambda request, _: iter([event("id: 1\n\n")])
    answers = all_at_once(lambda: fresh_gateway.call("GET", "/v1/jobs/1%3Awatch",
                                                     headers=EVENT_SOURCE))
    refused = [answer for answer in answers if "id: 1" not in answer.text]
    assert refused
    for answer in refused:
        assert_told_to_come_back(answer)


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
    answers = all_at_once(lambda: fresh_gateway.call("GET", "/v1/jobs/1"))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    for answer in refused:
        assert_error(answer, 429, 8, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "1"


def test_only_failures_are_logged(fresh_gateway):
    fresh_gateway.frontend.on["GetJob"] = lambda request, context: fakes.fail(
        context, grpc.StatusCode.INTERNAL if request.name == "jobs/2"
        else grpc.StatusCode.INVALID_ARGUMENT, "SOME_REASON")
    for job in (1, "1?view=x", "1?name=x", 2, 3):
        fresh_gateway.call("GET", f"/v1/jobs/{job}")
    logged = fresh_gateway.envoy.wait_for_event("request")
    assert (logged["path"], logged["status"]) == ("/v1/jobs/2", 500)
    assert len(fresh_gateway.envoy.events("request")) == 1


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
        raw.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: one\r\n"
                    b"Idempotency-Key: two\r\nContent-Length: 20\r\n"
                    b"Connection: close\r\n\r\n" + b'{"type":"demo.echo"}')
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ") and b"Idempotency-Key" in answer, answer

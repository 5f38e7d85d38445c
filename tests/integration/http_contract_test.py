# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The HTTP contract on the real parts: each call's statuses, headers and errors, and what
bad input gets. gateway_test.py has what Envoy does by itself."""

import base64
import concurrent.futures
import json
import re
import socket
import struct
import uuid

import grpc
import pytest
import requests
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

import harness
from event_source import Watcher

UUID7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
UNKNOWN_ID = "0192f0c0-0000-7000-8000-000000000001"
MAX_PAYLOAD = 1 << 20
# Those of HTTP itself; Envoy closes the connection of a request that it refuses early.
USUAL_HEADERS = {"connection", "content-length", "date", "server", "transfer-encoding",
                 # The same for all, and for all watches.
                 "cache-control", "vary", "x-accel-buffering"}


@pytest.fixture(autouse=True)
def no_process_dies(buzzer):
    before = [part.pid for part in buzzer.parts()]
    yield
    assert all(part.running() for part in buzzer.parts())
    assert [part.pid for part in buzzer.parts()] == before


def headers_of(answer):
    """Those that tell calls apart."""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "origin"
    return {name.lower(): value for name, value in answer.headers.items()
            if name.lower() not in USUAL_HEADERS}


def assert_error(answer, status, code, reason, field=None, retry_after=None):
    """The one shape of every error; returns its message."""
    assert answer.status_code == status, answer.text
    expected = {"content-type": "application/json"}
    if retry_after is not None:
        expected["retry-after"] = retry_after
    assert headers_of(answer) == expected
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    assert body["code"] == code
    details = {detail["@type"].removeprefix("type.googleapis.com/google.rpc."): detail
               for detail in body["details"]}
    assert details["ErrorInfo"]["reason"] == reason
    assert details["ErrorInfo"]["domain"] == "buzzer.dev"
    fields = [each["field"] for each in details.get("BadRequest", {}).get("fieldViolations", [])]
    assert fields == ([field] if field else [])
    assert ("RetryInfo" in details) == (retry_after is not None)
    return body["message"]


def post(buzzer, fields=None, headers=None, **keywords):
    if fields is not None:
        keywords["json"] = fields
    return buzzer.rest("POST", "/v1/jobs", headers=headers, **keywords)


def act(buzzer, job, verb, **keywords):
    return buzzer.rest("POST", f"/v1/jobs/{job['id']}:{verb}", **keywords)


def ended(buzzer, job_type, payload=None, **fields):
    job = buzzer.submit(job_type, payload, **fields)
    return buzzer.wait_for_state(job["id"], "SUCCEEDED", "FAILED", "CANCELLED")


def failed(buzzer):
    job = ended(buzzer, "demo.fail", {"times": 1, "retryable": False})
    assert job["state"] == "FAILED"
    return job


@pytest.fixture
def running(buzzer):
    """A job that runs for as long as the test."""
    job = buzzer.submit("demo.sleep", {"seconds": 600})
    yield buzzer.wait_for_state(job["id"], "RUNNING")
    act(buzzer, job, "cancel")


@pytest.fixture
def later(buzzer):
    """A job that waits for as long as the test."""
    job = buzzer.submit("demo.echo", delay="3600s")
    yield job
    act(buzzer, job, "cancel")


def speak(buzzer, request):
    """Sends bytes as they are, and returns the status and the whole answer."""
    with socket.create_connection(("127.0.0.1", buzzer.http_port), harness.WAIT_SECONDS) as peer:
        peer.sendall(request)
        answer = b""
        while chunk := peer.recv(65536):
            answer += chunk
    return int(answer.split()[1]), answer


def raw_post(path, body, *headers):
    lines = [b"POST %s HTTP/1.1" % path, b"host: localhost", b"connection: close",
             b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


# --- POST /v1/jobs


def test_submit_answers_202_with_the_job_its_location_and_when_to_ask(buzzer):
    answer = post(buzzer, {"type": "demo.echo", "payload": {"a": 1}, "labels": {"team": "x"}})
    assert answer.status_code == 202
    assert answer.reason == "Accepted"
    job = answer.json()
    assert re.fullmatch(UUID7, job["id"])
    assert job["name"] == f"jobs/{job['id']}"
    assert headers_of(answer) == {"content-type": "application/json", "retry-after": "1",
                                  "location": f"/v1/jobs/{job['id']}"}
    assert (job["state"], job["revision"], job["attempt"]) == ("QUEUED", "1", 0)
    assert (job["type"], job["queue"], job["priority"]) == ("demo.echo", "demo.echo", "NORMAL")
    assert (job["labels"], job["maxAttempts"]) == ({"team": "x"}, 10)
    assert "retry" not in job, "it has the defaults"
    assert (job["lease"], job["retention"]) == ("30s", "86400s")
    assert buzzer.wait_for_state(job["id"], "SUCCEEDED")["attempt"] == 1


def test_a_body_needs_no_content_type_and_may_use_proto_names(buzzer):
    answer = post(buzzer, data='{"type": "demo.echo", "max_attempts": 7, "runAt": null}')
    assert answer.status_code == 202
    assert answer.json()["maxAttempts"] == 7


def test_a_delayed_job_is_scheduled(buzzer, later):
    assert later["state"] == "SCHEDULED"
    assert later["runAt"] > later["createTime"]


def test_prefer_wait_answers_200_when_the_job_is_done_in_time(buzzer):
    answer = post(buzzer, {"type": "demo.echo", "payload": 1}, {"Prefer": "wait=20"})
    assert answer.status_code == 200
    assert headers_of(answer) == {"content-type": "application/json",
                                  "preference-applied": "wait=20"}
    assert answer.json()["state"] == "SUCCEEDED"


@pytest.mark.parametrize("prefer", ["wait=1", "respond-async", "wait=soon", "wait=-1", "x;;,=,"])
def test_prefer_answers_202_when_the_job_is_not_done(buzzer, prefer):
    answer = post(buzzer, {"type": "demo.sleep", "payload": {"seconds": 600}}, {"Prefer": prefer})
    assert answer.status_code == 202
    assert headers_of(answer) == {"content-type": "application/json", "retry-after": "1",
                                  "location": f"/v1/{answer.json()['name']}"}
    act(buzzer, answer.json(), "cancel")


@pytest.mark.parametrize("body, reason, field", [
    ("", "INVALID_FIELD", "type"),
    ("{}", "INVALID_FIELD", "type"),
    ("no json", "INVALID_REQUEST", None),
    ('{"type": "demo.echo"', "INVALID_REQUEST", None),
    ("[1]", "INVALID_REQUEST", None),
    ("null", "INVALID_REQUEST", None),
    ('"demo.echo"', "INVALID_REQUEST", None),
    ('{"type": 7}', "INVALID_REQUEST", None),
    ('{"type": ["demo.echo"]}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "maxAttempts": "many"}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "labels": ["a"]}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "delay": 5}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "payload_bytes": "***"}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "paylaod": 1}', "INVALID_REQUEST", None),
    (b'{"type": "demo.echo", "payload": "\xff\xfe"}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "payload": "\\ud800"}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "payload": NaN}', "INVALID_REQUEST", None),
    ('{"type": "demo.echo", "payload": %s}' % ("[" * 33 + "]" * 33), "INVALID_REQUEST", None),
])
def test_a_bad_body_is_400(buzzer, body, reason, field):
    answer = post(buzzer, data=body, headers={"Content-Type": "application/json"})
    assert assert_error(answer, 400, 3, reason, field)


@pytest.mark.parametrize("fields, field, says", [
    ({"type": "Demo Echo"}, "type", "lower-case letters"),
    ({"type": "x" * 64}, "type", "1 to 63"),
    ({"type": "demo.echo\r\nX-Evil: 1"}, "type", "lower-case letters"),
    ({"queue": "a/b"}, "queue", "lower-case letters"),
    ({"labels": {f"k{i}": "v" for i in range(33)}}, "labels", "at most 32, not 33"),
    ({"labels": {"k" * 64: "v"}}, "labels", "1 to 63"),
    ({"labels": {"": "v"}}, "labels", "1 to 63"),
    ({"labels": {"a b": "v"}}, "labels", "the key"),
    ({"labels": {"k": "v" * 64}}, "labels", "the value of"),
    ({"idempotencyKey": "k" * 10_000}, "idempotency_key", "1 to 255"),
    ({"idempotencyKey": "a\r\nX-Evil: 1"}, "idempotency_key", "printable ASCII"),
    ({"idempotencyKey": "é"}, "idempotency_key", "printable ASCII"),
    ({"delay": "-1s"}, "delay", "0 s to 366 days"),
    ({"delay": "31708800s"}, "delay", "0 s to 366 days"),
    ({"deadline": "0s"}, "deadline", "1 s to 366 days"),
    ({"deadline": "315576000000s"}, "deadline", "1 s to 366 days"),
    ({"attemptTimeout": "0.5s"}, "attempt_timeout", "1 s to 30 days"),
    ({"lease": "4.999s"}, "lease", "5 s to 3600 s"),
    ({"retention": "-5s"}, "retention", "1 s to 366 days"),
    ({"runAt": "2199-01-01T00:00:00Z"}, "run_at", "366 days ahead"),
    ({"runAt": "2026-01-01T00:00:00Z", "delay": "1s"}, "run_at", "beside `delay`"),
    ({"maxAttempts": 101}, "max_attempts", "1 to 100, not 101"),
    ({"maxAttempts": -1}, "max_attempts", "1 to 100, not -1"),
    ({"retry": {"initialDelay": "0.099s"}}, "retry.initial_delay", "100 ms to 24 h"),
    ({"retry": {"initialDelay": "86401s"}}, "retry.initial_delay", "100 ms to 24 h"),
    ({"retry": {"factor": 0}}, "retry.factor", "1 to 10"),
    ({"retry": {"factor": "NaN"}}, "retry.factor", "1 to 10"),
    ({"retry": {"maxDelay": "604801s"}}, "retry.max_delay", "100 ms to 7 days"),
    ({"retry": {"initialDelay": "60s", "maxDelay": "30s"}}, "retry.max_delay", "(60 s) to 7 days"),
    ({"retry": {"jitter": -0.1}}, "retry.jitter", "0 to 1"),
    ({"retry": {"finalReasons": ["not found"]}}, "retry.final_reasons", "upper-case letters"),
    ({"retry": {"finalReasons": ["A"] * 17}}, "retry.final_reasons", "at most 16, not 17"),
    ({"priority": 9}, "priority", "HIGH, NORMAL or LOW"),
    ({"payload": 1, "payloadBytes": "YQ=="}, "payload", "send one"),
    ({"payloadBytes": "YQ==", "payloadContentType": "png"}, "payload_content_type", "image/png"),
    ({"payloadBytes": "YQ==", "payloadContentType": "a/b\r\nX-Evil: 1"}, "payload_content_type",
     "printable ASCII"),
])
def test_a_bad_field_is_400_and_named(buzzer, fields, field, says):
    answer = post(buzzer, {"type": "demo.echo", **fields})
    message = assert_error(answer, 400, 3, "INVALID_FIELD", field)
    assert f"`{field}`: " in message and says in message


def test_a_submit_sets_what_it_likes_of_the_retry_policy(buzzer):
    job = post(buzzer, {"type": "demo.fail", "payload": {"times": 1}, "maxAttempts": 3, "retry": {
        "initialDelay": "0.2s", "jitter": 0, "finalReasons": ["NO_INK"]}}).json()
    assert job["retry"] == {"initialDelay": "0.200s", "factor": 2, "maxDelay": "600s", "jitter": 0,
                            "finalReasons": ["NO_INK"]}
    assert buzzer.wait_for_state(job["id"], "SUCCEEDED")["attempt"] == 2
    job = ended(buzzer, "demo.fail", {"times": 1}, retry={"finalReasons": ["DEMO_FAILED"]})
    assert (job["state"], job["attempt"], job["error"]["retryable"]) == ("FAILED", 1, False)


def test_a_duration_that_no_proto_holds_is_400(buzzer):
    answer = post(buzzer, {"type": "demo.echo", "delay": "999999999999999s"})
    assert "delay" in assert_error(answer, 400, 3, "INVALID_REQUEST")


def test_every_bad_field_is_named_at_once(buzzer):
    answer = post(buzzer, {"type": "demo.echo", "delay": "-1s", "maxAttempts": 101, "lease": "1s"})
    assert answer.status_code == 400
    bad_request = answer.json()["details"][1]
    assert ([each["field"] for each in bad_request["fieldViolations"]]
            == ["delay", "max_attempts", "lease"])


def test_an_unknown_type_is_400_and_the_known_ones_are_listed(buzzer):
    message = assert_error(post(buzzer, {"type": "demo.ecko"}), 400, 3, "UNKNOWN_TYPE", "type")
    assert "demo.echo, demo.fail, demo.sleep" in message


def test_an_unknown_queue_is_400_and_the_known_ones_are_listed(buzzer):
    answer = post(buzzer, {"type": "demo.echo", "queue": "nowhere"})
    assert "demo.echo" in assert_error(answer, 400, 3, "UNKNOWN_QUEUE", "queue")


def test_a_payload_may_have_1_mib_and_no_byte_more(buzzer):
    text = "x" * (MAX_PAYLOAD - 2)  # and its quotes
    job = ended(buzzer, "demo.echo", text)
    assert buzzer.rest("GET", f"/v1/jobs/{job['id']}/result").json() == text
    answer = post(buzzer, {"type": "demo.echo", "payload": text + "x"})
    assert "1048576" in assert_error(answer, 413, 3, "TOO_LARGE", "payload")
    octets = base64.b64encode(b"\0" * (MAX_PAYLOAD + 1)).decode()
    answer = post(buzzer, {"type": "demo.echo", "payloadBytes": octets})
    assert_error(answer, 413, 3, "TOO_LARGE", "payload_bytes")


def test_a_body_that_the_gateway_does_not_take_is_413(buzzer):
    answer = post(buzzer, {"type": "demo.echo", "payload": "x" * (3 << 20)})
    assert_error(answer, 413, 3, "TOO_LARGE")


@pytest.mark.parametrize("payload", [
    None, True, 0, -0.5, 1e300, 9007199254740991, "", "\u0000é😀\u2028", [], {}, [[{"a": [None]}]],
    {"type": "x", "": 1, "a.b/c": {"payload": "y"}},
])
def test_a_payload_comes_back_as_it_was(buzzer, payload):
    job = ended(buzzer, "demo.echo", payload)
    assert buzzer.rest("GET", f"/v1/jobs/{job['id']}/result").json() == payload
    assert buzzer.get(job["id"], view="JOB_VIEW_FULL")["payload"] == payload


def test_a_batch_answers_for_each_of_its_jobs(buzzer):
    key = str(uuid.uuid4())
    answer = buzzer.rest("POST", "/v1/jobs:batchSubmit", json={"requests": [
        {"type": "demo.echo", "payload": 1, "idempotencyKey": key},
        {"type": "no.such"},
        {"type": "demo.echo", "payload": 1, "idempotency_key": key},
        {"type": "demo.echo", "payload": 2, "idempotencyKey": key},
    ]})
    assert answer.status_code == 200
    first, unknown, repeated, other = answer.json()["results"]
    assert unknown["error"]["code"] == 3
    assert "no.such" in unknown["error"]["message"]
    assert repeated["job"]["id"] == first["job"]["id"]
    assert "KEY_REUSED" in [detail.get("reason") for detail in other["error"]["details"]]
    assert buzzer.wait_for_state(first["job"]["id"], "SUCCEEDED")["state"] == "SUCCEEDED"


def test_a_batch_of_a_thousand_is_accepted_whole(buzzer):
    answer = buzzer.rest("POST", "/v1/jobs:batchSubmit", json={
        "requests": [{"type": "demo.echo", "payload": number} for number in range(1000)]})
    ids = [result["job"]["id"] for result in answer.json()["results"]]
    assert len(set(ids)) == 1000
    assert buzzer.wait_for_state(ids[-1], "SUCCEEDED")["state"] == "SUCCEEDED"


@pytest.mark.parametrize("body, message", [
    ({"requests": []}, "requests"),
    ({"requests": [{"type": "demo.echo"}] * 1001}, "1000"),
    ({"request": []}, 'unknown field "request"'),
    ({"requests": [{"type": "demo.echo", "payload": {"requests": [{"any": 1}]}}, {"typ": 1}]},
     'unknown field "typ"'),
    ({"requests": [1]}, ""),
    ({"requests": [[]]}, ""),
    ({"requests": [{}, "x"]}, ""),
])
def test_a_batch_that_is_none_is_400(buzzer, body, message):
    answer = buzzer.rest("POST", "/v1/jobs:batchSubmit", json=body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


# --- Idempotency


def test_a_hundred_repeats_at_once_are_one_job_that_runs_once(buzzer):
    key = f"order-{uuid.uuid4()}"

    def submit(_):
        return requests.post(f"{buzzer.base_url}/v1/jobs", timeout=harness.WAIT_SECONDS,
                             json={"type": "demo.echo", "payload": {"b": 1, "a": 2}},
                             headers={"Idempotency-Key": key})
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(submit, range(100)))
    assert {answer.status_code for answer in answers} == {202}
    [job_id] = {answer.json()["id"] for answer in answers}
    assert {answer.headers["location"] for answer in answers} == {f"/v1/jobs/{job_id}"}
    job = buzzer.wait_for_state(job_id, "SUCCEEDED")
    assert (job["attempt"], job["idempotencyKey"]) == (1, key)
    # The first attempt's lines are here by now.
    buzzer.worker.wait_for_event("attempt_ended", job=job_id)
    assert len(buzzer.worker.events("attempt_started", job=job_id)) == 1
    assert submit(0).json()["state"] == "SUCCEEDED"
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    assert [answer.json()["replayed"] for answer in answers].count(False) == 1


def test_a_repeat_is_marked_and_does_not_ask_to_come_back_to_an_ended_job(buzzer):
    key = str(uuid.uuid4())
    fields = {"type": "demo.fail", "payload": {"times": 9, "retryable": False}}
    first = post(buzzer, fields, {"Idempotency-Key": key})
    assert (first.status_code, first.json()["replayed"]) == (202, False)
    assert "idempotent-replayed" not in first.headers and "retry-after" in first.headers
    buzzer.wait_for_state(first.json()["id"], "FAILED")
    answer = post(buzzer, fields, {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["state"]) == (202, "FAILED")
    assert answer.json()["replayed"]
    assert headers_of(answer) == {
        "content-type": "application/json", "idempotent-replayed": "true",
        "location": f"/v1/jobs/{first.json()['id']}"}
    assert not buzzer.get(first.json()["id"])["replayed"]


def test_the_key_of_another_request_is_422(buzzer):
    key = str(uuid.uuid4())
    first = post(buzzer, {"type": "demo.echo", "payload": 1}, {"Idempotency-Key": key})
    assert first.status_code == 202
    for other in ({"payload": 2}, {"payload": 1, "labels": {"a": "b"}}, {"payload": "1"}):
        answer = post(buzzer, {"type": "demo.echo", **other}, {"Idempotency-Key": key})
        assert_error(answer, 422, 6, "KEY_REUSED", "idempotency_key")


def test_a_key_is_the_same_in_header_and_field_quoted_and_bare(buzzer):
    key = str(uuid.uuid4())
    fields = {"type": "demo.echo"}
    answers = [post(buzzer, fields, {"Idempotency-Key": key}),
               post(buzzer, fields, {"Idempotency-Key": f'"{key}"'}),
               post(buzzer, {**fields, "idempotencyKey": key}),
               post(buzzer, {**fields, "idempotencyKey": key}, {"Idempotency-Key": key})]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer.json()["id"] for answer in answers}) == 1
    answer = post(buzzer, {**fields, "idempotencyKey": key}, {"Idempotency-Key": "other"})
    assert_error(answer, 400, 3, "KEY_MISMATCH", "idempotency_key")


@pytest.mark.parametrize("key", [b"", b'""', b'"a', b"k" * 256, b"k" * 10_000, b"a\xffb",
                                 "é".encode(), b"a\tb"])
def test_a_bad_key_header_is_400_and_nothing_of_it_becomes_a_header(buzzer, key):
    status, answer = speak(buzzer, raw_post(b"/v1/jobs", b'{"type":"demo.echo"}',
                                            b"idempotency-key: " + key))
    assert status == 400, answer
    assert b'"idempotency_key"' in answer


def test_a_header_that_does_not_fit_is_431(buzzer):
    answer = post(buzzer, {"type": "demo.echo"}, {"Idempotency-Key": "k" * 100_000})
    assert_error(answer, 431, 3, "INVALID_REQUEST")


@pytest.mark.parametrize("key", [b"a\0b", b"a\r\nX-Evil 1"])
def test_a_header_that_http_forbids_is_400(buzzer, key):
    status, _ = speak(buzzer, raw_post(b"/v1/jobs", b'{"type":"demo.echo"}',
                                       b"idempotency-key: " + key))
    assert status == 400


def test_a_refused_request_leaves_its_key_free(buzzer):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    assert post(buzzer, {"type": "demo.ecko"}, key).status_code == 400
    assert post(buzzer, {"type": "demo.echo"}, key).status_code == 202


def test_the_key_of_a_deleted_job_is_409(buzzer):
    key = str(uuid.uuid4())
    job = ended(buzzer, "demo.echo", 1, idempotencyKey=key)
    assert buzzer.rest("DELETE", f"/v1/jobs/{job['id']}").status_code == 200
    answer = post(buzzer, {"type": "demo.echo", "payload": 1, "idempotencyKey": key})
    assert_error(answer, 409, 9, "JOB_DELETED", "idempotency_key")


def release(buzzer, key):
    return buzzer.rest("POST", "/v1/idempotencyKeys:release", json={"idempotencyKey": key})


def test_a_released_key_makes_a_new_job(buzzer):
    key = str(uuid.uuid4())
    fields = {"type": "demo.echo", "payload": 1, "idempotencyKey": key}
    assert_error(release(buzzer, key), 404, 5, "KEY_NOT_FOUND")
    job = ended(buzzer, "demo.echo", 1, idempotencyKey=key)
    answer = release(buzzer, key)
    assert (answer.status_code, answer.json()) == (200, {})
    assert buzzer.get(job["id"])["idempotencyKey"] == ""
    fresh = post(buzzer, fields)
    assert (fresh.status_code, fresh.json()["replayed"]) == (202, False)
    assert fresh.json()["id"] != job["id"]
    # A job that was deleted leaves its key for a day.
    buzzer.wait_for_state(fresh.json()["id"], "SUCCEEDED")
    assert buzzer.rest("DELETE", f"/v1/jobs/{fresh.json()['id']}").status_code == 200
    assert_error(post(buzzer, fields), 409, 9, "JOB_DELETED", "idempotency_key")
    assert release(buzzer, key).status_code == 200
    assert post(buzzer, fields).status_code == 202


def test_the_key_of_a_job_that_is_not_finished_is_not_released(buzzer):
    key = str(uuid.uuid4())
    job = post(buzzer, {"type": "demo.echo", "delay": "3600s", "idempotencyKey": key}).json()
    assert job["id"] in assert_error(release(buzzer, key), 409, 9, "JOB_NOT_FINISHED")
    act(buzzer, job, "cancel")
    assert release(buzzer, key).status_code == 200
    assert_error(release(buzzer, ""), 400, 3, "INVALID_FIELD", "idempotency_key")
    answer = buzzer.rest("POST", "/v1/idempotencyKeys:release", json={"key": "x"})
    assert "known are idempotencyKey" in assert_error(answer, 400, 3, "INVALID_REQUEST")


# --- GET /v1/jobs/{id}


def test_get_answers_200_in_every_state_with_the_revision_as_etag(buzzer, later, running):
    for job, asks_again in [(later, True), (running, True), (failed(buzzer), False),
                            (ended(buzzer, "demo.echo"), False)]:
        answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}")
        assert answer.status_code == 200
        assert headers_of(answer) == {
            "content-type": "application/json",
            "etag": f'"{answer.json()["revision"]}"', **({"retry-after": "1"} if asks_again else {})}
        assert answer.json()["state"] == job["state"]


def test_a_failed_job_tells_why(buzzer):
    job = failed(buzzer)
    assert job["error"]["reason"]
    assert (job["error"]["retryable"], job["error"]["attempt"]) == (False, 1)
    assert "result" not in job and job["endTime"] and job["purgeTime"]


def test_the_full_view_has_payload_and_history(buzzer):
    job = ended(buzzer, "demo.echo", {"n": 1})
    assert "payload" not in job and job["history"] == []
    full = buzzer.get(job["id"], view="JOB_VIEW_FULL")
    assert full["payload"] == {"n": 1}
    assert [event["state"] for event in full["history"]] == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert [event["revision"] for event in full["history"]] == ["1", "2", "3"]


def test_get_with_wait_holds_until_there_is_a_newer_revision(buzzer):
    job = buzzer.submit("demo.sleep", {"seconds": 1, "steps": 2}, delay="1s")
    seen = [job]
    while seen[-1]["state"] != "SUCCEEDED":
        seen.append(buzzer.get(job["id"], after=seen[-1]["revision"], wait="20s"))
    revisions = [int(each["revision"]) for each in seen]
    assert revisions == sorted(set(revisions))


def test_get_with_wait_answers_with_the_job_when_time_is_up(buzzer, later):
    answer = buzzer.rest("GET", f"/v1/jobs/{later['id']}",
                         params={"after": later["revision"], "wait": "1s"})
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{later["revision"]}"'
    assert answer.headers["retry-after"] == "1"


def test_get_with_wait_answers_at_once_when_it_has_a_newer_one(buzzer):
    job = ended(buzzer, "demo.echo")
    assert buzzer.get(job["id"], after=1, wait="23s")["revision"] == job["revision"]


def test_wait_answers_when_the_job_has_ended(buzzer, later):
    job = buzzer.submit("demo.sleep", {"seconds": 1})
    answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}:wait")
    assert (answer.status_code, answer.json()["state"]) == (200, "SUCCEEDED")
    answer = buzzer.rest("GET", f"/v1/jobs/{later['id']}:wait?timeout=1s")
    assert (answer.status_code, answer.json()["state"]) == (200, "SCHEDULED")


@pytest.mark.parametrize("query, field", [
    ("after=-1&wait=1s", "after"), ("wait=26s", "wait"), ("wait=-1s", "wait"),
])
def test_a_bad_wait_is_400_and_named(buzzer, later, query, field):
    answer = buzzer.rest("GET", f"/v1/jobs/{later['id']}?{query}")
    assert_error(answer, 400, 3, "INVALID_FIELD", field)


@pytest.mark.parametrize("query", ["wait=soon", "after=x", "view=9x", "nonsense=1", "wait=%ff"])
def test_a_query_that_is_none_is_400(buzzer, later, query):
    assert_error(buzzer.rest("GET", f"/v1/jobs/{later['id']}?{query}"), 400, 3, "INVALID_REQUEST")


@pytest.mark.parametrize("job_id", [
    UNKNOWN_ID, UNKNOWN_ID.upper(), "1", "x" * 5000, "%C3%A9", "a%0d%0aX-Evil:%201",
    "00000000-0000-0000-0000-000000000000", "*", "'%20OR%201=1",
])
def test_an_unknown_or_malformed_id_is_404_on_every_call(buzzer, job_id):
    for method, suffix in [("GET", ""), ("GET", "/result"), ("GET", ":watch"), ("GET", ":wait"),
                           ("POST", ":cancel"), ("POST", ":retry"), ("DELETE", "")]:
        answer = buzzer.rest(method, f"/v1/jobs/{job_id}{suffix}")
        assert_error(answer, 404, 5, "JOB_NOT_FOUND")


@pytest.mark.parametrize("path", ["/v1/jobs/%ff", "/v1/jobs/%00", "/v1/jobs/a%2fb"])
def test_a_path_that_is_none_is_400(buzzer, path):
    status, answer = speak(buzzer, b"GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
                           % path.encode())
    assert status == 400
    assert b'"reason":"INVALID_REQUEST"' in answer


def test_the_job_of_another_tenant_is_404(buzzer, api):
    with buzzer.channel() as channel:
        stub = api.jobs_grpc.JobServiceStub(channel)
        job = stub.SubmitJob(api.jobs.SubmitJobRequest(type="demo.echo"),
                             metadata=(("x-buzzer-tenant", "other"),))
    for method, suffix in [("GET", ""), ("GET", "/result"), ("GET", ":watch"), ("POST", ":cancel"),
                           ("POST", ":retry"), ("DELETE", "")]:
        answer = buzzer.rest(method, f"/v1/{job.name}{suffix}",
                             headers={"X-Buzzer-Tenant": "other"})
        assert_error(answer, 404, 5, "JOB_NOT_FOUND")
    listed = buzzer.rest("GET", "/v1/jobs?page_size=1000").json()["jobs"]
    assert job.name not in [each["name"] for each in listed]


# --- GET /v1/jobs/{id}/result


@pytest.mark.parametrize("content_type, is_shown", [
    ("application/json", True), ("text/plain", True), ("text/plain; charset=utf-8", True),
    ("image/png", True), ("image/svg+xml", False), ("text/html", False),
    ("application/octet-stream", False), ("text/event-stream", False),
])
def test_a_result_has_its_bytes_its_type_and_safe_headers(buzzer, content_type, is_shown):
    body = b"<script>\x00\xff\r\n"
    answer = post(buzzer, {"type": "demo.echo", "payloadBytes": base64.b64encode(body).decode(),
                           "payloadContentType": content_type}, {"Prefer": "wait=20"})
    job = answer.json()
    assert job["result"] == {"contentType": content_type, "size": str(len(body))}
    answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}/result")
    assert (answer.status_code, answer.content) == (200, body)
    assert headers_of(answer) == {
        "content-type": content_type, "x-content-type-options": "nosniff",
        "content-security-policy": "sandbox",
        **({} if is_shown else {"content-disposition": "attachment"})}


def test_a_result_that_is_not_ready_is_404_with_retry_after(buzzer, later, running):
    for job in (later, running):
        answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}/result")
        message = assert_error(answer, 404, 5, "RESULT_NOT_READY", retry_after="1")
        assert job["state"] in message


def test_the_result_of_a_failed_job_is_409_and_tells_the_error(buzzer):
    job = failed(buzzer)
    answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}/result")
    assert job["error"]["message"] in assert_error(answer, 409, 9, "JOB_FAILED")


def test_the_result_of_a_cancelled_job_is_409(buzzer, later):
    act(buzzer, later, "cancel")
    answer = buzzer.rest("GET", f"/v1/jobs/{later['id']}/result")
    assert_error(answer, 409, 9, "JOB_CANCELLED")


# --- GET /v1/jobs/{id}:watch


def watch(buzzer, job_id, last_event_id=None):
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    return requests.get(f"{buzzer.base_url}/v1/jobs/{job_id}:watch", headers=headers, stream=True,
                        timeout=harness.WAIT_SECONDS)


def events(answer):
    """(id, JobEvent) of each event, as the standard parses them."""
    number, data = None, []
    for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
        field, _, value = line.partition(": ")
        if field == "id":
            number = int(value)
        elif field == "data":
            data.append(value)
        elif not line and data:
            event = json.loads("\n".join(data))
            assert event["revision"] == str(number)
            yield number, event
            data = []


def test_watch_tells_every_state_change_as_server_sent_events(buzzer):
    job = buzzer.submit("demo.sleep", {"seconds": 1, "steps": 4}, delay="1s")
    answer = watch(buzzer, job["id"])
    assert answer.status_code == 200
    assert headers_of(answer) == {"content-type": "text/event-stream"}
    seen = list(events(answer))
    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers))
    states = [event["state"] for _, event in seen]
    assert [state for at, state in enumerate(states) if states[at - 1:at] != [state]] == [
        "SCHEDULED", "QUEUED", "RUNNING", "SUCCEEDED"]
    assert seen[0][1]["cause"] == "SNAPSHOT" and seen[0][1]["job"]["id"] == job["id"]
    assert seen[-1][1]["job"]["result"]["size"]
    fractions = [event["progress"]["fraction"] for _, event in seen if event.get("progress")]
    assert fractions and fractions == sorted(fractions)


def test_watch_resumes_after_the_last_event_id(buzzer):
    job = ended(buzzer, "demo.echo")
    for last in (1, 2):
        seen = [number for number, _ in events(watch(buzzer, job["id"], last))]
        assert seen == list(range(last + 1, 4))
    by_field = requests.get(f"{buzzer.base_url}/v1/jobs/{job['id']}:watch?after_revision=1",
                            stream=True, timeout=harness.WAIT_SECONDS)
    assert [number for number, _ in events(by_field)] == [2, 3]


def test_watch_cut_in_the_middle_misses_nothing_and_repeats_nothing(buzzer):
    job = buzzer.submit("demo.sleep", {"seconds": 2, "steps": 20})
    seen, last = [], None
    while not seen or seen[-1][1]["state"] != "SUCCEEDED":
        with watch(buzzer, job["id"], last) as answer:
            for event, _ in zip(events(answer), range(3)):
                seen.append(event)
        last = seen[-1][0]
    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers))
    history = buzzer.get(job["id"], view="JOB_VIEW_FULL")["history"]
    assert {int(change["revision"]) for change in history} - set(numbers) <= set(
        range(numbers[0]))


def test_watch_of_a_job_that_ended_and_was_seen_is_204(buzzer):
    job = ended(buzzer, "demo.echo")
    answer = watch(buzzer, job["id"], job["revision"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert headers_of(answer) == {}


def test_watch_above_the_revision_gets_the_snapshot_at_once(buzzer, later):
    answer = watch(buzzer, later["id"], 10**9)
    number, event = next(events(answer))
    answer.close()
    assert (str(number), event["cause"]) == (later["revision"], "SNAPSHOT")


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "1e3", "9" * 30, '"1"'])
def test_a_bad_last_event_id_is_400(buzzer, later, last):
    answer = watch(buzzer, later["id"], last)
    assert_error(answer, 400, 3, "INVALID_FIELD", "last-event-id")


def test_a_quiet_watch_is_kept_open_by_comments(buzzer, later):
    answer = watch(buzzer, later["id"])
    lines = answer.iter_lines(chunk_size=1, decode_unicode=True)
    assert next(line for line in lines if line.startswith(":"))
    act(buzzer, later, "cancel")
    assert any('"state":"CANCELLED"' in line for line in lines)


# --- DELETE /v1/queues/{queue}, /v1/types/{type}


def test_a_queue_or_type_that_is_served_is_not_forgotten(buzzer):
    message = assert_error(buzzer.rest("DELETE", "/v1/queues/demo.echo"), 409, 9, "QUEUE_IN_USE")
    assert "a connected worker serves queue demo.echo" in message
    message = assert_error(buzzer.rest("DELETE", "/v1/types/demo.echo"), 409, 9, "TYPE_IN_USE")
    assert "has a handler for type demo.echo" in message


@pytest.mark.parametrize("name", ["nowhere", "Not%20A%20Name"])
def test_what_is_unknown_is_not_forgotten(buzzer, name):
    assert_error(buzzer.rest("DELETE", f"/v1/queues/{name}"), 404, 5, "QUEUE_NOT_FOUND")
    assert_error(buzzer.rest("DELETE", f"/v1/types/{name}"), 404, 5, "TYPE_NOT_FOUND")


# --- POST :cancel, :retry; DELETE


def test_cancel_of_a_waiting_job_is_200_and_done(buzzer, later):
    for _ in range(2):
        answer = act(buzzer, later, "cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "CANCELLED")
        assert headers_of(answer) == {"content-type": "application/json"}


def test_cancel_of_a_running_job_is_202_until_it_has_stopped(buzzer, running):
    answer = act(buzzer, running, "cancel")
    assert (answer.status_code, answer.json()["state"]) == (202, "CANCELLING")
    job = buzzer.wait_for_state(running["id"], "CANCELLED")
    assert job["attempt"] == 1
    assert act(buzzer, running, "cancel").status_code == 200


def test_a_forced_cancel_ends_a_running_job_at_once(buzzer, running):
    answer = act(buzzer, running, "cancel", json={"force": True})
    assert answer.status_code == 200
    job = answer.json()
    assert (job["state"], job["error"]["reason"]) == ("CANCELLED", "FORCED")
    assert headers_of(answer) == {"content-type": "application/json"}
    # Its worker lives, and is told to stop.
    buzzer.worker.wait_for_event("attempt_ended", job=running["id"])
    assert buzzer.get(running["id"])["revision"] == job["revision"]


def test_cancel_of_a_finished_job_is_409(buzzer):
    for job in (ended(buzzer, "demo.echo"), failed(buzzer)):
        assert job["state"] in assert_error(act(buzzer, job, "cancel"), 409, 9, "JOB_FINISHED")


def test_retry_runs_a_failed_or_cancelled_job_again(buzzer, later):
    act(buzzer, later, "cancel")
    for job in (failed(buzzer), later):
        answer = act(buzzer, job, "retry")
        assert answer.status_code == 200
        assert answer.json()["state"] == "QUEUED"
        assert answer.json()["failedAttempts"] == 0
        end = buzzer.wait_for_state(job["id"], "SUCCEEDED")
        assert end["attempt"] == job["attempt"] + 1


def test_retry_is_idempotent_while_the_job_waits(buzzer):
    job = failed(buzzer)
    buzzer.rest("POST", "/v1/queues/demo.fail:pause")
    try:
        answers = [act(buzzer, job, "retry") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json()["revision"] == answers[1].json()["revision"]
    finally:
        buzzer.rest("POST", "/v1/queues/demo.fail:resume")
    buzzer.wait_for_state(job["id"], "SUCCEEDED")


def test_retry_of_anything_else_is_409(buzzer, later, running):
    for job in (later, running, ended(buzzer, "demo.echo")):
        assert_error(act(buzzer, job, "retry"), 409, 9, "JOB_NOT_RETRYABLE")


def test_delete_of_a_job_that_is_not_finished_is_409(buzzer, later, running):
    for job in (later, running):
        answer = buzzer.rest("DELETE", f"/v1/jobs/{job['id']}")
        assert job["state"] in assert_error(answer, 409, 9, "JOB_NOT_FINISHED")


def test_a_deleted_job_is_gone(buzzer):
    job = ended(buzzer, "demo.echo")
    answer = buzzer.rest("DELETE", f"/v1/jobs/{job['id']}")
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert headers_of(answer) == {"content-type": "application/json"}
    for method, suffix in [("GET", ""), ("GET", "/result"), ("GET", ":watch"), ("DELETE", "")]:
        assert_error(buzzer.rest(method, f"/v1/jobs/{job['id']}{suffix}"), 404, 5, "JOB_NOT_FOUND")


@pytest.mark.parametrize("verb", ["cancel", "retry"])
def test_an_action_takes_no_other_fields(buzzer, later, verb):
    for body in ("", "{}"):
        answer = act(buzzer, {"id": UNKNOWN_ID}, verb, data=body)
        assert_error(answer, 404, 5, "JOB_NOT_FOUND")
    answer = act(buzzer, later, verb, json={"reason": "x"})
    known = {"cancel": "known are force", "retry": "takes no body"}[verb]
    assert known in assert_error(answer, 400, 3, "INVALID_REQUEST")


# --- GET /v1/jobs


@pytest.fixture(scope="module")
def team(buzzer):
    """Jobs under one label: the label, and their ids by state, oldest first."""
    label = f"t{uuid.uuid4().hex[:8]}"
    labels = {"team": label, "with/slash": "two words"}
    jobs = {"SCHEDULED": [], "SUCCEEDED": [], "FAILED": []}
    for _ in range(3):
        jobs["SCHEDULED"].append(
            buzzer.submit("demo.echo", delay="3600s", labels=labels)["id"])
        jobs["SUCCEEDED"].append(ended(buzzer, "demo.echo", labels=labels)["id"])
    jobs["FAILED"].append(ended(buzzer, "demo.fail", {"times": 1, "retryable": False},
                                labels=labels)["id"])
    yield label, jobs
    for job in jobs["SCHEDULED"]:
        act(buzzer, {"id": job}, "cancel")


def listed(buzzer, **parameters):
    answer = buzzer.rest("GET", "/v1/jobs", params=parameters)
    assert answer.status_code == 200, answer.text
    assert headers_of(answer)["content-type"] == "application/json"
    return answer.json()


def all_pages(buzzer, **parameters):
    pages, token = [], ""
    while True:
        page = listed(buzzer, page_token=token, **parameters)
        pages.append([job["id"] for job in page["jobs"]])
        token = page["nextPageToken"]
        if not token:
            return pages


def test_list_filters_by_state_type_queue_label_and_time(buzzer, team):
    label, jobs = team
    mine = f'labels.team = "{label}"'
    everything = sorted(sum(jobs.values(), []), reverse=True)
    first = buzzer.get(everything[-1])["createTime"]
    for filter_, expected in [
        (mine, everything),
        (f"labels.team={label}", everything),
        (f'{mine} AND labels.with/slash = "two words"', everything),
        (f"{mine} AND state = FAILED", jobs["FAILED"]),
        (f"state=SCHEDULED AND {mine}", jobs["SCHEDULED"][::-1]),
        (f"{mine} AND type = demo.fail", jobs["FAILED"]),
        (f"{mine} AND queue = demo.fail", jobs["FAILED"]),
        (f'{mine} AND create_time >= "{first}"', everything),
        (f'{mine} AND create_time > "{first}"', everything[:-1]),
        (f'{mine} AND create_time < "{first}"', []),
        (f'{mine} AND create_time <= "{first}"', everything[-1:]),
        (f"{mine} AND state = RUNNING", []),
        ("labels.team = nobody", []),
    ]:
        found = sum(all_pages(buzzer, filter=filter_), [])
        assert found == expected, filter_


def test_list_goes_through_pages_newest_first_without_repeats(buzzer, team):
    label, jobs = team
    pages = all_pages(buzzer, filter=f"labels.team={label}", page_size=2)
    assert all(len(page) <= 2 for page in pages)
    assert sum(pages, []) == sorted(sum(jobs.values(), []), reverse=True)


def test_list_without_a_filter_lists_50_in_the_basic_view(buzzer, team):
    page = listed(buzzer)
    assert 0 < len(page["jobs"]) <= 50
    ids = [job["id"] for job in page["jobs"]]
    assert ids == sorted(ids, reverse=True)
    assert all("payload" not in job and job["history"] == [] for job in page["jobs"])
    assert len(listed(buzzer, page_size=5000)["jobs"]) <= 1000


@pytest.mark.parametrize("filter_", [
    "state", "state = DONE", "state = 5", "colour = red", "state = FAILED OR state = RUNNING",
    "state = FAILED state = RUNNING", "state = FAILED AND", "AND", "state = FAILED AND state = FAILED",
    "create_time = 5", 'create_time > "yesterday"', "type = 'a'", 'type = "a', "labels. = a",
    "type > a", "x" * 1025, "\u0000", "state = \r\n", "labels.team = a; DROP TABLE jobs",
])
def test_a_bad_filter_is_400_and_the_place_is_told(buzzer, filter_):
    answer = buzzer.rest("GET", "/v1/jobs", params={"filter": filter_})
    message = assert_error(answer, 400, 3, "INVALID_FILTER", "filter")
    assert "position" in message or "1024" in message


def test_a_bad_page_token_is_400(buzzer, team):
    token = listed(buzzer, filter=f"labels.team={team[0]}", page_size=1)["nextPageToken"]
    assert token
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    for filter_, bad in [(f"labels.team={team[0]}", "x"), (f"labels.team={team[0]}", changed),
                         (f"labels.team={team[0]}", token[:-1]), ("", token),
                         ("state = FAILED", token), ("", "A" * 5000), ("", "é\r\n")]:
        answer = buzzer.rest("GET", "/v1/jobs", params={"filter": filter_, "page_token": bad})
        assert_error(answer, 400, 3, "INVALID_PAGE_TOKEN", "page_token")


def test_a_bad_page_size_is_400(buzzer):
    answer = buzzer.rest("GET", "/v1/jobs?page_size=-1")
    assert_error(answer, 400, 3, "INVALID_FIELD", "page_size")
    answer = buzzer.rest("GET", "/v1/jobs?page_size=99999999999")
    assert_error(answer, 400, 3, "INVALID_REQUEST")


# --- Queues


def test_get_queue_tells_its_counts(buzzer, team, running):
    ended(buzzer, "demo.echo")
    answer = buzzer.rest("GET", "/v1/queues/demo.echo")
    assert answer.status_code == 200
    assert headers_of(answer)["content-type"] == "application/json"
    queue = answer.json()
    assert set(queue) - {"oldestReadyAge"} == {
        "name", "paused", "ready", "running", "scheduled", "failed", "succeeded", "cancelled",
        "workers", "slots", "submitRate", "startRate", "endRate", "types", "maxWaiting",
        "stalledWorkers", "stallReason"}
    assert (queue["name"], queue["paused"]) == ("queues/demo.echo", False)
    assert int(queue["scheduled"]) >= 3 and int(queue["succeeded"]) >= 4
    assert queue["workers"] == 1 and queue["slots"] >= 1 and queue["submitRate"] > 0
    assert queue["types"] == ["demo.echo"]
    assert buzzer.rest("GET", "/v1/queues/demo.sleep").json()["running"] == "1"


def test_list_queues_is_sorted_by_name(buzzer):
    names = [queue["name"] for queue in buzzer.rest("GET", "/v1/queues").json()["queues"]]
    assert names == sorted(names)
    assert {"queues/demo.echo", "queues/demo.fail", "queues/demo.sleep"} <= set(names)


@pytest.mark.parametrize("queue", ["nowhere", "A", "x" * 64, "a%0d%0ab", "%C3%A9"])
def test_an_unknown_or_malformed_queue_is_404(buzzer, queue):
    for method, suffix in [("GET", ""), ("POST", ":pause"), ("POST", ":resume")]:
        answer = buzzer.rest(method, f"/v1/queues/{queue}{suffix}")
        assert_error(answer, 404, 5, "QUEUE_NOT_FOUND")


def test_a_paused_queue_takes_jobs_and_runs_none_until_it_is_resumed(buzzer):
    for _ in range(2):
        answer = buzzer.rest("POST", "/v1/queues/demo.fail:pause")
        assert (answer.status_code, answer.json()["paused"]) == (200, True)
    try:
        job = buzzer.submit("demo.fail", {"times": 0})
        other = ended(buzzer, "demo.echo")
        assert other["state"] == "SUCCEEDED"
        assert buzzer.get(job["id"], after=1, wait="1s")["state"] == "QUEUED"
        queue = buzzer.rest("GET", "/v1/queues/demo.fail").json()
        assert (queue["ready"], queue["running"]) == ("1", "0")
        assert queue["oldestReadyAge"].endswith("s")
    finally:
        for _ in range(2):
            answer = buzzer.rest("POST", "/v1/queues/demo.fail:resume")
            assert (answer.status_code, answer.json()["paused"]) == (200, False)
    buzzer.wait_for_state(job["id"], "SUCCEEDED")


# --- What belongs to no call


@pytest.mark.parametrize("method, path", [
    ("GET", "/"), ("GET", "/v1"), ("PUT", "/v1/jobs"), ("PATCH", f"/v1/jobs/{UNKNOWN_ID}"),
    ("POST", f"/v1/jobs/{UNKNOWN_ID}:explode"), ("GET", f"/v1/jobs/{UNKNOWN_ID}:cancel"),
    ("DELETE", "/v1/queues"), ("POST", "/buzzer.v1.JobService/SubmitJob"),
    ("POST", "/buzzer.internal.v1.StateService/GetJob"),
])
def test_what_is_no_call_is_404(buzzer, method, path):
    assert path in assert_error(buzzer.rest(method, path), 404, 5, "NO_SUCH_PATH")


def test_a_client_cannot_choose_the_status(buzzer, later):
    answer = buzzer.rest("GET", f"/v1/jobs/{later['id']}", headers={"x-http-code": "204"})
    assert answer.status_code == 200
    assert "x-http-code" not in answer.headers


def test_the_gateway_is_healthy(buzzer):
    assert buzzer.rest("GET", "/healthz").status_code == 200


# --- gRPC and gRPC-Web


@pytest.mark.parametrize("through_gateway", [False, True])
def test_native_grpc_is_the_same_directly_and_through_the_gateway(buzzer, api, through_gateway):
    with buzzer.channel(through_gateway) as channel:
        stub = api.jobs_grpc.JobServiceStub(channel)
        request = api.jobs.SubmitJobRequest(type="demo.sleep")
        request.payload.struct_value.update({"seconds": 1, "steps": 2})
        job, call = stub.SubmitJob.with_call(request)
        assert call.code() == grpc.StatusCode.OK
        assert re.fullmatch("jobs/" + UUID7, job.name)
        responses = list(stub.WatchJob(api.jobs.WatchJobRequest(name=job.name)))
        revisions = [response.event.revision for response in responses]
        assert revisions == sorted(set(revisions))
        assert responses[-1].event.state == api.job.Job.SUCCEEDED
        resumed = stub.WatchJob(api.jobs.WatchJobRequest(name=job.name,
                                                         after_revision=revisions[-2]))
        assert [response.event.revision for response in resumed] == revisions[-1:]
        result = stub.GetJobResult(api.jobs.GetJobResultRequest(name=job.name))
        assert result.content_type == "application/json"
        assert (health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest()).status
                == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.parametrize("through_gateway", [False, True])
def test_a_native_grpc_error_carries_its_details(buzzer, api, through_gateway):
    with buzzer.channel(through_gateway) as channel:
        stub = api.jobs_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as error:
            stub.SubmitJob(api.jobs.SubmitJobRequest(type="demo.echo", max_attempts=-1))
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        trailers = dict(error.value.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        assert status.message == error.value.details()
        bad_request = error_details_pb2.BadRequest()
        assert any(detail.Unpack(bad_request) for detail in status.details)
        assert [each.field for each in bad_request.field_violations] == ["max_attempts"]
        with pytest.raises(grpc.RpcError) as error:
            list(stub.WatchJob(api.jobs.WatchJobRequest(name=f"jobs/{UNKNOWN_ID}")))
        assert error.value.code() == grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("through_gateway", [False, True])
@pytest.mark.parametrize("message", [
    b"\xff" * 100, b"\x0a\x05de", b"\x0a\x02\xff\xfe", b"\x22" + b"\x0a" * 1000,
])
def test_bytes_that_are_no_message_are_refused_and_the_server_lives_on(buzzer, through_gateway,
                                                                       message):
    with buzzer.channel(through_gateway) as channel:
        call = channel.unary_unary("/buzzer.v1.JobService/SubmitJob")
        with pytest.raises(grpc.RpcError) as error:
            call(message, timeout=harness.WAIT_SECONDS)
    assert error.value.code() in (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.INVALID_ARGUMENT,
                                  grpc.StatusCode.INTERNAL)
    assert ended(buzzer, "demo.echo")["state"] == "SUCCEEDED"


@pytest.mark.parametrize("key", ["k" * 256, "k" * 10_000])
def test_a_bad_key_in_native_metadata_is_refused(buzzer, api, key):
    with buzzer.channel() as channel:
        stub = api.jobs_grpc.JobServiceStub(channel)
        with pytest.raises(grpc.RpcError) as error:
            stub.SubmitJob(api.jobs.SubmitJobRequest(type="demo.echo"),
                           metadata=(("idempotency-key", key),))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def grpc_web_frames(body):
    frames = []
    while body:
        flags, size = struct.unpack(">BI", body[:5])
        frames.append((flags, body[5:5 + size]))
        body = body[5 + size:]
    return frames


def test_grpc_web_submits_and_watches(buzzer, api):
    def call(method, request):
        message = request.SerializeToString()
        answer = buzzer.rest(
            "POST", f"/buzzer.v1.JobService/{method}",
            data=struct.pack(">BI", 0, len(message)) + message,
            headers={"content-type": "application/grpc-web+proto", "x-grpc-web": "1"})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/grpc-web+proto"
        *messages, (flags, trailers) = grpc_web_frames(answer.content)
        assert flags == 0x80 and b"grpc-status:0" in trailers
        return [message for _, message in messages]

    [job] = call("SubmitJob", api.jobs.SubmitJobRequest(type="demo.echo"))
    name = api.job.Job.FromString(job).name
    watched = call("WatchJob", api.jobs.WatchJobRequest(name=name))
    last = api.jobs.WatchJobResponse.FromString(watched[-1]).event
    assert last.state == api.job.Job.SUCCEEDED


def test_many_watches_on_one_connection_leave_room_for_a_call(buzzer, api, later):
    """gRPC clients wait without a word above the number of streams that a server allows."""
    with buzzer.channel(through_gateway=True) as channel:
        stub = api.jobs_grpc.JobServiceStub(channel)
        request = api.jobs.WatchJobRequest(name=later["name"])
        watches = [stub.WatchJob(request) for _ in range(130)]
        for watch_ in watches:
            assert next(watch_).event.cause
        job = stub.GetJob(api.jobs.GetJobRequest(name=later["name"]),
                          timeout=harness.WAIT_SECONDS)
        assert job.name == later["name"]
        for watch_ in watches:
            watch_.cancel()


def test_a_call_whose_colon_is_escaped_is_the_same(buzzer):
    job = buzzer.submit("demo.echo", delay="3600s")
    answer = buzzer.rest("POST", f"/v1/jobs/{job['id']}%3Acancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "CANCELLED")
    answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}%3Awatch")
    assert [event["state"] for _, event in events(answer)] == ["CANCELLED"]
    # Nobody's id, and no colon either.
    answer = buzzer.rest("POST", f"/v1/jobs/{job['id']}%253Acancel")
    assert answer.status_code == 404


def test_what_a_query_says_ends_no_other_job(buzzer):
    jobs = [ended(buzzer, "demo.echo") for _ in range(2)]
    for method, suffix in (("DELETE", ""), ("GET", ""), ("GET", "/result"), ("GET", ":watch"),
                           ("GET", ":wait"), ("POST", ":cancel"), ("POST", ":retry")):
        answer = buzzer.rest(method, f"/v1/jobs/{jobs[0]['id']}{suffix}?name={jobs[1]['name']}")
        assert "name: " in assert_error(answer, 400, 3, "INVALID_REQUEST")
    answer = buzzer.rest("POST", "/v1/queues/demo.echo:pause?name=queues/demo.sleep")
    assert "name: " in assert_error(answer, 400, 3, "INVALID_REQUEST")
    assert [buzzer.get(job["id"])["state"] for job in jobs] == ["SUCCEEDED"] * 2


# --- Bad days


def test_a_browser_finds_back_by_itself_when_the_frontend_was_away(fresh_buzzer):
    job = fresh_buzzer.submit("demo.echo", delay="3600s")
    browser = Watcher(fresh_buzzer, job["id"])
    browser.start()
    browser.wait_for(lambda event: event["state"] == "SCHEDULED")
    fresh_buzzer.frontend.kill()
    browser.wait_for_empty_streams(2)
    fresh_buzzer.frontend.start()
    harness.eventually(
        lambda: fresh_buzzer.rest("POST", f"/v1/jobs/{job['id']}:cancel").status_code == 200,
        what="the job's cancel")
    browser.wait_for(lambda event: event["state"] == "CANCELLED")
    browser.join(harness.WAIT_SECONDS)
    assert browser.ended_by == 204
    numbers = [number for number, _ in browser.events]
    assert numbers == sorted(set(numbers))


def test_a_browser_finds_back_by_itself_when_state_was_away(fresh_buzzer):
    job = fresh_buzzer.submit("demo.echo", delay="3600s")
    fresh_buzzer.state.stop()
    browser = Watcher(fresh_buzzer, job["id"])
    browser.start()
    browser.wait_for_empty_streams(1)
    fresh_buzzer.state.start()
    browser.wait_for(lambda event: event["state"] == "SCHEDULED")
    browser.close()


def test_without_state_every_call_is_503_at_once_and_recovers_by_itself(fresh_buzzer):
    job = ended(fresh_buzzer, "demo.echo")
    assert fresh_buzzer.state.stop() == 0
    for answer in (post(fresh_buzzer, {"type": "demo.echo"}, timeout=10),
                   fresh_buzzer.rest("GET", f"/v1/jobs/{job['id']}", timeout=10),
                   fresh_buzzer.rest("GET", "/v1/queues", timeout=10)):
        assert_error(answer, 503, 14, "STATE_UNAVAILABLE", retry_after="1")
    fresh_buzzer.state.start()
    harness.eventually(lambda: post(fresh_buzzer, {"type": "demo.echo"}).status_code == 202,
                       what="submits are taken again")
    assert fresh_buzzer.get(job["id"])["state"] == "SUCCEEDED"


def test_without_the_broker_jobs_are_still_accepted(own_broker):
    with harness.Set(own_broker) as buzzer:
        own_broker.stop()
        job = buzzer.submit("demo.echo")
        assert job["state"] == "QUEUED"
        own_broker.start()
        buzzer.wait_for_state(job["id"], "SUCCEEDED")


def test_a_full_store_is_503_with_retry_after(broker):
    with harness.Set(broker, state_flags=["--max_waiting", "2"]) as buzzer:
        for _ in range(2):
            buzzer.submit("demo.echo", delay="3600s")
        answer = post(buzzer, {"type": "demo.echo", "delay": "3600s"})
        assert_error(answer, 503, 14, "STORE_FULL", retry_after=answer.headers["retry-after"])
        assert int(answer.headers["retry-after"]) >= 1


def test_a_full_queue_is_429_with_retry_after(broker, tmp_path):
    config = tmp_path / "state.yaml"
    config.write_text("queues:\n- {name: demo.echo, max_waiting: 1}\n")
    with harness.Set(broker, state_flags=["--config", config]) as buzzer:
        buzzer.submit("demo.echo", delay="3600s")
        answer = post(buzzer, {"type": "demo.echo", "delay": "3600s"})
        assert_error(answer, 429, 8, "QUEUE_FULL", retry_after=answer.headers["retry-after"])
        assert buzzer.submit("demo.sleep", {"seconds": 0})

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""One client of the system: gRPC straight to the frontend, or REST through Envoy. Every
call ends as ok, failed (surely nothing was done) or unknown."""

import threading

import grpc
import requests

CALL_SECONDS = 8
# Nothing was done where an answer says so.
SURELY_NOT = ("INVALID_FIELD", "UNKNOWN_TYPE", "UNKNOWN_QUEUE", "TOO_LARGE", "KEY_REUSED",
              "JOB_DELETED", "QUEUE_FULL", "STORE_FULL", "STORE_BROKEN", "STORE_BUSY",
              "STATE_UNAVAILABLE", "JOB_FINISHED", "JOB_NOT_RETRYABLE", "JOB_NOT_FOUND", "RATE_LIMITED")
CHANNEL_OPTIONS = (("grpc.initial_reconnect_backoff_ms", 100),
                   ("grpc.min_reconnect_backoff_ms", 100),
                   ("grpc.max_reconnect_backoff_ms", 1000))


class Answer:
    def __init__(self, phase, job=None, reason=""):
        self.phase = phase
        self.job = job  # A dict: id, state, revision.
        self.reason = reason


class GrpcClient:
    """Thread-safe."""

    def __init__(self, api, address):
        self._api = api
        self._channel = grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
        self.stub = api.jobs_grpc.JobServiceStub(self._channel)

    def submit(self, request, key):
        wire = self._api.jobs.SubmitJobRequest(type=request["type"], idempotency_key=key,
                                               labels=request["labels"])
        wire.payload.string_value = request["payload"]
        wire.lease.seconds = int(request["lease"].rstrip("s"))
        return self._answer(lambda: self.stub.SubmitJob(wire, timeout=CALL_SECONDS))

    def cancel(self, job):
        wire = self._api.jobs.CancelJobRequest(name=f"jobs/{job}")
        return self._answer(lambda: self.stub.CancelJob(wire, timeout=CALL_SECONDS))

    def retry(self, job):
        wire = self._api.jobs.RetryJobRequest(name=f"jobs/{job}")
        return self._answer(lambda: self.stub.RetryJob(wire, timeout=CALL_SECONDS))

    def watch(self, job, after, timeout):
        wire = self._api.jobs.WatchJobRequest(name=f"jobs/{job}", after_revision=after)
        return self.stub.WatchJob(wire, timeout=timeout)

    def state_name(self, number):
        return self._api.job.Job.State.Name(number)

    def close(self):
        self._channel.close()

    def _answer(self, call):
        try:
            job = call()
        except grpc.RpcError as error:
            reason = reason_of(error)
            return Answer("failed" if reason in SURELY_NOT else "unknown",
                          reason=reason or error.code().name)
        except ValueError:  # The channel was closed: the run ends.
            return Answer("unknown", reason="CLOSED")
        return Answer("ok", {"id": job.id, "state": self.state_name(job.state),
                             "revision": job.revision, "reason": job.error.reason})


def reason_of(error):
    """Of the ErrorInfo in a gRPC error; empty if it has none."""
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    for reason in SURELY_NOT:
        if b"\x0a" + bytes([len(reason)]) + reason.encode() in details:
            return reason
    return ""


class RestClient:
    """Thread-safe: a session for each thread."""

    def __init__(self, base_url):
        self._base_url = base_url
        self._local = threading.local()

    def submit(self, request, key):
        headers = {"Idempotency-Key": key} if key else {}
        return self._answer("POST", "/v1/jobs", json=request, headers=headers)

    def cancel(self, job):
        return self._answer("POST", f"/v1/jobs/{job}:cancel", json={})

    def retry(self, job):
        return self._answer("POST", f"/v1/jobs/{job}:retry", json={})

    def get(self, job):
        return self._answer("GET", f"/v1/jobs/{job}")

    def _answer(self, method, path, **keywords):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        try:
            answer = self._local.session.request(method, self._base_url + path,
                                                 timeout=CALL_SECONDS, **keywords)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            return Answer("unknown", reason=type(error).__name__)
        if answer.status_code in (200, 202):
            return Answer("ok", {"id": body["id"], "state": body["state"],
                                 "revision": int(body["revision"]),
                                 "reason": body.get("error", {}).get("reason", "")})
        reasons = [detail.get("reason", "") for detail in body.get("details", ())]
        reason = next((one for one in reasons if one), str(answer.status_code))
        return Answer("failed" if reason in SURELY_NOT else "unknown", reason=reason)

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Waits until a run is quiet, and gathers the facts about it for the checker."""

import concurrent.futures
import time

import grpc

ACTIVE = ("SCHEDULED", "QUEUED", "RUNNING", "CANCELLING")
CALL_SECONDS = 10
PAGE = 1000
READERS = 8


class Collector:
    def __init__(self, system, api):
        self._api = api
        self._channel = grpc.insecure_channel(system.address)
        self._stub = api.jobs_grpc.JobServiceStub(self._channel)

    def close(self):
        self._channel.close()

    def wait_for_quiet(self, timeout):
        """Whether no job waits or runs any more."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                if not any(self._list(f"state = {state}", enough=1) for state in ACTIVE):
                    return True
            except grpc.RpcError:
                pass  # A part that was just healed.
            time.sleep(0.5)
        return False

    def jobs(self):
        """Every job's record by id, and the results of those that succeeded."""
        ids = [job.id for job in self._list("")]
        with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
            full = list(readers.map(self._full, ids))
            records = {job.id: self._record(job) for job in full if job is not None}
            done = [job for job, record in records.items() if record["state"] == "SUCCEEDED"]
            results = dict(zip(done, readers.map(self._result, done)))
        return records, results

    def _list(self, job_filter, enough=None):
        found, token = [], ""
        while True:
            page = self._stub.ListJobs(self._api.jobs.ListJobsRequest(
                filter=job_filter, page_size=PAGE, page_token=token), timeout=CALL_SECONDS)
            found += page.jobs
            token = page.next_page_token
            if not token or (enough and len(found) >= enough):
                return found

    def _full(self, job):
        try:
            return self._stub.GetJob(self._api.jobs.GetJobRequest(
                name=f"jobs/{job}", view=self._api.jobs.JOB_VIEW_FULL), timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def _result(self, job):
        try:
            body = self._stub.GetJobResult(
                self._api.jobs.GetJobResultRequest(name=f"jobs/{job}"), timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            return f"no result: {error.code().name}"
        return body.data.decode(errors="replace").strip('"')

    def _record(self, job):
        name = self._api.job.Job.State.Name
        return {"state": name(job.state), "attempt": job.attempt, "revision": job.revision,
                "submit": job.labels["submit"], "key": job.idempotency_key,
                "reason": job.error.reason,
                "history": [{"revision": event.revision, "state": name(event.state),
                             "attempt": event.attempt, "cause": event.cause,
                             "reason": event.error.reason,
                             "time": event.time.seconds + event.time.nanos / 1e9}
                            for event in job.history]}

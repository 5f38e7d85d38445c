# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Submits through REST at a fixed rate, whatever the answers are. Bounded by the number of
its threads: where all wait, a submit is late, and is counted as such."""

import dataclasses
import queue
import threading
import time

import requests

THREADS = 16
CALL_SECONDS = 10


@dataclasses.dataclass
class Call:
    at: float
    seconds: float
    status: int  # 0 if there was no answer.
    reason: str = ""
    retry_after: str = ""
    job: str = ""


class OpenLoop:
    def __init__(self, system, rate, job_type="demo.echo", payload=1):
        self._url = f"{system.base_url}/v1/jobs"
        self._request = {"type": job_type, "payload": payload}
        self._rate = rate
        self._due = queue.Queue(maxsize=4 * THREADS)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._calls = []
        self._threads = [threading.Thread(target=self._submit, daemon=True)
                         for _ in range(THREADS)]
        self.late = 0

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        """Every call that is under way gets its answer."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * CALL_SECONDS)

    def run_until(self, end):
        due = time.time()
        while due < end:
            time.sleep(max(0, due - time.time()))
            try:
                self._due.put(due, timeout=1 / self._rate)
            except queue.Full:
                self.late += 1
            due += 1 / self._rate

    def calls(self):
        with self._lock:
            return list(self._calls)

    def _submit(self):
        with requests.Session() as session:
            while not (self._stopping.is_set() and self._due.empty()):
                try:
                    self._due.get(timeout=0.2)
                except queue.Empty:
                    continue
                call = self._one(session)
                with self._lock:
                    self._calls.append(call)

    def _one(self, session):
        at, began = time.time(), time.monotonic()
        try:
            answer = session.post(self._url, json=self._request, timeout=CALL_SECONDS)
            body = answer.json()
        except (requests.RequestException, ValueError) as error:
            return Call(at, time.monotonic() - began, 0, type(error).__name__)
        reasons = [detail.get("reason", "") for detail in body.get("details", ())]
        return Call(at, time.monotonic() - began, answer.status_code,
                    next((reason for reason in reasons if reason), ""),
                    answer.headers.get("retry-after", ""), body.get("id", ""))

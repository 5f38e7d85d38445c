# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A watcher as a browser has it."""

import json
import threading
import time

import requests

import harness


class Watcher(threading.Thread):
    """An EventSource, by the rules of the HTML standard: it comes back, with Last-Event-ID, after
    a break and after a stream's end, when the time in `retry:` is over; any status but 200, and
    any type but text/event-stream, closes it for ever."""

    def __init__(self, buzzer, job_id):
        super().__init__(daemon=True)
        self._buzzer = buzzer
        self._job = job_id
        self._last = None
        self._retry_seconds = 1
        self._response = None
        self._closed = False
        self.events = []
        self.changed = threading.Condition()
        self.connections = 0
        # Streams that ended without an event.
        self.empty = 0
        # The status, or the type, that closed it.
        self.ended_by = None

    def run(self):
        while not self._closed:
            try:
                self._read()
            except (OSError, AttributeError, ValueError, requests.RequestException):
                pass  # A break.
            if self.ended_by is not None:
                return
            time.sleep(self._retry_seconds)

    def close(self):
        self._closed = True

    def cut(self):
        """Drops the connection under the reader, as a bad network would."""
        if self._response is not None:
            self._response.raw._fp.fp.raw._sock.shutdown(2)

    def wait_for(self, fits, timeout=harness.WAIT_SECONDS):
        self._wait(lambda: any(fits(event) for _, event in self.events), timeout)

    def wait_for_empty_streams(self, count, timeout=harness.WAIT_SECONDS):
        self._wait(lambda: self.empty >= count, timeout)

    def _wait(self, holds, timeout):
        deadline = time.monotonic() + timeout
        with self.changed:
            while not holds():
                assert self.ended_by is None, f"closed by {self.ended_by}: {self.events}"
                left = deadline - time.monotonic()
                assert left > 0, self.events
                self.changed.wait(left)

    def _end(self, reason):
        with self.changed:
            self.ended_by = reason
            self.changed.notify_all()

    def _read(self):
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-cache"}
        if self._last is not None:
            headers["Last-Event-ID"] = self._last
        # Not of the set's session: another connection may be cut with one of the browser's.
        self._response = requests.get(f"{self._buzzer.base_url}/v1/jobs/{self._job}:watch",
                                      stream=True, headers=headers, timeout=harness.WAIT_SECONDS)
        if self._response.status_code != 200:
            self._end(self._response.status_code)
            return
        if self._response.headers["content-type"] != "text/event-stream":
            self._end(self._response.headers["content-type"])
            return
        self.connections += 1
        before = len(self.events)
        try:
            self._read_events(self._response)
        finally:
            with self.changed:
                self.empty += len(self.events) == before
                self.changed.notify_all()

    def _read_events(self, response):
        fields = {}
        for line in response.iter_lines(chunk_size=1, decode_unicode=True):
            name, _, value = line.partition(":")
            if name == "retry" and value.strip().isdecimal():
                self._retry_seconds = int(value) / 1000
            elif name in ("id", "data"):
                fields[name] = value.strip()
            elif not line and "data" in fields:
                self._last = fields["id"]
                with self.changed:
                    self.events.append((int(self._last), json.loads(fields["data"])))
                    self.changed.notify_all()
                fields = {}

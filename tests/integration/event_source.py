# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A watcher as a browser has it."""

import json
import threading
import time

import harness


class Watcher(threading.Thread):
    """An EventSource: reconnects with Last-Event-ID until the server says 204."""

    def __init__(self, buzzer, job_id):
        super().__init__(daemon=True)
        self._buzzer = buzzer
        self._job = job_id
        self.events = []
        self.changed = threading.Condition()
        self.connections = 0
        self._cut = threading.Event()
        self._response = None

    def run(self):
        last = None
        while True:
            headers = {"Accept": "text/event-stream"}
            if last is not None:
                headers["Last-Event-ID"] = last
            try:
                self._response = self._buzzer.rest(
                    "GET", f"/v1/jobs/{self._job}:watch", stream=True, headers=headers)
                if self._response.status_code == 204:
                    return
                if self._response.status_code != 200:
                    time.sleep(0.1)
                    continue
                self.connections += 1
                fields = {}
                for line in self._response.iter_lines(chunk_size=1, decode_unicode=True):
                    if line.startswith("id:"):
                        fields["id"] = line[3:].strip()
                    elif line.startswith("data:"):
                        fields["data"] = line[5:].strip()
                    elif not line and "data" in fields:
                        last = fields["id"]
                        with self.changed:
                            self.events.append((int(last), json.loads(fields["data"])))
                            self.changed.notify_all()
                        fields = {}
            except (OSError, AttributeError, ValueError):
                time.sleep(0.1)

    def cut(self):
        """Drops the connection under the reader, as a bad network would."""
        if self._response is not None:
            self._response.raw._fp.fp.raw._sock.shutdown(2)

    def wait_for(self, fits, timeout=harness.WAIT_SECONDS):
        deadline = time.monotonic() + timeout
        with self.changed:
            while not any(fits(event) for _, event in self.events):
                left = deadline - time.monotonic()
                assert left > 0, self.events
                self.changed.wait(left)

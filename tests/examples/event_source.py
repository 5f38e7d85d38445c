#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Follows a job's server-sent events as a browser's EventSource does: it reconnects by
itself with Last-Event-ID, and stops when the server answers 204.

    ./event_source.py ID
"""

import json
import os
import sys
import time

import requests


def events(url):
    """Yields (id, data) of each event, over as many connections as it takes."""
    headers = {"Accept": "text/event-stream"}
    retry_seconds = 1.0
    while True:
        try:
            with requests.get(url, headers=headers, stream=True, timeout=(10, 60)) as answer:
                if answer.status_code == 204:  # finished, and its end was seen
                    return
                answer.raise_for_status()
                data = []
                for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if field == "id":
                        headers["Last-Event-ID"] = value
                    elif field == "data":
                        data.append(value)
                    elif field == "retry":
                        retry_seconds = int(value) / 1000
                    elif not line and data:  # an empty line ends an event
                        yield headers.get("Last-Event-ID"), "\n".join(data)
                        data = []
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            pass
        time.sleep(retry_seconds)


def main():
    rest = os.environ.get("BUZZER_REST", "http://127.0.0.1:8080")
    for revision, data in events(f"{rest}/v1/jobs/{sys.argv[1]}:watch"):
        event = json.loads(data)
        progress = event.get("progress") or {}
        print(revision, event["state"], progress.get("message", ""), flush=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The synchronous twin, for the demo and the tests only: what Buzzer replaces.

    tests/support/sync_twin.py PORT

Runs the program of a job inside the HTTP request: POST /demo/sync/images.thumbnails
takes the payload of that job type and answers with its result, however long it takes.
POST /demo/sync/demo.sleep sleeps {"seconds": 45}. Each line on standard error is one
JSON event; `client_gone` says that nobody waits for the answer any more, and that the
work runs on all the same.
"""

import http.server
import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import threading
import time

PROGRAM = (pathlib.Path(__file__).resolve().parents[2] /
           "services/worker/examples/images/thumbnails")
MAX_BODY = 1 << 20
_log_lock = threading.Lock()


def log(event, **facts):
    line = json.dumps({"time": round(time.time(), 3), "service": "sync-twin", "event": event,
                       **facts}, separators=(",", ":"))
    with _log_lock:
        print(line, file=sys.stderr, flush=True)


def command_of(path, payload):
    if path == "/demo/sync/images.thumbnails":
        return [str(PROGRAM)]
    if path == "/demo/sync/demo.sleep":
        return ["sleep", str(float(json.loads(payload)["seconds"]))]
    return None


class Handler(http.server.BaseHTTPRequestHandler):
    """One request, on a thread of its own."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        # Its port is one of loopback, and so within reach of any page that a browser shows here.
        if "origin" in self.headers or "sec-fetch-site" in self.headers:
            self.close_connection = True
            self.answer(403, b'{"error":"no work for web pages"}')
            return
        payload = self.rfile.read(min(int(self.headers.get("content-length", 0)), MAX_BODY))
        try:
            command = command_of(self.path, payload)
        except (ValueError, KeyError, TypeError):
            self.answer(400, b'{"error":"the payload must be {\\"seconds\\": NUMBER}"}')
            return
        if not command:
            self.answer(404, b'{"error":"no such work"}')
            return
        code, result = self.work(command, payload)
        if not self.client_gone():
            self.answer(200 if code == 0 else 500, result)

    def work(self, command, payload):
        """Runs the program to its end, whoever waits; returns its exit code and result."""
        started, gone = time.monotonic(), False
        log("started", path=self.path)
        reader, writer = os.pipe()
        # The program expects its progress pipe as descriptor 3.
        program = subprocess.Popen(["bash", "-c", f'exec 3>&{writer}; exec "$@"', "bash", *command],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   pass_fds=[writer])
        os.close(writer)
        output = []
        collector = threading.Thread(
            target=lambda: output.append(program.communicate(payload)[0]))
        collector.start()
        last, open_pipes = "", [reader]
        while collector.is_alive():
            if select.select(open_pipes, [], [], 0.1)[0]:
                lines = os.read(reader, 65536).decode().splitlines()
                if lines:
                    last = json.loads(lines[-1])["message"]
                else:
                    open_pipes = []
            if not gone and self.client_gone():
                gone = True
                log("client_gone", path=self.path, at=last,
                    seconds=round(time.monotonic() - started, 2))
        os.close(reader)
        log("finished", path=self.path, exit_code=program.returncode, nobody_waited=gone,
            seconds=round(time.monotonic() - started, 2))
        return program.returncode, output[0] if output else b""

    def client_gone(self):
        try:
            if not select.select([self.connection], [], [], 0)[0]:
                return False
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """The events above say more."""


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    log("serving", address="127.0.0.1:%d" % server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()

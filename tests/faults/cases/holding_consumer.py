# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A consumer that takes a delivery and never acks it, as a worker would that acks at a job's
end. Says what the broker does about it; just enough of AMQP 0-9-1 for that."""

import socket
import struct
import threading
import time
import urllib.parse

QUEUE = "held"
METHOD, HEADER, BODY, FRAME_END = 1, 2, 3, b"\xce"
DELIVER, CHANNEL_CLOSE = (60, 60), (20, 40)
READ_SECONDS = 300


class HoldingConsumer(threading.Thread):
    def __init__(self, broker):
        super().__init__(daemon=True)
        self._url = urllib.parse.urlsplit(broker.url)
        self._socket = None
        # Seconds from the delivery to the end of the channel, and the broker's reason.
        self.closed_after, self.reason = None, None

    def run(self):
        with socket.create_connection(("127.0.0.1", self._url.port), READ_SECONDS) as self._socket:
            self._say_all()
            self._await(DELIVER)
            delivered = time.monotonic()
            arguments = self._await(CHANNEL_CLOSE)
            self.closed_after = time.monotonic() - delivered
            self.reason = f"{struct.unpack('>H', arguments[:2])[0]} {_read_short(arguments[2:])}"

    def _say_all(self):
        """All at once; the answers may come as they like."""
        secret = f"\0{self._url.username}\0{self._url.password}".encode()
        quorum = _short("x-queue-type") + b"S" + _long(b"quorum")
        self._socket.sendall(b"".join([
            b"AMQP\0\0\x09\x01",
            _method(0, 10, 11, _long(b"") + _short("PLAIN") + _long(secret) + _short("en_US")),
            # 2047 channels, frames of 128 KiB, no heartbeats.
            _method(0, 10, 31, struct.pack(">HIH", 2047, 131072, 0)),
            _method(0, 10, 40, _short("/") + _short("") + b"\0"),
            _method(1, 20, 10, _short("")),
            # Durable, as quorum queues must be.
            _method(1, 50, 10, b"\0\0" + _short(QUEUE) + b"\x02" + _long(quorum)),
            _method(1, 60, 20, b"\0\0" + _short(QUEUE) + _short("") + b"\0" + _long(b"")),
            _method(1, 60, 40, b"\0\0" + _short("") + _short(QUEUE) + b"\0"),
            _frame(HEADER, 1, struct.pack(">HHQH", 60, 0, 4, 0)),
            _frame(BODY, 1, b"held"),
        ]))

    def _await(self, wanted):
        """The arguments of the next such method."""
        while True:
            kind, _, size = struct.unpack(">BHI", self._read(7))
            payload = self._read(size + 1)
            if kind == METHOD and struct.unpack(">HH", payload[:4]) == wanted:
                return payload[4:]

    def _read(self, size):
        found = b""
        while len(found) < size:
            piece = self._socket.recv(size - len(found))
            if not piece:
                raise ConnectionError("the broker ended the connection")
            found += piece
        return found


def _frame(kind, channel, payload):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + FRAME_END


def _method(channel, of_class, method, arguments):
    return _frame(METHOD, channel, struct.pack(">HH", of_class, method) + arguments)


def _short(text):
    return bytes([len(text)]) + text.encode()


def _long(content):
    return struct.pack(">I", len(content)) + content


def _read_short(content):
    return content[1:1 + content[0]].decode()

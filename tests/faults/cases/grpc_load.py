# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Submits over gRPC from many clients at a fixed rate, or as fast as their answers come.
Every call is kept, with how it ended."""

import dataclasses
import threading
import time

import grpc
from google.rpc import error_details_pb2, status_pb2

CLIENTS = 16
CALL_SECONDS = 15
SETTLE_SECONDS = CALL_SECONDS + 5


@dataclasses.dataclass
class Call:
    at: float
    seconds: float
    code: str  # OK, or a gRPC code's name.
    reason: str = ""
    retry_after: bool = False


class Clients:
    """Each on a connection of its own. They send one request again and again, as bytes:
    Python makes them once."""

    def __init__(self, address, request):
        self._wire = request.SerializeToString()
        self._channels = [grpc.insecure_channel(address, options=(
            ("grpc.use_local_subchannel_pool", 1),)) for _ in range(CLIENTS)]
        self._submits = [channel.unary_unary("/buzzer.v1.JobService/SubmitJob")
                         for channel in self._channels]
        self._changed = threading.Condition()
        self._open = 0
        self._calls = []

    def close(self):
        for channel in self._channels:
            channel.close()

    def at_rate(self, rate, seconds):
        """The calls begun in these seconds, when all have ended."""
        first, began, sent = len(self._calls), time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                self._begin(sent)
                sent += 1
            time.sleep(0.002)
        return self._settled(first)

    def in_turn(self, open_calls, seconds):
        """As many open calls all the time; the calls."""
        first, end, sent = len(self._calls), time.monotonic() + seconds, 0
        while time.monotonic() < end:
            with self._changed:
                self._changed.wait_for(lambda: self._open < open_calls, 1)
                free = open_calls - self._open
            for _ in range(free):
                self._begin(sent)
                sent += 1
        return self._settled(first)

    def _begin(self, number):
        at, began = time.time(), time.monotonic()
        with self._changed:
            self._open += 1
        call = self._submits[number % CLIENTS].future(self._wire, timeout=CALL_SECONDS)
        call.add_done_callback(lambda done: self._end(done, at, time.monotonic() - began))

    def _end(self, done, at, seconds):
        call = Call(at, seconds, done.code().name)
        if call.code != "OK":
            call.reason, call.retry_after = _details(done)
        with self._changed:
            self._calls.append(call)
            self._open -= 1
            self._changed.notify_all()

    def _settled(self, first):
        with self._changed:
            assert self._changed.wait_for(lambda: self._open == 0, SETTLE_SECONDS), \
                f"{self._open} submits have no answer after {SETTLE_SECONDS} s"
            return self._calls[first:]


def _details(error):
    """The reason, and whether there is a time to come again."""
    wire = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(wire)
    reason, retry_after = "", False
    for detail in status.details:
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() > 0
    return reason, retry_after


def percentile(calls, share):
    times = sorted(call.seconds for call in calls)
    return times[min(len(times) - 1, int(share * len(times)))] if times else 0.0

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Callers that open watches and never read them."""

from kinds.kind import Kind

STREAMS = 50


def open_unread(system, _step):
    """system.some_jobs() gives the names of jobs; system.unread holds what was opened."""
    jobs = system.some_jobs() or ["0" * 36]
    channel = system.channel()
    watch = channel.unary_stream("/buzzer.v1.JobService/WatchJob")
    streams = []
    for number in range(STREAMS):
        name = f"jobs/{jobs[number % len(jobs)]}".encode()
        streams.append(watch(b"\x0a" + bytes([len(name)]) + name, timeout=60))
    system.unread = channel, streams


def close(system, _step):
    channel, streams = system.unread
    for stream in streams:
        stream.cancel()
    channel.close()


KINDS = [Kind("watch.never_reads", open_unread, close, hold=(1, 4),
              touches=frozenset(["frontend"]))]

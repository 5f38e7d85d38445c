# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The append-only history of a run: JSON lines, one for each thing that happened."""

import contextlib
import itertools
import json
import threading
import time


class Recorder:
    """Thread-safe."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._file = open(path, "a", encoding="utf-8", buffering=1)
        self._numbers = itertools.count(1)
        self._lines = []

    def number(self):
        return next(self._numbers)

    def note(self, op, phase, **fields):
        line = {"t": time.time(), "op": op, "phase": phase, **fields}
        with self._lock:
            self._lines.append(line)
            self._file.write(json.dumps(line) + "\n")
        return line

    def lines(self, since=0):
        with self._lock:
            return self._lines[since:]

    def size(self):
        with self._lock:
            return len(self._lines)

    def close(self):
        with contextlib.suppress(OSError):
            self._file.close()


def read_runs(path):
    """What the handlers appended, in the order of the lines."""
    runs = []
    with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if len(words) == 6:
                phase, job, attempt, pid, worker, at = words
                runs.append({"phase": phase, "job": job, "attempt": int(attempt),
                             "pid": int(pid), "worker": worker, "t": float(at)})
    return runs

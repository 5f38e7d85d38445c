# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Load on a system, and what it looks like from outside meanwhile: how long jobs wait."""

import concurrent.futures
import contextlib
import dataclasses
import datetime
import itertools
import pathlib
import tempfile
import threading
import time

import grpc

from cluster import ClusterBroker, harness

JOBS_PER_SECOND = 100
CALL_SECONDS = 10
LOOK_SECONDS = 0.25


class System(harness.Set):
    """On this cluster, with so many broker queues: three for each job type."""

    def __init__(self, of, broker_queues, slots=16):
        # The harness waits for demo.echo.
        self.types = ["demo.echo", *(f"load.t{one}" for one in range(broker_queues // 3 - 1))]
        self._scratch = tempfile.TemporaryDirectory(prefix="buzzer-broker-test-")
        config = pathlib.Path(self._scratch.name) / "worker.yaml"
        config.write_text("\n".join(
            [f"slots: {slots}", "drain_timeout: 2s", "handlers:",
             *[f"  - {{type: {name}, kind: demo.echo}}" for name in self.types], ""]),
            encoding="utf-8")
        super().__init__(ClusterBroker(of), worker_config=config)

    def close(self):
        super().close()
        self._scratch.cleanup()

    def gauge(self, service, name):
        """The sum over the series of a metric."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.metrics(service).splitlines()
                   if line.startswith((f"{name} ", f"{name}{{")))

    def wait_until_prepared(self):
        self.wait_for_types(*self.types)
        harness.eventually(
            lambda: self.gauge("state", "buzzer_state_broker_queues_unprepared") == 0, 180,
            "every broker queue declared")


@dataclasses.dataclass
class Look:
    """The system at a time: the longest that a job waits, and how many do."""
    at: float
    oldest: float
    ready: int
    succeeded: int
    up: bool
    unprepared: int


class Load:
    """Submits at a fixed rate to each type in turn, and looks at the queues meanwhile."""

    def __init__(self, system, api, rate=JOBS_PER_SECOND):
        self._system, self._api, self._rate = system, api, rate
        self._stopping = threading.Event()
        self._channel = system.channel()
        self.accepted, self.refused = 0, []
        self.looks = []
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=run, daemon=True)
                         for run in (self._submit_all, self._look_all)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join(2 * CALL_SECONDS)

    def _submit_all(self):
        jobs = self._api.jobs_grpc.JobServiceStub(self._channel)
        types = itertools.cycle(self._system.types)
        due = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            while not self._stopping.is_set():
                pool.submit(self._submit, jobs, next(types))
                due += 1 / self._rate
                self._stopping.wait(max(0, due - time.monotonic()))

    def _submit(self, jobs, job_type):
        request = self._api.jobs.SubmitJobRequest(type=job_type)
        request.payload.struct_value.update({"a": 1})
        try:
            jobs.SubmitJob(request, timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            with self._lock:
                self.refused.append(str(error.code()))
        else:
            with self._lock:
                self.accepted += 1

    def _look_all(self):
        queues = self._api.queues_grpc.QueueServiceStub(self._channel)
        while not self._stopping.wait(LOOK_SECONDS):
            with contextlib.suppress(grpc.RpcError):  # The machine may be busy.
                self.looks.append(self._look(queues))

    def look(self):
        stub = self._api.queues_grpc.QueueServiceStub(self._channel)
        while True:
            try:
                return self._look(stub)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise

    def _look(self, stub):
        answer = stub.ListQueues(self._api.queues.ListQueuesRequest(),
                                 timeout=CALL_SECONDS)
        queues = answer.queues
        return Look(time.monotonic(),
                    max((_seconds(one.oldest_ready_age) for one in queues), default=0),
                    sum(one.ready for one in queues), sum(one.succeeded for one in queues),
                    self._system.gauge("state", "buzzer_state_broker_up") == 1,
                    int(self._system.gauge("state", "buzzer_state_broker_queues_unprepared")))

    def since(self, begin):
        return [look for look in self.looks if look.at >= begin]

    def wait_until_well(self, since, timeout):
        """Until no job has waited for a second, for two seconds; the longest wait from `since`
        on, and how long after it the last look showed one of a second."""
        deadline = time.monotonic() + timeout
        while True:
            looks = self.since(since)
            late = [look for look in looks if look.oldest > 1]
            calm_from = max([since, *[look.at for look in late]])
            if looks and looks[-1].at - calm_from > 2:
                return (max(look.oldest for look in looks), calm_from - since)
            assert time.monotonic() < deadline, (
                f"a job has waited {looks[-1].oldest:.0f} s, {looks[-1].ready} wait; "
                f"state's log:\n{self._system.state.tail(30)}" if looks else "no look")
            time.sleep(LOOK_SECONDS)


def _seconds(duration):
    return duration.ToTimedelta() / datetime.timedelta(seconds=1)

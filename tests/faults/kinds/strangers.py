# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A program that connects to state as a worker and is none: it says Hello under two names, and
hangs up over a job that is being cancelled. Before that it says Hellos that no worker says. State
must live on, and nobody else's job may notice."""

import itertools
import pathlib
import queue
import subprocess
import sys
import time
import uuid

import google.api
import grpc

from kinds.kind import Kind, NotInjected
from system import LEASE_SECONDS, harness

TYPE = "faults.stranger"
HANG_UPS = ("waits", "hangs_up")
CALL_SECONDS = 8
# One lease, in which nobody renews, and what state takes to tell of its end.
END_SECONDS = LEASE_SECONDS + 20
WRONG = grpc.StatusCode.INVALID_ARGUMENT


class Line:
    """A worker's stream to state."""

    def __init__(self, system, work):
        self._work, self._requests = work, queue.Queue()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{system.state_port}")
        method = self._channel.stream_stream(
            "/buzzer.internal.v1.WorkService/Work",
            request_serializer=work.WorkRequest.SerializeToString,
            response_deserializer=work.WorkResponse.FromString)
        self._call = method(iter(self._requests.get, None), timeout=60)

    def say(self, **parts):
        self._requests.put(self._work.WorkRequest(**parts))

    def hear(self):
        return next(self._call)

    def hang_up(self):
        self._call.cancel()
        self.close()

    def end(self):
        """The status with which state ends the stream."""
        try:
            for _ in self._call:
                pass
        except grpc.RpcError:
            pass
        code = self._call.code()
        self.close()
        return code

    def close(self):
        self._requests.put(None)
        self._channel.close()


def _modules(system):
    """Of the internal protos, in Python; buzzer.v1 is there already (harness.compile_api)."""
    if not hasattr(system, "work_protos"):
        out = system.run_directory / "internal"
        out.mkdir()
        protos = harness.ROOT / "protos"
        # google/api comes with the package googleapis-common-protos.
        common = pathlib.Path(next(iter(google.api.__path__))).parents[1]
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"-I{common}",
                        f"--python_out={out}", "buzzer/internal/v1/work_service.proto"], check=True)
        sys.path.insert(0, str(out))
        from buzzer.internal.v1 import work_service_pb2
        from buzzer.v1 import job_service_pb2, job_service_pb2_grpc
        system.work_protos = work_service_pb2
        system.job_protos = job_service_pb2
        system.stranger_jobs = job_service_pb2_grpc.JobServiceStub(system.channel())
    return system.work_protos


def _hello(work, name, types=((TYPE, TYPE),), **more):
    served = [work.Hello.Type(type=one, queue=other) for one, other in types]
    queues = [work.Hello.QueueSlots(queue=one, slots=1, prefetch=1)
              for one in dict.fromkeys(queue for _, queue in types)]
    return work.Hello(worker=name, types=served, **{"queues": queues, "slots": 1, **more})


def _wrong_hellos(work):
    yield _hello(work, "")
    yield _hello(work, "a\nb")
    yield _hello(work, "w" * 128)
    yield _hello(work, "stranger", [("Not A Name", TYPE)])
    yield _hello(work, "stranger", [(TYPE, "not\na\nname")])
    yield _hello(work, "stranger", [(f"t{i}", f"invented{i}") for i in range(300)])
    yield _hello(work, "stranger", [(f"t{i}", TYPE) for i in range(100_000)])
    yield _hello(work, "stranger", slots=-1)
    yield _hello(work, "stranger", version="v\n")
    yield _hello(work, "stranger", queues=[work.Hello.QueueSlots(queue=TYPE, slots=2**31 - 1)])


def _expect_wrong(line, what):
    code = line.end()
    assert code == WRONG, f"{what} was answered with {code}"


def _submit(system):
    request = system.job_protos.SubmitJobRequest(type=TYPE)
    request.lease.seconds = LEASE_SECONDS
    deadline = time.monotonic() + CALL_SECONDS
    while True:
        try:
            return system.stranger_jobs.SubmitJob(request, timeout=CALL_SECONDS).name
        except grpc.RpcError as error:
            if time.monotonic() > deadline:
                raise NotInjected(f"no job was taken: {error.code().name}") from error
            time.sleep(0.1)


def _claim(line, work, job):
    """Claims it until it is granted: it may not be QUEUED yet."""
    for number in itertools.count():
        claim = work.Claim(claim_id=uuid.uuid4().bytes, job_id=uuid.UUID(job[len("jobs/"):]).bytes,
                           intent=work.Claim.INTENT_RUN)
        claim.grace.seconds = 0
        line.say(claims=[claim])
        if line.hear().claims[0].HasField("granted"):
            return
        if number == 50:
            raise NotInjected(f"{job} was not granted")
        time.sleep(0.05)


def pester(system, step):
    work = _modules(system)
    system.state_pid = system.state.pid
    for hello in _wrong_hellos(work):
        line = Line(system, work)
        line.say(hello=hello)
        _expect_wrong(line, f"the Hello {str(hello)[:60]!r}")
    line = Line(system, work)
    line.say(renewals=[work.Renewal(job_id=b"x", attempt=-1)])
    _expect_wrong(line, "a renewal before Hello")

    name = f"stranger-{step.number}"
    line = Line(system, work)
    line.say(hello=_hello(work, name))
    # A claim of what is no job is answered, and shows that the Hello was read.
    line.say(claims=[work.Claim(claim_id=b"no id", job_id=b"no job")])
    assert line.hear().claims[0].HasField("gone")
    system.stranger_job = _submit(system)
    _claim(line, work, system.stranger_job)
    line.say(hello=_hello(work, f"{name}-again"))
    if step.mode == "waits":
        _expect_wrong(line, "a second name")
    else:
        line.hang_up()
    _call(lambda: system.stranger_jobs.CancelJob(
        system.job_protos.CancelJobRequest(name=system.stranger_job), timeout=CALL_SECONDS))


def _call(call):
    deadline = time.monotonic() + END_SECONDS
    while True:
        try:
            return call()
        except grpc.RpcError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def look(system, _step):
    """State is the process that it was, and the job ends as that of any worker that is gone."""
    began = time.time()
    assert system.state.running() and system.state.pid == system.state_pid, "state died of it"
    job, protos = getattr(system, "stranger_job", None), system.job_protos
    if job is None:
        return None
    del system.stranger_job
    deadline = time.monotonic() + END_SECONDS
    while True:
        now = _call(lambda: system.stranger_jobs.GetJob(protos.GetJobRequest(name=job),
                                                        timeout=CALL_SECONDS))
        if now.state == type(now).CANCELLED:
            break
        assert time.monotonic() < deadline, f"{job} is still {type(now).State.Name(now.state)}"
        time.sleep(0.1)
    assert now.error.reason == "WORKER_LOST", now.error
    # It is none of the load's.
    _call(lambda: system.stranger_jobs.DeleteJob(protos.DeleteJobRequest(name=job),
                                                 timeout=CALL_SECONDS))
    return began


KINDS = [Kind("hello.twice", pester, look, modes=HANG_UPS, hold=(0, 1),
              touches=frozenset(["state", "worker", "frontend"]))]

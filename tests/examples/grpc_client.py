#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Submits a job, watches it and prints its result, over gRPC.

    python3 -m pip install grpcio grpcio-tools googleapis-common-protos
    python3 -m grpc_tools.protoc -Iprotos -I"$(python3 -c \
        'import google.api, pathlib; print(pathlib.Path(*google.api.__path__).parents[1])')" \
        --python_out=. --grpc_python_out=. protos/buzzer/v1/*.proto
    ./grpc_client.py [ADDRESS]

ADDRESS is the frontend (127.0.0.1:50051) or the gateway (127.0.0.1:8080).
"""

import os
import sys
import time

import grpc
from buzzer.v1 import job_pb2, job_service_pb2, job_service_pb2_grpc

ENDED = (job_pb2.Job.SUCCEEDED, job_pb2.Job.FAILED, job_pb2.Job.CANCELLED)


def submit(stub, job_type, payload, key=""):
    """With a key, a repeat after a lost answer gives the same job."""
    request = job_service_pb2.SubmitJobRequest(type=job_type, idempotency_key=key)
    request.payload.struct_value.update(payload)
    return stub.SubmitJob(request, timeout=10)


def watch(stub, name):
    """Yields the job's events until its end. Survives a restart of every server: it goes on
    after the last revision that it saw, so no state change is missed or told twice."""
    revision, state = 0, None
    while state not in ENDED:
        try:
            request = job_service_pb2.WatchJobRequest(name=name, after_revision=revision)
            for response in stub.WatchJob(request):
                revision, state = response.event.revision, response.event.state
                yield response.event
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            time.sleep(1)


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else os.environ.get(
        "BUZZER_ADDRESS", "127.0.0.1:50051")
    with grpc.insecure_channel(address) as channel:
        stub = job_service_pb2_grpc.JobServiceStub(channel)
        job = submit(stub, "demo.sleep", {"seconds": 1, "steps": 4})
        print(f"accepted {job.name}")
        for event in watch(stub, job.name):
            progress = f"{event.progress.fraction:4.0%} {event.progress.message}"
            print(event.revision, job_pb2.Job.State.Name(event.state), progress)
        result = stub.GetJobResult(job_service_pb2.GetJobResultRequest(name=job.name), timeout=10)
        print(result.content_type, result.data.decode())


if __name__ == "__main__":
    main()

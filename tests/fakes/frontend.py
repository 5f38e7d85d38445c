# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A frontend whose answers the test chooses, to try the gateway alone."""

from concurrent import futures

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


class FakeFrontend:
    """Serves buzzer.v1.JobService: each method calls the function of its name in `on`.

    fake.on["SubmitJob"] = lambda request, context: job_pb2.Job(name="jobs/1")
    """

    def __init__(self, api, port):
        self.on = {}
        self.calls = []  # (method, request, metadata as a dict)
        fake = self

        class Service(api.jobs_grpc.JobServiceServicer):
            def __getattribute__(self, name):
                if name.startswith("_"):
                    return object.__getattribute__(self, name)

                def call(request, context):
                    fake.calls.append((name, request, dict(context.invocation_metadata())))
                    return fake.on[name](request, context)
                return call

        self._server = grpc.server(futures.ThreadPoolExecutor(16),
                                   options=[("grpc.max_receive_message_length", 16 << 20)])
        api.jobs_grpc.add_JobServiceServicer_to_server(Service(), self._server)
        self.health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)
        self.set_serving(True)
        assert self._server.add_insecure_port(f"127.0.0.1:{port}") == port
        self._server.start()

    def set_serving(self, serving):
        status = health_pb2.HealthCheckResponse
        self.health.set("", status.SERVING if serving else status.NOT_SERVING)

    def stop(self):
        self._server.stop(0).wait()


def fail(context, code, reason, message="it failed", metadata=()):
    """Ends a call as the real frontend does: google.rpc.Status with an ErrorInfo."""
    if metadata:
        context.send_initial_metadata(metadata)
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="buzzer.dev"))
    status = status_pb2.Status(code=code.value[0], message=message, details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)

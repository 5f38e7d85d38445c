# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The work of a Celery user."""

import os

from celery import Celery

app = Celery("noop", broker=os.environ["BROKER_URL"], backend=os.environ["BACKEND_URL"])
app.conf.update(
    task_acks_late=True, worker_prefetch_multiplier=16, task_default_queue="bench-celery",
    broker_transport_options={"confirm_publish": True})


@app.task
def noop(payload):
    return payload

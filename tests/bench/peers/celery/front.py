# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The front of a Celery user: answers 202, and tells how a job stands."""

import os

import redis
from celery.result import AsyncResult
from flask import Flask, jsonify, request

from tasks import app as celery
from tasks import noop

front = Flask(__name__)
results = redis.Redis.from_url(os.environ["BACKEND_URL"])


@front.post("/v1/jobs")
def submit():
    job = noop.delay(request.get_json()["payload"])
    return jsonify(id=job.id), 202, {"Location": f"/v1/jobs/{job.id}"}


@front.get("/v1/jobs/<job>")
def get(job):
    result = AsyncResult(job, app=celery)
    return jsonify(id=job, state=result.state, result=result.result if result.ready() else None)


@front.get("/done")
def done():
    # One key a result, and nothing else is in this database.
    return jsonify(done=results.dbsize())

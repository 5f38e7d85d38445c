# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""P7: what a million waiting jobs change."""

import pathlib
import statistics
import tempfile
import time

import harness
from measure import Meter, Result, cpu_seconds, resident_mib

JOBS = 1_000_000
PROBE_JOBS = 20_000
PAGE = 100
PAGES = 1000
LABEL = "all=yes"
# Each single filter, and a label that all have with a state that three have.
FILTERS = {"no filter": "", "state": "state = QUEUED", "type": "type = demo.echo",
           "queue": "queue = demo.echo", "label": 'labels.all = "yes"',
           "label and rare state": 'labels.all = "yes" AND state = CANCELLED'}


def backlog(broker, options, load):
    """P7: submit cost beside an empty store, memory, pages, statistics, restart."""
    result = Result()
    jobs = int(JOBS * options.scale)
    with tempfile.TemporaryDirectory() as directory, \
            harness.Set(broker, follow_logs=False) as system, system.channel() as channel:
        api = harness.compile_api(pathlib.Path(directory))
        stub = api.jobs_grpc.JobServiceStub(channel)
        system.wait_for_types("demo.echo")
        paused = system.rest("POST", "/v1/queues/demo.echo:pause", json={})
        assert paused.status_code == 200, paused.text
        _submit(load, system, PROBE_JOBS)  # To warm up.
        for _ in range(options.rounds):
            _submit(load, system, PROBE_JOBS, result, "few waiting")
        figures = load(system, jobs, "--batch=500", "--in_flight=4", f"--label={LABEL}")
        result.add("filling", "jobs/s", figures["jobs_per_second"])
        for _ in range(options.rounds):
            _submit(load, system, PROBE_JOBS, result, "million waiting")
        for cost in ("submit", "state CPU"):
            result.ratio(f"{cost}, million waiting", f"{cost}, few waiting", "<= 1.2")
        result.add("state RSS", "MiB", resident_mib(system.state.pid))
        for job in _page(api, stub, "")[0].jobs[:3]:
            stub.CancelJob(api.jobs.CancelJobRequest(name=job.name), timeout=30)
        for name, text in FILTERS.items():
            _pages(result, api, stub, name, text, max(2, int(PAGES * options.scale)))
        _statistics(result, system, options.rounds)
        system.state.kill()
        with Meter() as meter:
            system.state.start(wait=False)
            harness.eventually(lambda: system.rest("POST", "/v1/jobs", json={
                "type": "demo.echo"}).status_code == 202, 60, "accepting")
        result.add("restart: started -> accepts", "s", meter.seconds)
    return result


def _submit(load, system, jobs, result=None, name=None):
    used = cpu_seconds(system.state.pid)
    with Meter() as meter:
        load(system, jobs, "--in_flight=64", f"--label={LABEL}")
    if result:
        result.add(f"submit, {name}", "ms per 1000 jobs", meter.seconds * 1e6 / jobs)
        result.add(f"state CPU, {name}", "ms per 1000 jobs",
                   (cpu_seconds(system.state.pid) - used) * 1e6 / jobs)


def _page(api, stub, text, token=""):
    began = time.perf_counter()
    page = stub.ListJobs(api.jobs.ListJobsRequest(filter=text, page_size=PAGE, page_token=token),
                         timeout=60)
    return page, (time.perf_counter() - began) * 1000


def _pages(result, api, stub, name, text, pages):
    """The first and the last of so many pages, each several times."""
    firsts = [_page(api, stub, text) for _ in range(7)]
    result.add(f"first page, {name}", "ms", statistics.median(took for _, took in firsts))
    token = firsts[0][0].next_page_token
    if not token:  # There are three of them.
        assert len(firsts[0][0].jobs) == 3, firsts[0][0]
        return
    last = ""
    for _ in range(pages - 1):
        last, token = token, _page(api, stub, text, token)[0].next_page_token
    lasts = [_page(api, stub, text, last)[1] for _ in range(7)]
    result.add(f"page {pages}, {name}", "ms", statistics.median(lasts))
    result.ratio(f"page {pages}, {name}", f"first page, {name}", "<= 1.5")


def _statistics(result, system, rounds):
    for _ in range(rounds * 3):
        began = time.perf_counter()
        answer = system.rest("GET", "/v1/queues/demo.echo")
        assert answer.status_code == 200
        result.add("queue statistics over REST", "ms", (time.perf_counter() - began) * 1000)

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers, flags and paths that the documents promise are those of the code."""

import re

import pytest
from tree import constants, documents, files, flags, text

README = text("README.md")
PUBLIC_PROTOS = [path for path in files()
                 if path.startswith("protos/buzzer/v1/") and path.endswith(".proto")]


def table_below(heading):
    """The rows of the first table below a heading of README: cells, without the head."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows
            if not row.startswith(("| ---", "| what", "| binary", "| call"))]


def limits():
    values = {}
    for path in ("common/limits/limits.h", "services/frontend/limits.h",
                 "services/state/boundary/limits.h", "services/state/job/packed_history.h"):
        values.update(constants(path))
    return values


def spaced(number):
    return f"{number:,}".replace(",", " ")


def in_days(seconds):
    return f"{seconds / 86400:g} days"


def promised():
    """By README's row: what it must say."""
    k = limits()
    state = flags("services/state/main.cc")
    streams = re.search(r"max_concurrent_streams: (\d+)", text("services/gateway/envoy.yaml"))[1]
    return {
        "payload": [f"{k['kMaxPayloadBytes'] >> 20} MiB",
                    f"nested {k['kMaxJsonDepth']} deep"],
        "result": [f"{k['kMaxResultBytes'] >> 20} MiB"],
        "progress": [f"message {k['kMaxProgressMessageBytes'] >> 10} KiB",
                     f"data {k['kMaxProgressDataBytes'] >> 10} KiB"],
        "labels": [f"{k['kMaxLabels']}, keys and values {k['kMaxLabelCharacters']} characters"],
        "idempotency key": [f"{k['kMaxIdempotencyKeyBytes']} printable ASCII characters"],
        "attempts": [f"{k['kDefaultMaxAttempts']} unless set, 1 to {k['kMaxMaxAttempts']}",
                     f"lease {k['kDefaultLease']} s unless set, {k['kMinLease']} s to "
                     f"{k['kMaxLease'] // 3600} h"],
        "kept after the end": [f"{k['kDefaultRetention'] // 3600} h unless set",
                               f"up to {in_days(k['kMaxRetention'])}"],
        "job types' queues": [f"{k['kMaxQueues']}; types in them {spaced(k['kMaxTypes'])}, "
                              f"of one worker {k['kMaxTypesOfAWorker']}"],
        "waiting jobs": [f"{spaced(int(state['max_waiting']))} in all"],
        "history of one job": [f"newest {k['kMaxHistory']} changes"],
        "`wait` of a call": [f"{k['kMaxWait']} s"],
        "delay, deadline": [f"up to {in_days(k['kMaxDelay'])}",
                            f"up to {in_days(k['kMaxDeadline'])}",
                            f"deadline at least {k['kMinDeadline']} s",
                            f"`attempt_timeout` {k['kMinAttemptTimeout']} s to "
                            f"{in_days(k['kMaxAttemptTimeout'])}"],
        "a page of a list": [f"{k['kDefaultPageSize']} jobs unless set, up to "
                             f"{k['kMaxPageSize']}", f"filter has {k['kMaxFilterBytes']} bytes"],
        "a batch of submits": [f"{k['kMaxBatchRequests']} jobs, "
                               f"{k['kMaxBatchRequestBytes'] >> 20} MiB"],
        "one HTTP/2 connection to the gateway": [f"{streams} calls and watches"],
        "one frontend": [f"{spaced(k['kMaxPendingSubmits'])} submits that wait for state",
                         f"{spaced(k['kMaxWatches'])} watches"],
    }


@pytest.mark.parametrize("row", promised())
def test_readme_tells_the_limits_of_the_code(row):
    rows = dict(table_below("Limits"))
    for words in promised()[row]:
        assert words in rows[row]


def test_no_row_of_the_limits_goes_unchecked():
    # The gateway's own limit: tests/integration/gateway_test.py holds it against Envoy.
    assert {row[0] for row in table_below("Limits")} - {"a request's body at the gateway"} == set(
        promised())


def of_field(message, field):
    """The comment above a field of a message, in one line."""
    file = "\n".join(text(path) for path in PUBLIC_PROTOS)
    body = re.search(rf"\nmessage {message} {{\n(.*?)\n}}", file, re.S)[1]
    comment = re.search(rf"((?:  +//[^\n]*\n)+)  +[\w<>., ]+ {field} = \d", body)[1]
    return " ".join(re.sub(r"\s*//", "", comment).split())


def said_of_fields():
    k = limits()
    wait = f"0 to {k['kMaxWait']} s"
    return {
        ("Job", "labels"): f"at most {k['kMaxLabels']}, keys 1 to {k['kMaxLabelCharacters']} "
                           "characters",
        ("Job", "max_attempts"): f"else {k['kDefaultMaxAttempts']}. Attempts",
        ("RetryPolicy", "initial_delay"): f"{k['kMinRetryDelay'] * 1000:g} ms to "
                                          f"{k['kMaxInitialRetryDelay'] // 3600} h. Unset: "
                                          f"{k['kDefaultInitialRetryDelay']} s",
        ("RetryPolicy", "factor"): f"1 to {k['kMaxRetryFactor']}. Unset: "
                                   f"{k['kDefaultRetryFactor']}.",
        ("RetryPolicy", "max_delay"): f"to {in_days(k['kMaxRetryDelay'])}. Unset: "
                                      f"{k['kDefaultMaxRetryDelay'] // 60} min",
        ("RetryPolicy", "jitter"): "0 to 1: how much of the delay is drawn at random, so that jobs "
                                   "that failed together do not come back together. Unset: "
                                   f"{k['kDefaultRetryJitter']}",
        ("RetryPolicy", "final_reasons"): f"at most {k['kMaxFinalReasons']}, each 1 to "
                                          f"{k['kMaxReasonCharacters']} characters",
        ("JobError", "retry_after"): f"0 to {k['kMaxRetryAfter'] // 3600} h",
        ("Job", "history"): f"at most the newest {k['kMaxHistory']}",
        ("Progress", "message"): f"at most {k['kMaxProgressMessageBytes']} bytes",
        ("Progress", "data"): f"at most {k['kMaxProgressDataBytes'] >> 10} KiB",
        ("JobError", "message"): f"at most {k['kMaxErrorMessageBytes']} bytes",
        ("JobError", "detail"): f"at most {k['kMaxErrorDetailBytes'] >> 10} KiB",
        ("SubmitJobRequest", "payload"): f"nested at most {k['kMaxJsonDepth']} deep, at most "
                                         f"{k['kMaxPayloadBytes'] >> 20} MiB",
        ("SubmitJobRequest", "payload_bytes"): f"at most {k['kMaxPayloadBytes'] >> 20} MiB",
        ("SubmitJobRequest", "payload_content_type"): f"most {k['kMaxContentTypeBytes']} "
                                                      "characters",
        ("SubmitJobRequest", "idempotency_key"): f"1 to {k['kMaxIdempotencyKeyBytes']} printable",
        ("SubmitJobRequest", "run_at"): f"at most {in_days(k['kMaxDelay'])}",
        ("SubmitJobRequest", "delay"): f"0 to {in_days(k['kMaxDelay'])}",
        ("SubmitJobRequest", "deadline"): f"{k['kMinDeadline']} s to {in_days(k['kMaxDeadline'])}",
        ("SubmitJobRequest", "attempt_timeout"): f"{k['kMinAttemptTimeout']} s to "
                                                 f"{in_days(k['kMaxAttemptTimeout'])}",
        ("SubmitJobRequest", "max_attempts"): f"1 to {k['kMaxMaxAttempts']}. Unset (0): what the "
                                              f"handler of the type has, else "
                                              f"{k['kDefaultMaxAttempts']}",
        ("SubmitJobRequest", "lease"): f"{k['kMinLease']} s to {k['kMaxLease'] // 3600} h. "
                                       f"Unset: {k['kDefaultLease']} s",
        ("SubmitJobRequest", "retention"): f"{k['kMinRetention']} s to "
                                           f"{in_days(k['kMaxRetention'])}. Unset: "
                                           f"{k['kDefaultRetention'] // 3600} h",
        ("BatchSubmitJobsRequest", "requests"): f"1 to {k['kMaxBatchRequests']} jobs, "
                                                f"{k['kMaxBatchRequestBytes'] >> 20} MiB",
        ("GetJobRequest", "wait"): wait,
        ("ListJobsRequest", "filter"): f"At most {k['kMaxFilterBytes']} bytes",
        ("ListJobsRequest", "page_size"): f"1 to {k['kMaxPageSize']}. Unset (0): "
                                          f"{k['kDefaultPageSize']}",
        ("WaitJobRequest", "timeout"): f"{wait}. Unset: {k['kDefaultWaitJobTimeout']} s",
    }


@pytest.mark.parametrize("message, field", said_of_fields())
def test_the_protos_tell_the_limits_of_the_code(message, field):
    assert said_of_fields()[message, field].lower() in of_field(message, field).lower()


def names_in(words):
    """What is written in UPPER_SNAKE_CASE."""
    return set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", words))


def test_the_protos_tell_the_reasons_that_buzzer_gives():
    told = of_field("JobError", "reason").split("From Buzzer:")[1]
    known = re.search(r"kKnown\[\] = \{(.*?)\}", text("services/state/telemetry/job_counters.cc"), re.S)[1]
    # The counters of failures leave out who stopped as he was asked.
    assert names_in(told) == set(re.findall(r'"(\w+)"', known)) | {"CANCELLED"}


def test_the_protos_tell_the_causes_that_the_life_of_a_job_has():
    told = names_in(of_field("JobEvent", "cause"))
    causes = set(re.findall(r'"(\w+)"', text("services/state/job/cause.cc").split("kNames", 1)[1]))
    assert len(causes) >= 10
    assert causes <= told


PROGRAMS = {
    "buzzer-state": "services/state/main.cc",
    "buzzer-frontend": "services/frontend/main.cc",
    "buzzer-worker": "services/worker/main.cc",
    "buzzer-health": "services/health/main.cc",
}


def flags_in_readme(program):
    """Those of its row with the default that stands behind, if one does."""
    row = dict(row for row in table_below("Running it") if len(row) == 2)[f"`{program}`"]
    return re.findall(r"`--(\w+)(?: [A-Z:]+)?`(?: \(([^)]*)\))?", row)


@pytest.mark.parametrize("program", PROGRAMS)
def test_readme_tells_flags_that_the_program_has_with_their_defaults(program):
    has = flags(PROGRAMS[program])
    told = flags_in_readme(program)
    assert told
    for name, default in told:
        assert name in has, f"{program} has no --{name}"
        if re.fullmatch(r"[\w.:]+", default) and default != "required":
            written = re.sub(r"absl::Seconds\((\d+)\)", r"\1s", has[name])
            assert written == default, f"--{name} of {program}"


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_flag_stands_in_a_document(program):
    everything = "\n".join(text(path) for path in documents())
    missing = [name for name in flags(PROGRAMS[program])
               if not re.search(rf"--{name}\b", everything)]
    assert not missing


def routes():
    """Method and path of every route of the public API, as README writes them."""
    found = set()
    for path in PUBLIC_PROTOS:
        for method, route in re.findall(r'\b(get|post|delete|put|patch): "/v1/([^"]+)"',
                                        text(path)):
            for variable, shown in {"{name=jobs/*}": "jobs/ID", "{name=queues/*}": "queues/Q",
                                    "{name=types/*}": "types/T"}.items():
                route = route.replace(variable, shown)
            found.add(f"{method.upper()} /v1/{route}")
    return found


def routes_in_readme():
    found = set()
    for call, *_ in table_below("Using it"):
        whole = None
        for name in re.findall(r"`([^`]+)`", call):
            if name.startswith(":"):  # Beside the one before it.
                name = whole.rsplit(":", 1)[0] + name
            whole = name
            found.add(name)
    return found


def test_readme_tells_every_route_and_no_other():
    assert routes_in_readme() == routes()


def test_the_table_of_retries_tells_the_limits_of_the_code():
    k = limits()
    rows = {row[0]: row[2:] for row in (
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in text("docs/retries.md").splitlines() if line.startswith("| "))}
    assert rows["initial delay"] == [
        f"{k['kMinRetryDelay'] * 1000:g} ms to {k['kMaxInitialRetryDelay'] // 3600} h",
        f"{k['kDefaultInitialRetryDelay']} s"]
    assert rows["factor"] == [f"1 to {k['kMaxRetryFactor']}", f"{k['kDefaultRetryFactor']}"]
    assert rows["longest delay"] == [f"from the initial delay to {in_days(k['kMaxRetryDelay'])}",
                                     f"{k['kDefaultMaxRetryDelay'] // 60} min"]
    assert rows["jitter"] == ["0 to 1", f"{k['kDefaultRetryJitter']}"]
    assert rows["attempts"] == [f"1 to {k['kMaxMaxAttempts']}", f"{k['kDefaultMaxAttempts']}"]
    assert rows["final reasons"] == [
        f"{k['kMaxFinalReasons']}, of {k['kMaxReasonCharacters']} characters", "none"]

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the integration tests: one broker and one set of parts for the session,
and fresh ones for the tests that stop, kill or fill them."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import harness  # noqa: E402


@pytest.fixture(scope="session")
def broker():
    node = harness.Broker(os.environ.get("BUZZER_TEST_BROKER"))
    yield node
    node.close()


@pytest.fixture(scope="session")
def buzzer(broker):
    """The shared set: for tests that leave it as they found it."""
    with harness.Set(broker, sync_twin=True) as running:
        yield running


@pytest.fixture
def fresh_buzzer(broker):
    """A set of the test's own, on the shared broker: any part of it may be killed."""
    with harness.Set(broker) as running:
        yield running


@pytest.fixture
def own_broker():
    """A node of the test's own, to be stopped or killed."""
    node = harness.Broker()
    yield node
    node.close()


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """The Python modules of buzzer.v1, as an object with an attribute for each."""
    return harness.compile_api(tmp_path_factory.mktemp("api"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Adds the end of every part's log to the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for value in getattr(item, "funcargs", {}).values():
        if isinstance(value, harness.Set):
            for part in value.parts():
                report.sections.append((f"log of {part.name}", part.tail()))

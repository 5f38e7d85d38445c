# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The layering check finds each rule broken on purpose, and nothing else."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check  # noqa: E402


def faults_of_tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return check.check(root)


BROKEN = [
    ("common/log/log.cc", '#include "services/state/config.h"'),
    ("services/frontend/server.cc", '#include "services/state/store/job_store.h"'),
    ("services/frontend/server.cc", '#include "tests/support/fake.h"'),
    ("services/frontend/server.cc", '#include "services/frontend/main.cc"'),
    ("services/worker/consumer.cc", "#include <amqp.h>"),
    ("services/worker/consumer.cc", "#include <amqp_tcp_socket.h>"),
    ("services/worker/consumer.cc", "#include <rabbitmq-c/amqp.h>"),
    ("services/state/dispatch/dispatcher.cc", "#include <sqlite3.h>"),
    ("services/state/store/sqlite/file/database.h", "#include <sqlite3.h>"),
    ("services/state/server.cc", "#include <libpq-fe.h>"),
    ("services/state/dispatch/dispatcher.cc", 'Run("SELECT id FROM jobs");'),
    ("services/state/job/state_machine.cc", '#include "services/state/store/job_store.h"'),
    ("services/state/dispatch/dispatcher.cc", '#include "services/state/watch/job_watch.h"'),
    ("services/state/queues/queue_views.cc", '#include "services/state/store/sqlite/backup.h"'),
    ("services/state/watch/job_watch.h", '#include "services/state/server.h"'),
    ("services/state/attic/old.cc", '#include "services/state/store/job_store.h"'),
    ("services/worker/runner.cc", 'Run("UPDATE jobs SET state = 1");'),
]


@pytest.mark.parametrize("path, line", BROKEN)
def test_finds_the_broken_rule(tmp_path, path, line):
    faults = faults_of_tree(tmp_path, {path: f"// One.\n{line}\n"})
    assert len(faults) == 1
    assert faults[0].startswith(f"{path}:2: ")


ALLOWED = [
    ("common/amqp/connection.cc", "#include <amqp.h>"),
    ("tests/bench/broker/main.cc", "#include <amqp.h>"),
    ("services/state/store/sqlite/file/database.cc", "#include <sqlite3.h>"),
    ("services/state/store/sqlite/rows/job_reader.cc", 'Run("SELECT id FROM jobs");'),
    ("services/state/server.cc", '#include "services/state/store/sqlite/sqlite_job_database.h"'),
    ("services/state/dispatch/dispatcher.cc", '#include "services/state/store/job_store.h"'),
    ("services/state/server.cc", '#include "common/amqp/publisher.h"'),
    ("services/state/server.cc", '#include "buzzer/internal/v1/state_service.grpc.pb.h"'),
    ("services/state/main.cc", '#include "services/state/server.h"'),
    ("tests/unit/state/state_machine_test.cc", '#include "services/state/job/state_machine.h"'),
    ("services/state/config.cc", 'Fault("select one from the list");'),
]


@pytest.mark.parametrize("path, line", ALLOWED)
def test_allows_what_the_design_allows(tmp_path, path, line):
    assert faults_of_tree(tmp_path, {path: line + "\n"}) == []


def test_this_tree_keeps_the_rules():
    assert check.check(pathlib.Path(__file__).resolve().parents[2]) == []

#!/usr/bin/env python3
# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Checks who may include whom: protos <- common <- a service's core <- its main; and within a
service its rooms.

    tests/layering/check.py [TREE]

Prints each violation as FILE:LINE: what is wrong, and exits 1 if there is any.
"""

import pathlib
import re
import sys

SOURCES = {".h", ".cc"}
INCLUDE = re.compile(r'\s*#\s*include\s+[<"]([^>"]+)[>"]')
# The bare broker is what the benchmarks hold Buzzer against.
AMQP_HOUSES = ("common/amqp/", "tests/bench/broker/")
AMQP = re.compile(r"(rabbitmq-c/.+|amqp(_\w+)?\.h)")
# Text in C++ strings that only a store may have.
SQL = re.compile(r'"[^"]*\b(SELECT\s.+\sFROM|INSERT\s+(OR\s+\w+\s+)?INTO|DELETE\s+FROM|'
                 r'UPDATE\s+\w+\s+SET|CREATE\s+(TABLE|INDEX)|PRAGMA)\b')
# The rooms of a service, and which others each may include. What lies beside the rooms puts them
# together, and may include all.
ROOMS = {
    "services/state": {
        "boundary": set(),
        "job": {"boundary"},
        "store": {"boundary", "job"},
        "store/sqlite/file": {"boundary", "job", "store"},
        "store/sqlite/rows": {"boundary", "job", "store", "store/sqlite/file"},
        "store/sqlite/migrations": {"boundary", "job", "store", "store/sqlite/file",
                                    "store/sqlite/rows"},
        "store/sqlite": {"boundary", "job", "store", "store/sqlite/file", "store/sqlite/rows",
                         "store/sqlite/migrations"},
        "steps": {"boundary", "job", "store"},
        "leases": {"boundary", "job", "store"},
        "queues": {"boundary", "job", "store"},
        "dispatch/broker": set(),
        "dispatch/lanes": {"boundary", "job", "store", "queues"},
        "dispatch": {"boundary", "job", "store", "queues", "dispatch/broker", "dispatch/lanes"},
        "watch": {"boundary", "job", "store", "queues"},
        "telemetry": {"boundary", "job", "store", "queues", "leases", "dispatch", "watch"},
        # Backups are the store's own matter, whichever it is.
        "rpc": {"boundary", "job", "store", "store/sqlite", "queues", "leases", "dispatch",
                "watch"},
    },
}
STORE = re.compile(r"services/state/store/(sqlite|postgres)/.+\.cc")


def owner(path):
    """The layer of a file or an include: protos, common, services/NAME, tests, or None."""
    parts = path.split("/")
    if parts[0] == "services" and len(parts) > 2:
        return "/".join(parts[:2])
    if parts[0] in ("common", "tests"):
        return parts[0]
    if ".pb." in path or ".grpc.pb." in path:
        return "protos"
    return None


def room(path, service):
    """The room of a service's file, "" if it lies beside the rooms, None if elsewhere."""
    if not path.startswith(f"{service}/"):
        return None
    return "/".join(path.split("/")[2:-1])


def fault_of_room(path, included):
    """What is wrong with this file's room including that one, or None."""
    for service, rooms in ROOMS.items():
        here, there = room(path, service), room(included, service)
        if not here or there is None or here == there:
            continue
        if here not in rooms:
            return f"{service}/{here} is no room that tests/layering/check.py knows"
        if there not in rooms[here]:
            return (f"the room {here} must not include {there or 'what puts the rooms together'}: "
                    f"{included}")
    return None


def fault_of_include(path, included):
    """What is wrong with this file's including that one, or None."""
    here, there = owner(path), owner(included)
    if here == "common" and there and there.startswith("services/"):
        return f"common must not include a service: {included}"
    if here and here.startswith("services/") and there and there.startswith("services/"):
        if here != there:
            return f"{here} must not include another service: {included}"
    if here and here != "tests" and there == "tests":
        return f"only tests include tests: {included}"
    if included.endswith(".cc"):
        return f"no source file is included: {included}"
    if AMQP.fullmatch(included) and not path.startswith(AMQP_HOUSES):
        return f"only common/amqp includes {included}"
    if included in ("sqlite3.h", "libpq-fe.h") and not STORE.fullmatch(path):
        return f"only a store's .cc includes {included}"
    return fault_of_room(path, included)


def faults_of(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            if fault := fault_of_include(path, match[1]):
                yield f"{path}:{number}: {fault}"
        elif path.startswith(("common/", "services/")) and SQL.search(line):
            if not STORE.fullmatch(path):
                yield f"{path}:{number}: SQL outside a store's .cc"


def check(tree):
    faults = []
    for top in ("common", "services", "tests"):
        for file in sorted((tree / top).rglob("*")):
            if file.suffix in SOURCES:
                path = file.relative_to(tree).as_posix()
                faults += faults_of(path, file.read_text(encoding="utf-8"))
    return faults


def main():
    default = pathlib.Path(__file__).resolve().parents[2]
    tree = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    faults = check(tree)
    print("\n".join(faults) or f"layering holds in {tree.name}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""tools/broker leaves nothing behind."""

import os
import subprocess

import harness

TOOL = harness.ROOT / "tools/broker"


def test_its_epmd_ends_though_it_began_late(tmp_path):
    """Whatever Erlang program finds no epmd starts one that nobody ends."""
    slow = tmp_path / "slow"
    slow.mkdir()
    real = subprocess.run(["sh", "-c", "command -v epmd"], capture_output=True, text=True,
                          check=True).stdout.strip()
    (slow / "epmd").write_text(f"#!/bin/sh\nsleep 3\nexec {real} \"$@\"\n")
    (slow / "epmd").chmod(0o755)
    directory = tmp_path / "broker"
    environment = {**os.environ, "PATH": f"{slow}:{os.environ['PATH']}"}
    for command in ("start", "stop"):
        subprocess.run([TOOL, command, directory], env=environment, check=True, timeout=200,
                       stdin=subprocess.DEVNULL, capture_output=True)
    port = (directory / "port.epmd").read_text().strip()
    harness.eventually(lambda: not harness.takes_connections(int(port)), 10, "epmd's end")

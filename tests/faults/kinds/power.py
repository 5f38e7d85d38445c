# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A power cut of state's machine: a kill, after which only what was fsynced is there.

Costly, since every fsync copies what it synced (preload/synced_copies.h), so it takes
part only where it is named."""

import subprocess

from kinds.disk import no_library
from kinds.kind import Kind, start_again
from system import HERE


def cut(system, _step):
    system.state.kill()
    subprocess.run([HERE / "preload/cut_power", system.directory / "state"], check=True,
                   timeout=30)


def start(system, _step):
    return start_again(system.state)


def environment(system):
    """What state must run with."""
    return {"BUZZER_DROP_UNSYNCED": "1",
            "BUZZER_DROP_DIRECTORY": str(system.directory / "state")}


KINDS = [Kind("power.state", cut, start, hold=(0, 1), touches=frozenset(["state", "worker"]),
              missing=no_library, only_if_named=True)]

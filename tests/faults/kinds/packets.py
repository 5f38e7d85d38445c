# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Links whose packets are dropped without a word, as by a firewall or a pulled cable: both
ways, or only those that come back. Needs a network of the run's own, which ./run makes
where it may, and nft."""

import os
import shutil
import subprocess

from kinds.kind import Kind
from kinds.network import KINDS as CUTS

MODES = ("both", "oneway")


def missing():
    if "BUZZER_FAULTS_OWN_NETWORK" not in os.environ:
        return "no network namespace of its own (root, unshare and nft)"
    return "" if shutil.which("nft") else "nft is not installed"


def _nft(script):
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True, timeout=10)


def _table(step):
    return "buzzer_" + step.part.replace("-", "_")


def drop(system, step):
    port = system.links[step.part].port
    rules = [f"tcp sport {port} drop"]
    if step.mode == "both":
        rules.append(f"tcp dport {port} drop")
    _nft("\n".join([f"table ip {_table(step)} {{", "chain cut {",
                    "type filter hook input priority 0;", *rules, "}", "}", ""]))


def let_pass(_system, step):
    _nft(f"delete table ip {_table(step)}\n")


KINDS = [Kind(cut.name.replace("cut.", "drop."), drop, let_pass, parts=cut.parts, modes=MODES,
              hold=cut.hold, touches=cut.touches, missing=missing) for cut in CUTS]

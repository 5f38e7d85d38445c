# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""A node of a cluster of three that is killed or stopped: the one that state publishes to, or
another. Needs a cluster in place of the one broker (tests/broker), and so a run of its own."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "broker"))
import cluster  # noqa: E402

from kinds.kind import Kind  # noqa: E402

NAME = "broker.node"


def end(system, step):
    nodes = system.broker.cluster.running()
    connected = system.broker.connected()
    node = connected if step.part == "connected" else next(
        node for node in nodes if node is not connected)
    node.kill() if step.mode == "kill" else node.stop()


def start(system, _step):
    whole = system.broker.cluster
    for node in whole.nodes:
        if not node.running():
            node.start()
    whole.wait_until_whole()


def broker(stack):
    """The cluster, as the system's broker; it ends with the stack."""
    return cluster.ClusterBroker(stack.enter_context(cluster.Cluster(3)))


KINDS = [Kind(NAME, end, start, parts=("connected", "other"), modes=("kill", "stop"), hold=(2, 8),
              touches=frozenset(["broker"]), missing=cluster.missing, only_if_named=True)]

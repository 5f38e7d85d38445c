# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""All kinds of faults, by name."""

from kinds import (broker, broker_node, clock, crash_points, disk, network, packets, power,
                   processes, signals, strangers, watchers)

ALL = [*processes.KINDS, *broker.KINDS, *broker_node.KINDS, *network.KINDS, *packets.KINDS,
       *clock.KINDS, *disk.KINDS, *power.KINDS, *watchers.KINDS, *strangers.KINDS, *signals.KINDS,
       *crash_points.KINDS]


def chosen(only):
    """The kinds whose names are, or begin with, one of these; all if there are none."""
    if not only:
        return [kind for kind in ALL if not kind.only_if_named]
    return [kind for kind in ALL if any(
        kind.name == one or kind.name.startswith(one + ".") for one in only)]

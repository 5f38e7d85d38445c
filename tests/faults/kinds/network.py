# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""Links between services that are cut: held, one-way, or reset (tcp_proxy.py)."""

from kinds.kind import Kind

MODES = ("hold", "oneway", "reset")


def cut(system, step):
    system.links[step.part].set_mode(step.mode)


def mend(system, step):
    system.links[step.part].set_mode("pass")


KINDS = [
    Kind("cut.worker-state", cut, mend, parts=("worker-state", "worker2-state"), modes=MODES,
         hold=(1, 9), touches=frozenset(["worker", "state"])),
    Kind("cut.worker-broker", cut, mend, parts=("worker-broker", "worker2-broker"), modes=MODES,
         hold=(1, 6), touches=frozenset(["worker", "broker"])),
    Kind("cut.frontend-state", cut, mend, parts=("frontend-state",), modes=MODES, hold=(1, 6),
         touches=frozenset(["frontend", "state"])),
    Kind("cut.state-broker", cut, mend, parts=("state-broker",), modes=MODES, hold=(1, 6),
         touches=frozenset(["state", "broker"])),
]

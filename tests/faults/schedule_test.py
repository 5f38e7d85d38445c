# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The schedule depends on the seed and nothing else, and tries all kinds as often."""

import collections
import itertools
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import schedule  # noqa: E402
from kinds.kind import Kind, nothing  # noqa: E402

KINDS = [Kind("a", nothing, hold=(1, 2), touches=frozenset("x")),
         Kind("b", nothing, parts=("p", "q"), touches=frozenset("y")),
         Kind("c", nothing, modes=("m", "n"), touches=frozenset("xy"), weight=2)]


def first(count, seed):
    return list(itertools.islice(schedule.steps(seed, KINDS), count))


def test_a_seed_has_one_schedule():
    assert first(200, 3) == first(200, 3)
    assert first(200, 3) != first(200, 4)


def test_every_deck_has_every_kind_as_often_as_it_weighs():
    counts = collections.Counter(step.kind for step in first(400, 1))
    assert counts == {"a": 100, "b": 100, "c": 200}


def test_only_faults_that_touch_nothing_in_common_overlap():
    touches = {kind.name: kind.touches for kind in KINDS}
    steps = first(1000, 1)
    overlaps = [(one, other) for one, other in zip(steps, steps[1:]) if one.overlaps]
    assert overlaps
    assert all(not touches[one.kind] & touches[other.kind] for one, other in overlaps)


def test_holds_are_within_their_bounds():
    assert all(1 <= step.hold <= 2 for step in first(300, 1) if step.kind == "a")

# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""The schedule of faults: the same seed and kinds give the same one, however fast the
machine is, since it is an order and not a timetable."""

import dataclasses
import random

# Of ten faults about this many overlap with the one after them.
OVERLAP_OF_TEN = 2


@dataclasses.dataclass(frozen=True)
class Step:
    number: int
    kind: str
    part: str  # Which process or link, where the kind leaves a choice.
    mode: str  # How, where the kind leaves a choice.
    hold: float  # Seconds from injecting to healing.
    gap: float  # Seconds of peace after healing.
    overlaps: bool  # The next step is injected before this one heals.


def steps(seed, kinds):
    """Without end. Each kind comes once (weight times) in every deck, so that all are
    tried about as often.

    A kind has a name, a weight, parts, modes, hold (shortest, longest), and touches: the
    names of what it breaks. Only faults that touch nothing in common overlap."""
    dice = random.Random(f"buzzer-faults-{seed}")
    number = 0
    while True:
        deck = [kind for kind in kinds for _ in range(kind.weight)]
        dice.shuffle(deck)
        for at, kind in enumerate(deck):
            following = deck[at + 1] if at + 1 < len(deck) else None
            number += 1
            # Every number is drawn for every step, so that a change of one kind moves no other.
            wants_overlap = dice.randrange(10) < OVERLAP_OF_TEN
            yield Step(number, kind.name, dice.choice(kind.parts), dice.choice(kind.modes),
                       round(dice.uniform(*kind.hold), 2), round(dice.uniform(0.5, 1.5), 2),
                       bool(wants_overlap and following and not kind.touches & following.touches))

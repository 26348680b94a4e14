"""Lengths of intervals in which counts mean something: multiples of the step in which times are recorded.

A trace whose times are in steps of 3 s has all requests of 3 s in one second and none in two others: counts
in seconds say how the clock was read, not how requests came. Steps of a clock can be uneven, by a millisecond
of 3 s: requests count in the middle of their step, so that none falls out of its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tracetide.base.grid import NS

FINE = 100
"""An interval of so many steps of the clock may begin anywhere."""
_FEW = 20


def is_honest(step_s: float, clock_s: float) -> bool:
    """Whether counts in intervals of this length are not those of the clock's steps."""
    step, clock = round(step_s * NS), max(1, round(clock_s * NS))
    return step % clock == 0 or step >= FINE * clock


def half_step(clock_s: float, finest_s: float) -> float:
    """How much later requests count than they are recorded, in seconds."""
    return 0.0 if is_honest(finest_s, clock_s) else clock_s / 2


def honest(step_s: float, clock_s: float, finest_s: float) -> float:
    """The length itself where it is honest, else the next multiple of the clock's step that can be summed.

    Args:
        step_s: the length that is wanted.
        clock_s: the step of recorded times; where it is uneven, about that.
        finest_s: what intervals are summed from.
    """
    if is_honest(step_s, clock_s):
        return step_s
    clock, finest = round(clock_s * NS), round(finest_s * NS)
    unit = math.lcm(clock, finest)
    if unit > _FEW * clock:
        unit = max(round(clock / finest), 1) * finest
    return -(-round(step_s * NS) // unit) * unit / NS


def honest_scales(scales: Sequence[float], clock_s: float, finest_s: float, longest_s: float) -> list[float]:
    """The lengths, each the honest one for it, once each, up to the longest."""
    found = sorted({honest(step, clock_s, finest_s) for step in scales})
    return [step for step in found if step <= longest_s]


def doubled_scales(first_s: float, clock_s: float, finest_s: float, longest_s: float) -> list[float]:
    """The honest length for the first one, doubled up to the longest."""
    step = honest(first_s, clock_s, finest_s)
    doublings = math.floor(math.log2(longest_s / step)) if longest_s >= step else -1
    return [step * 2**power for power in range(doublings + 1)]

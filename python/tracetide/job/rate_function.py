"""A rate that is a function of time, as points between which it is all but linear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TOLERANCE = 1e-3
"""Of the highest rate: how far a line between two points may be from the function."""
_LOOKS = 16_384
"""Times at which a function is looked at before it is clear where it bends."""
_SHORTEST_S = 1e-6
"""A change within less is a step."""
_MOST_LOOKS = 262_144
_GOLDEN = 0.6180339887498949


def points_of_function(rate: Callable[[float], Any], edges_s: Floats) -> list[tuple[float, float]]:
    """(seconds, requests/s) points of which the line is within a thousandth of the highest rate.

    Args:
        rate: takes seconds.
        edges_s: starts of windows and the end: these times, and at least 16,384 others, are looked at; where
            it bends, more, until it does not, or a step is known to a microsecond.

    Raises:
        ValueError: for a function that is no number somewhere, or moves in too many places.
    """
    times, values = _looked_at(_Counted(rate), edges_s)
    kept = _corners(times, values, _TOLERANCE * float(values.max(initial=0)))
    return list(zip(times[kept].tolist(), values[kept].tolist(), strict=True))


class _Counted:
    """The function, of which only so many values are asked for."""

    def __init__(self, rate: Callable[[float], Any]) -> None:
        self._rate = rate
        self._looks = 0

    def __call__(self, times: Floats) -> Floats:
        self._looks += times.size
        if self._looks > _MOST_LOOKS + 2 * _LOOKS:
            raise ValueError(
                "rate: a function that moves in so many places is not allowed; give it as a list of "
                "(time, rate) points"
            )
        try:
            return np.array([float(self._rate(time)) for time in times.tolist()])
        except (TypeError, OverflowError):
            raise ValueError(
                "rate: a function must return a number of requests/s for every time in seconds"
            ) from None


def _looked_at(rate: _Counted, edges: Floats) -> tuple[Floats, Floats]:
    # Not evenly, or a function of a period that divides the distance would look constant.
    number = np.arange(_LOOKS)
    between = edges[0] + (number + number * _GOLDEN % 1.0) * ((edges[-1] - edges[0]) / _LOOKS)
    times = np.unique(np.append(edges, between[between < edges[-1]]))
    values = rate(times)
    tolerance = _TOLERANCE * float(values.max(initial=0))
    bends = np.diff(times) > _SHORTEST_S
    while bends.any():
        left = np.flatnonzero(bends)
        line = (values[left] + values[left + 1]) / 2
        bends_here = np.abs(np.diff(values)[left]) > tolerance
        left, line = left[bends_here], line[bends_here]
        middle = (times[left] + times[left + 1]) / 2
        found = rate(middle)
        times = np.insert(times, left + 1, middle)
        values = np.insert(values, left + 1, found)
        is_bent = np.abs(found - line) > tolerance
        at = (left + np.arange(left.size))[is_bent]
        bends = np.zeros(times.size - 1, dtype=bool)
        bends[at] = bends[at + 1] = True
        bends &= np.diff(times) > _SHORTEST_S
    return times, values


def _corners(times: Floats, values: Floats, tolerance: float) -> list[int]:
    """Positions of so few points that no other is further than the tolerance from the line between them.

    Ramer (1972), Douglas & Peucker (1973).
    """
    kept, parts = [0, times.size - 1], [(0, times.size - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        slope = (values[last] - values[first]) / (times[last] - times[first])
        part = slice(first, last + 1)
        off = np.abs(values[part] - values[first] - slope * (times[part] - times[first]))
        worst = first + int(off.argmax())
        if off[worst - first] > tolerance:
            kept.append(worst)
            parts += [(first, worst), (worst, last)]
    return sorted(kept)

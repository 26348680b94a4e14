"""Rates that change within a window, of which a profile can only take the mean."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.durations import format_duration
from tracetide.base.errors import FlattenedRateWarning, outside
from tracetide.base.grid import NS, windows_at
from tracetide.profile.view import ProfileView

Floats = npt.NDArray[np.float64]
Curve = Callable[[Floats], Floats]

_MUCH = 0.1
"""Of the highest rate: a change within a window that is worth a warning."""
_PLACES = (np.arange(8) * 0.6180339887498949 + 1e-6) % 1.0
"""Parts of a window at which a function is looked at, in the golden section, so that no period hides."""


@dataclass(frozen=True)
class Swings:
    """How a rate moves within some windows, all float64.

    Attributes:
        begin, end: of the windows, seconds.
        low, high: the rate within each.
        flat: what is made of it.
    """

    begin: Floats
    end: Floats
    low: Floats
    high: Floats
    flat: Floats

    @property
    def moved(self) -> Floats:
        """How far the rate goes from what is made of it in each window."""
        found: Floats = np.maximum(self.high - self.flat, self.flat - self.low)
        return found

    @property
    def is_large(self) -> bool:
        """Whether it moves much in any of the windows."""
        highest = max(self.high.max(initial=0), self.flat.max(initial=0))
        return bool(self.moved.max(initial=0) > _MUCH * highest)

    def warn(self, what: str, how: str) -> None:
        """A FlattenedRateWarning of the window in which the rate moves most, if that is much.

        Args:
            what: whose rate it is.
            how: what would follow it.
        """
        if not self.is_large:
            return
        at = int(self.moved.argmax())
        warnings.warn(
            f"{what}: within the window of {format_duration(self.end[at] - self.begin[at])} from "
            f"{self.begin[at]:.9g} s on it goes from {self.low[at]:.4g} to {self.high[at]:.4g} requests/s, "
            f"which is made flat at {self.flat[at]:.4g}; nothing shorter than a window is followed: {how}",
            FlattenedRateWarning,
            stacklevel=outside(),
        )


def warn_of_points(pool: ProfileView, duration_s: float, points: list[tuple[float, float]]) -> None:
    """Look at a rate that is linear between points; exact."""
    times, rates = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))

    def curve(at: Floats) -> Floats:
        return np.interp(at, times, rates)

    # It moves most in a window with a point, or beside one.
    inside = times[(times >= 0) & (times < duration_s)]
    begin, end = windows_at(pool.profile.window_ns, pool.start, pool.end, duration_s, np.append(inside, 0.0))
    beside = np.concatenate([begin, begin - 0.5 / NS, end])
    beside = beside[(beside >= 0) & (beside < duration_s)]
    begin, end = windows_at(pool.profile.window_ns, pool.start, pool.end, duration_s, beside)
    begin, first = np.unique(begin, return_index=True)
    end = end[first]
    low, high = np.minimum(curve(begin), curve(end)), np.maximum(curve(begin), curve(end))
    of = np.searchsorted(begin, inside, side="right") - 1
    np.minimum.at(low, of, curve(inside))
    np.maximum.at(high, of, curve(inside))
    total = np.append(0.0, np.cumsum(np.diff(times) * (rates[1:] + rates[:-1]) / 2))

    def integral(at: Floats) -> Floats:
        last = np.clip(np.searchsorted(times, at, side="right") - 1, 0, times.size - 1)
        found: Floats = total[last] + (at - times[last]) * (rates[last] + curve(at)) / 2
        return found

    flat = (integral(end) - integral(begin)) / (end - begin)
    how = 'counts="pinned" and counts="renewal" do'
    Swings(begin, end, low, high, flat).warn('rate with counts="servegen"', how)


def swings_of_curve(curve: Curve, breaks: Floats, edges: Floats, means: Floats) -> Swings:
    """Look at a curve that takes an array of times, also on both sides of where it breaks."""
    begin, end = edges[:-1], edges[1:]
    low, high = means.copy(), means.copy()
    for place in (*_PLACES, 0.0):
        found = curve(begin + place * (end - begin))
        np.minimum(low, found, out=low)
        np.maximum(high, found, out=high)
    breaks = breaks[(breaks > edges[0]) & (breaks < edges[-1])]
    for times in (breaks, breaks - 0.5 / NS):
        of = np.searchsorted(edges, times, side="right") - 1
        np.minimum.at(low, of, curve(times))
        np.maximum.at(high, of, curve(times))
    return Swings(begin, end, low, high, means)

"""Quantile knots: how a PMF is fitted by few of them, and how far the law they give is from it.

A distribution of kind `quantiles` with n knots is the law of x, the linear interpolation of the knots at
u * (n - 1) with u uniform in [0, 1). Token and count fields are x rounded half up, and ratios x itself. Its
distribution function is known in closed form, so distances here are computed, not sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pmf:
    """A probability mass function: ascending unique values, and their probabilities, summing to 1."""

    values: Floats
    probabilities: Floats

    @property
    def cumulative(self) -> Floats:
        """P(X <= value) at every value; the last one is 1."""
        cumulative = np.cumsum(self.probabilities)
        return np.asarray(cumulative / cumulative[-1])

    @property
    def mean(self) -> float:
        """E[X]."""
        return float(self.values @ self.probabilities)


def mixture(parts: list[tuple[Floats, Floats, float]]) -> Pmf:
    """The mixture of PMFs given as (values, probabilities, weight)."""
    values = np.concatenate([np.asarray(v, dtype=np.float64) for v, _, _ in parts])
    masses = np.concatenate([p * (weight / p.sum()) for _, p, weight in parts])
    unique, position = np.unique(values, return_inverse=True)
    masses = np.bincount(position, masses, minlength=len(unique))
    return Pmf(unique, masses / masses.sum())


def below(knots: Floats, points: Floats, *, inclusive: bool) -> Floats:
    """P(x < point), or P(x <= point), of the interpolated x."""
    n = len(knots)
    above = np.searchsorted(knots, points, side="right" if inclusive else "left")
    right = np.clip(above, 1, n - 1)
    low, high = knots[right - 1], knots[right]
    width = np.where(high > low, high - low, 1.0)
    inside = np.where(high > low, (points - low) / width, 0.0)
    return np.asarray(np.where(above == 0, 0.0, np.where(above == n, 1.0, (right - 1 + inside) / (n - 1))))


class Target:
    """A PMF as the points at which a law of knots is compared with it.

    Between two values of the PMF its distribution function is constant and the law's rises, so the largest
    difference is found at a value, or just before one.
    """

    def __init__(self, pmf: Pmf, *, whole: bool) -> None:
        """`whole`: draws are rounded to whole numbers, as the PMF's values are."""
        self.pmf = pmf
        self.whole = whole
        cumulative = pmf.cumulative
        self._at = cumulative
        self._before = np.concatenate([[0.0], cumulative[:-1]])
        half = 0.5 if whole else 0.0
        self.points_at = pmf.values + half
        self.points_before = pmf.values - half

    def errors(self, knots: Floats) -> Floats:
        """Absolute differences of the distribution functions at `points_at`, then before `points_before`."""
        at = below(knots, self.points_at, inclusive=not self.whole)
        before = below(knots, self.points_before, inclusive=False)
        return np.asarray(np.abs(np.concatenate([at - self._at, before - self._before])))

    def quantile(self, levels: Floats) -> Floats:
        """The smallest values with P(X <= value) >= level."""
        position = np.searchsorted(self._at, levels - 1e-12)
        return np.asarray(self.pmf.values[np.clip(position, 0, len(self._at) - 1)])


def ks_distance(knots: Floats, pmf: Pmf, *, whole: bool) -> float:
    """The Kolmogorov-Smirnov distance of the knots' law from a PMF."""
    return float(Target(pmf, whole=whole).errors(knots).max())


def pmf_distance(first: Pmf, second: Pmf) -> float:
    """The Kolmogorov-Smirnov distance of two PMFs."""
    points = np.union1d(first.values, second.values)
    at = [
        np.concatenate([[0.0], pmf.cumulative])[np.searchsorted(pmf.values, points, side="right")]
        for pmf in (first, second)
    ]
    return float(np.abs(at[0] - at[1]).max())


def mean_of(knots: Floats) -> float:
    """E[x], which is also the mean after rounding if the knots are whole: their segments are symmetric."""
    return float((knots[0] + knots[-1]) / 2 + knots[1:-1].sum()) / (len(knots) - 1)


def fit(pmf: Pmf, n: int, *, whole: bool) -> Floats:
    """`n` ascending knots close to a PMF.

    They start as quantiles of it, are moved one by one between their neighbours where that brings the
    distribution functions nearer (an atom's edge between two levels costs half a step instead of a whole
    one), and the last one is set so that the mean is kept: the true maximum would spread the highest step's
    mass evenly up to it, which for a long tail is far too much.
    """
    target = Target(pmf, whole=whole)
    levels = np.arange(n) / (n - 1)
    step = 1 / (n - 1)
    knots = target.quantile(levels)
    starts = [target.quantile(levels + shift * step) for shift in (-0.5, -0.25, 0.25, 0.5)]
    for _ in range(4):
        before = knots.copy()
        for parity in (1, 2):
            _improve(knots, target, np.arange(parity, n - 1, 2), starts)
        if np.array_equal(before, knots):
            break
    _keep_mean(knots, target)
    return knots


def _improve(knots: Floats, target: Target, moving: npt.NDArray[np.int64], starts: list[Floats]) -> None:
    """Gives every second knot the best of some values, the knots between them standing still."""
    if len(moving) == 0:
        return
    low, high = knots[moving - 1], knots[moving + 1]
    # A moving knot decides the points from its left neighbour to its right one; others are not looked at.
    # What holds just before a value belongs to the bracket on its left.
    bracket = np.concatenate(
        [
            np.searchsorted(high, target.points_at, side="right"),
            np.searchsorted(high, target.points_before, side="left"),
        ]
    )
    inside = np.concatenate([target.points_at >= low[0], target.points_before > low[0]])
    inside &= bracket < len(moving)
    bracket = bracket[inside]

    def worst(trial: Floats) -> Floats:
        errors = np.zeros(len(moving))
        np.maximum.at(errors, bracket, target.errors(trial)[inside])
        return errors

    values = target.pmf.values
    position = np.searchsorted(values, knots[moving])
    candidates = [start[moving] for start in starts]
    candidates += [values[np.clip(position + shift, 0, len(values) - 1)] for shift in (-1, 1)]
    if target.whole:
        candidates += [knots[moving] - 1, knots[moving] + 1, np.floor((low + high) / 2)]
    best = worst(knots)
    chosen = knots[moving].copy()
    for candidate in candidates:
        trial = knots.copy()
        trial[moving] = np.clip(candidate, low, high)
        errors = worst(trial)
        better = errors < best
        best = np.where(better, errors, best)
        chosen = np.where(better, trial[moving], chosen)
    knots[moving] = chosen


def _keep_mean(knots: Floats, target: Target) -> None:
    """Moves the last knot to where the mean is kept, or as far as the distance stays within a step."""
    n = len(knots)
    end = knots[-1]
    wanted = np.clip(end + 2 * (n - 1) * (target.pmf.mean - mean_of(knots)), knots[-2], end)
    allowed = max(1 / (n - 1), target.errors(knots).max())
    for missed in (0.0, *(0.5**power for power in range(12, 0, -1))):
        last = wanted + missed * (end - wanted)
        knots[-1] = np.floor(last + 0.5) if target.whole else last
        if target.errors(knots).max() <= allowed:
            return
    knots[-1] = end

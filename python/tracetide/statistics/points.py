"""Distributions as values with weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """A distribution as values with weights.

    Attributes:
        values: float64, ascending, unique.
        weights: float64, above 0.
    """

    values: Floats
    weights: Floats

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return float(self.weights.sum())

    @property
    def mean(self) -> float:
        """Of the values; NaN for none."""
        return float(self.values @ self.weights / self.total) if self.values.size else float("nan")

    @property
    def cumulative(self) -> Floats:
        """The shares of at most each value."""
        running: Floats = np.cumsum(self.weights)
        return running / running[-1] if running.size else running

    def quantiles(self, levels: npt.ArrayLike) -> Floats:
        """The lowest value at which the share reaches each level; NaN for none."""
        levels = np.asarray(levels, dtype=np.float64)
        if not self.values.size:
            return np.full(levels.shape, np.nan)
        running = np.cumsum(self.weights)
        at = np.searchsorted(running, levels * running[-1] * (1 - 1e-15), side="left")
        found: Floats = self.values[np.minimum(at, self.values.size - 1)]
        return found

    def cut(self, low: float, high: float = np.inf) -> Points:
        """The part from `low` to `high`, both included."""
        inside = (self.values >= low) & (self.values <= high)
        return Points(self.values[inside], self.weights[inside])

    @staticmethod
    def of(values: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Points:
        """From values in any order; NaN and what has no weight are left out."""
        values = np.asarray(values, dtype=np.float64)
        given = np.ones(values.size) if weights is None else np.asarray(weights, dtype=np.float64)
        known = np.isfinite(values) & (given > 0)
        found, inverse = np.unique(values[known], return_inverse=True)
        return Points(found, np.bincount(inverse, given[known], found.size).astype(np.float64))


def weighted_mean(values: Floats, weights: Floats) -> float:
    """Of the values that are finite and have a weight; NaN for none."""
    known = np.isfinite(values) & (weights > 0)
    return float(np.average(values[known], weights=weights[known])) if known.any() else float("nan")

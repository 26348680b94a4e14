"""Distances of two distributions given as values with weights."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.statistics.points import Points


def ks_distance(one: Points, other: Points) -> float:
    """Kolmogorov-Smirnov: the largest difference of the shares of at most a value; NaN if one has none."""
    if not (one.values.size and other.values.size):
        return float("nan")
    at = np.concatenate([one.values, other.values])
    return float(np.abs(_share(one, at) - _share(other, at)).max())


def wasserstein_distance(one: Points, other: Points) -> float:
    """Wasserstein-1, the earth mover's: the mean by which values must move; NaN if one has none."""
    from scipy import stats  # type: ignore[import-untyped]

    if not (one.values.size and other.values.size):
        return float("nan")
    return float(stats.wasserstein_distance(one.values, other.values, one.weights, other.weights))


def _share(points: Points, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = np.append(0.0, points.cumulative)
    return shares[np.searchsorted(points.values, at, side="right")]

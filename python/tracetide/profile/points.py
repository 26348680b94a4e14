"""Distributions of a profile as values with probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_QUANTILE_POINTS = 256
_BIN_POINTS = 4096


def points_of(distribution: dict[str, Any], *, whole: bool) -> tuple[Floats, Floats]:
    """A distribution as values, rounded half up if `whole`, and probabilities."""
    values = np.asarray(distribution["values"], dtype=np.float64)
    if distribution["kind"] == "quantiles":
        levels = (np.arange(_QUANTILE_POINTS) + 0.5) / _QUANTILE_POINTS
        points = np.interp(levels, np.linspace(0, 1, values.size), values)
        points = np.clip(
            np.floor(points + 0.5) if whole else points, distribution["minimum"], distribution["maximum"]
        )
        return points, np.full(_QUANTILE_POINTS, 1 / _QUANTILE_POINTS)
    probabilities = np.asarray(distribution["probabilities"], dtype=np.float64)
    probabilities = probabilities / probabilities.sum()
    if distribution["kind"] == "bins":
        return _points_of_bins(values, distribution["maximum"], probabilities)
    return values, probabilities


def _points_of_bins(first: Floats, maximum: float, probabilities: Floats) -> tuple[Floats, Floats]:
    """Every number of a bin, or the middles of equal parts of it where there would be very many."""
    width = np.diff(first, append=maximum + 1)
    parts = np.minimum(width, _BIN_POINTS // first.size + 1).astype(np.int64)
    bin = np.repeat(np.arange(first.size), parts)
    part = np.arange(bin.size) - np.repeat(np.cumsum(parts) - parts, parts)
    low = np.floor(part * width[bin] / parts[bin])
    high = np.floor((part + 1) * width[bin] / parts[bin])
    return first[bin] + 0.5 * (low + high - 1), probabilities[bin] * (high - low) / width[bin]

"""Statistics of weighted values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.describe.description import Lengths

Floats = npt.NDArray[np.float64]


def quantiles(values: Floats, weights: Floats, levels: tuple[float, ...]) -> list[float]:
    """The lowest value at which the share of the weight reaches each level; NaN for none."""
    if values.size == 0 or not weights.sum() > 0:
        return [float("nan")] * len(levels)
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    at = np.searchsorted(running, np.asarray(levels) * running[-1], side="left")
    return [float(value) for value in values[order][np.minimum(at, values.size - 1)]]


def lengths_of(name: str, values: Floats, weights: Floats) -> Lengths:
    """Mean, quantiles and the highest value that has any weight."""
    present = weights > 0
    values, weights = values[present], weights[present]
    if values.size == 0:
        return Lengths(name, *[float("nan")] * 5)
    p50, p90, p99 = quantiles(values, weights, (0.5, 0.9, 0.99))
    return Lengths(name, float(np.average(values, weights=weights)), p50, p90, p99, float(values.max()))


def top_shares(counts: Floats) -> dict[str, float]:
    """The share of the 1, 5 and 10 highest counts, for those that there are."""
    ordered = np.sort(counts[counts > 0])[::-1]
    total = ordered.sum()
    return {str(n): float(ordered[:n].sum() / total) for n in (1, 5, 10) if n <= ordered.size}

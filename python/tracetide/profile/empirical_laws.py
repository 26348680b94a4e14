"""From counts to the distributions of a profile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.statistics.histogram import BIN_BITS, FULL_BITS, Counts, ends

Floats = npt.NDArray[np.float64]

MOST_VALUES = 4096
"""A PMF of more values is put into bins."""

RATIO_TICKS = 1 << 20
"""Ratios are counted as multiples of 1 / 2^20."""

MOST_RATIOS = 1024
"""A ratio of more different values is kept as a quantile function of so many steps."""


@dataclass(frozen=True)
class Law:
    """A distribution to add to a profile.

    Attributes:
        kind: as in `Profile.distribution`.
        values, probabilities, maximum: as there; no probabilities for quantiles.
    """

    kind: str
    values: npt.NDArray[Any]
    probabilities: Floats | None
    maximum: float

    def add_to(self, builder: _core.ProfileBuilder) -> int:
        """Add it; its number."""
        if self.kind == "quantiles":
            return builder.add_quantiles(self.values, float(self.values[0]), self.maximum)
        assert self.probabilities is not None
        if self.kind == "integer_pmf":
            return builder.add_integer_pmf(self.values, self.probabilities)
        if self.kind == "real_pmf":
            return builder.add_real_pmf(self.values, self.probabilities)
        return builder.add_bins(self.values, self.probabilities, self.maximum)


ALWAYS_ZERO = Law("integer_pmf", np.zeros(1, dtype=np.uint32), np.ones(1), 0.0)


def whole_numbers(counts: Counts) -> Law:
    """The PMF of the counts, in bins if they are, or would be more than `MOST_VALUES` values."""
    if counts.bits == FULL_BITS and counts.values.size <= MOST_VALUES:
        return Law("integer_pmf", counts.values, counts.counts / counts.total, float(counts.values[-1]))
    last = min(counts.last, 2**32 - 1)
    return _bins(counts.coarser(BIN_BITS), last)


def _bins(counts: Counts, last: int) -> Law:
    """Bins with those between them, in which nothing is, so that each has its own width."""
    after = np.minimum(ends(counts.values, counts.bits), last) + 1
    is_gap = after[:-1] != counts.values[1:]
    values = np.concatenate([counts.values.astype(np.int64), after[:-1][is_gap]])
    share = np.concatenate([counts.counts / counts.total, np.zeros(int(is_gap.sum()))])
    order = np.argsort(values)
    return Law("bins", values[order].astype(np.uint32), share[order], float(last))


def ratios(counts: Counts) -> Law:
    """The distribution of ratios that are counted in ticks."""
    values = counts.values / RATIO_TICKS
    if values.size <= MOST_RATIOS:
        return Law("real_pmf", values, counts.counts / counts.total, float(values[-1]))
    cumulative = np.cumsum(counts.counts)
    wanted = np.arange(MOST_RATIOS + 1) / MOST_RATIOS * (cumulative[-1] - 1)
    quantiles = values[np.searchsorted(cumulative, wanted, side="right")]
    return Law("quantiles", quantiles, None, float(quantiles[-1]))

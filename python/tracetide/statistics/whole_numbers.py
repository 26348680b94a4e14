"""Exact counts of whole numbers, such as lengths in tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.statistics.histogram import FULL_BITS, Counts, Histograms, ends
from tracetide.statistics.points import Points

Ints = npt.NDArray[np.int64]

_DENSE = 1 << 17
_BUDGET = 1 << 20


class WholeNumbers:
    """Counts of numbers from 0 to 2^32 - 1.

    Numbers below 131,072 are counted one by one, in 1 MiB. Larger ones are exact as long as there are at most
    2^20 different ones (16 MiB), and else in bins of a relative width of 1/1024.
    """

    def __init__(self) -> None:
        self._dense: Ints = np.zeros(_DENSE, dtype=np.int64)
        self._large = Histograms(_BUDGET)
        self._sum = 0.0

    def add(self, values: npt.NDArray[np.generic]) -> None:
        """Count whole numbers of any integer type."""
        if not values.size:
            return
        numbers = values.astype(np.int64, copy=False)
        self._sum += float(numbers.sum())
        is_large = numbers >= _DENSE
        if is_large.any():
            large = numbers[is_large].astype(np.uint32)
            self._large.add(np.zeros(large.size, dtype=np.uint32), large)
            numbers = numbers[~is_large]
        found = np.bincount(numbers)
        self._dense[: found.size] += found

    def counts(self) -> Counts | None:
        """The counts, or None for none; to be asked once, after all."""
        small = np.flatnonzero(self._dense)
        found = Counts(small.astype(np.uint32), self._dense[small], FULL_BITS)
        for _, large in self._large.take(np.ones(1, dtype=bool)):
            values = np.concatenate([found.values, large.values])
            both = np.concatenate([found.counts, large.counts])
            found = Counts(values, both, FULL_BITS).coarser(large.bits)
        return found if found.values.size else None

    @property
    def sum(self) -> float:
        """Of all numbers."""
        return self._sum


def points_of_counts(counts: Counts | None) -> Points:
    """The middles of the bins, which single numbers are, with counts."""
    if counts is None:
        return Points(np.empty(0), np.empty(0))
    middles = (counts.values.astype(np.float64) + ends(counts.values, counts.bits)) / 2
    return Points(middles, counts.counts.astype(np.float64))

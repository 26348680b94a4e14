"""A distribution of positive numbers in bins of a relative width of 1/1024."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.statistics.points import Points

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RELATIVE_ERROR = 2.0**-11
"""Of a value in its bin, whose middle stands for it."""

_DROPPED = np.uint32(13)
_BINS = 1 << 18


class LogHistogram:
    """Counts of numbers from 0 to 3e38, all of them, in 2 MiB.

    The bin is the first 19 bits of a number in single precision: sign, exponent and 10 binary digits. So the
    middle of a bin is within 1/2048 of every number in it (`RELATIVE_ERROR`), at every quantile, and 0 is 0.
    A t-digest or KLL sketch bounds the error of the rank instead, which says little of a long tail's values,
    and takes ten times as long.
    """

    def __init__(self) -> None:
        self._counts: Ints = np.zeros(_BINS, dtype=np.int64)

    def add(self, values: Floats, weight: int = 1) -> None:
        """Count values from 0 on, each so many times; NaN is no value."""
        single = values[~np.isnan(values)].astype(np.float32)
        self._counts += weight * np.bincount(single.view(np.uint32) >> _DROPPED, minlength=_BINS)

    def points(self) -> Points:
        """The middles of the bins that have any, with counts."""
        present = np.flatnonzero(self._counts)
        bits = present.astype(np.uint32) << _DROPPED
        low = bits.view(np.float32).astype(np.float64)
        high = (bits + (np.uint32(1) << _DROPPED)).view(np.float32).astype(np.float64)
        middle = np.where(present == 0, 0.0, (low + high) / 2)
        return Points(middle, self._counts[present].astype(np.float64))

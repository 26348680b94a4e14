"""Mid-ranks of lengths among those of a sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_TABLE = 1 << 16


class Ranks:
    """Ranks among a sample, from 0 to 1; those of lengths below 65,536 are in a table."""

    def __init__(self, sample: npt.NDArray[np.integer]) -> None:
        """Of lengths in any order, at least one."""
        self._ordered = np.sort(sample)
        self._table = self._search(np.arange(min(int(self._ordered[-1]) + 2, _TABLE)))

    def of(self, values: npt.NDArray[np.integer]) -> Floats:
        """The ranks of lengths."""
        last = self._table.size - 1
        # The last of a table that is not cut off is above all of the sample, as is what comes after it.
        found: Floats = self._table[np.minimum(values, last)]
        if self._table.size == _TABLE:
            beyond = np.flatnonzero(values > last)
            found[beyond] = self._search(values[beyond])
        return found

    def _search(self, values: npt.NDArray[np.integer]) -> Floats:
        places = np.searchsorted(self._ordered, values, "left") + np.searchsorted(
            self._ordered, values, "right"
        )
        found: Floats = places / (2 * self._ordered.size)
        return found

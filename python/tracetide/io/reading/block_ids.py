"""Ids of prompt blocks, which mean something only within their file, as numbers that every tool takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.errors import TraceError
from tracetide.io.reading.growing_map import GrowingMap, Ids

MOST_IDS = 2**31
"""Ids are below this in files of other tools, which take them for signed numbers of 32 bits."""


class SmallIds:
    """Ids below a limit for any that are below 2^64, the same for the same.

    Those below the limit stay what they are, unless a larger one, which gets a number that is free, has
    theirs already. Only ids from half the limit on can be in each other's way: they need 32 bytes each.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._half = limit // 2
        self._known = GrowingMap()
        self._taken = GrowingMap()
        self._next = limit - 1

    def of(self, ids: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
        """The ids for the next ones.

        Raises:
            TraceError: for more different ones from half the limit on than there are numbers.
        """
        is_large = ids >= self._half
        if not is_large.any():
            return ids.astype(np.uint32, copy=False)
        made = ids.astype(np.int64)  # from 2^63 on below 0, but still the same for the same
        made[is_large] = self._numbers(made[is_large])
        return made.astype(np.uint32)

    def _numbers(self, keys: Ids) -> Ids:
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        numbers = self._known.get(unique, np.full(unique.size, -1))
        new = np.flatnonzero(numbers < 0)
        is_own = (unique[new] >= 0) & (unique[new] < self._limit) & self._is_free(unique[new])
        own, others = new[is_own], new[~is_own]
        numbers[own] = unique[own]
        self._taken.add(numbers[own], numbers[own])
        others = others[np.argsort(first[others])]
        numbers[others] = self._take(others.size)
        self._known.add(unique[new], numbers[new])
        made: Ids = numbers[inverse]
        return made

    def _is_free(self, numbers: Ids) -> npt.NDArray[np.bool_]:
        return self._taken.get(numbers, np.full(numbers.size, -1)) < 0

    def _take(self, count: int) -> Ids:
        """Numbers that are free, from the last one down, as ids usually count from 0."""
        found = np.empty(0, dtype=np.int64)
        while found.size < count:
            tried = self._next - np.arange(count - found.size)
            if tried[-1] < self._half:
                raise TraceError(
                    f"column 'hash_ids': more than {self._half} different ids from {self._half} on are not "
                    "allowed; leave them out"
                )
            self._next = int(tried[-1]) - 1
            found = np.concatenate([found, tried[self._is_free(tried)]])
        self._taken.add(found, found)
        return found

"""A map of whole numbers that grows batch by batch, in arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]


class GrowingMap:
    """A map of int64 that keeps 16 bytes for every key.

    New keys go into a small map, which is merged into the large one when it has grown to a quarter of it, so
    that most batches sort only the small one.
    """

    def __init__(self) -> None:
        self._large = _SortedMap()
        self._small = _SortedMap()

    def get(self, keys: Ids, otherwise: Ids) -> Ids:
        """Of every key its value, or that of `otherwise`."""
        return self._small.get(keys, self._large.get(keys, otherwise))

    def add(self, keys: Ids, values: Ids) -> None:
        """Add keys; a later one goes before an earlier one that is the same."""
        if not keys.size:
            return
        self._small.add(keys, values)
        if self._small.keys.size > self._large.keys.size // 4:
            self._large.add(self._small.keys, self._small.values)
            self._small = _SortedMap()


class Distinct:
    """Tells which keys are there again. Keeps 16 bytes for every key."""

    def __init__(self) -> None:
        self._numbers = Numbers()

    def again(self, keys: Ids) -> npt.NDArray[np.bool_]:
        """Which of the next keys were there before, or stand above among them."""
        before = self._numbers.size
        numbers = self._numbers.of(keys)
        found: npt.NDArray[np.bool_] = numbers < before
        later = np.flatnonzero(~found)
        first = np.full(keys.size, False)
        first[later[np.unique(numbers[later], return_index=True)[1]]] = True
        found |= ~first
        return found


class Numbers:
    """Numbers keys from 0 on in the order in which they first come. Keeps 16 bytes for every key."""

    def __init__(self) -> None:
        self._known = GrowingMap()
        self.size = 0
        """How many keys there are."""

    def of(self, keys: Ids) -> Ids:
        """The numbers of the next keys."""
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        numbers = self._known.get(unique, np.full(unique.size, -1))
        new = np.flatnonzero(numbers < 0)
        new = new[np.argsort(first[new])]
        numbers[new] = self.size + np.arange(new.size)
        self._known.add(unique[new], numbers[new])
        self.size += new.size
        made: Ids = numbers[inverse]
        return made


class _SortedMap:
    """A map in two sorted arrays."""

    def __init__(self) -> None:
        self.keys: Ids = np.empty(0, dtype=np.int64)
        self.values: Ids = np.empty(0, dtype=np.int64)

    def get(self, keys: Ids, otherwise: Ids) -> Ids:
        if not self.keys.size:
            return otherwise
        at = np.minimum(np.searchsorted(self.keys, keys), self.keys.size - 1)
        return np.where(self.keys[at] == keys, self.values[at], otherwise)

    def add(self, keys: Ids, values: Ids) -> None:
        both = np.concatenate([self.keys, keys])
        all_values = np.concatenate([self.values, values])
        order = np.argsort(both, kind="stable")
        both, all_values = both[order], all_values[order]
        is_last = np.append(both[1:] != both[:-1], True)
        self.keys, self.values = both[is_last], all_values[is_last]

"""Exact counts of whole numbers by client, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint32]
Values = npt.NDArray[np.uint32]

FULL_BITS = 32
BIN_BITS = 10
"""Bins of a width of 1/1024 of the value; values below 2048 are exact."""

_PENDING = 1 << 20
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


@dataclass(frozen=True)
class Counts:
    """How often each value came.

    Attributes:
        values: uint32, ascending, unique: first numbers of bins.
        counts: int64.
        bits: bins are as wide as `coarse` makes them with so many bits; 32: single numbers.
    """

    values: Values
    counts: Ints
    bits: int

    @property
    def total(self) -> int:
        """How many there are."""
        return int(self.counts.sum())

    @property
    def last(self) -> int:
        """The last number that they may have been."""
        return int(ends(self.values[-1:], self.bits)[0])

    def coarser(self, bits: int) -> Counts:
        """The same in bins."""
        if bits >= self.bits:
            return self
        values = coarse(self.values, bits)
        starts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
        return Counts(values[starts], np.add.reduceat(self.counts, starts), bits)


def coarse(values: Values, bits: int) -> Values:
    """The first numbers of the bins: all but the first `bits` + 1 binary digits are 0."""
    shift = np.maximum(np.frexp(values.astype(np.float64))[1] - (bits + 1), 0).astype(np.uint32)
    found: Values = (values >> shift) << shift
    return found


def ends(values: Values, bits: int) -> Ints:
    """The last numbers of the bins that begin at these."""
    shift = np.maximum(np.frexp(values.astype(np.float64))[1] - (bits + 1), 0)
    last: Ints = values.astype(np.int64) + (np.int64(1) << shift.astype(np.int64)) - 1
    return last


class Histograms:
    """Counts of one field by client.

    Where they have more than `budget` different values in all, they are put into bins: of a relative width
    of 1/1024, then 1/512, and so on until they fit.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._keys: list[Keys] = []
        self._counts: list[Ints] = []
        self._size = 0
        self.bits = FULL_BITS

    def add(self, client: Codes, values: Values) -> None:
        """Count the values of these clients."""
        if not values.size:
            return
        if self.bits < FULL_BITS:
            values = coarse(values, self.bits)
        keys, counts = _counted(client, values)
        self._keys.append(keys)
        self._counts.append(counts)
        self._size += keys.size
        if self._size - self._keys[0].size > max(_PENDING, self._keys[0].size):
            self._merge()

    def move(self, moving: npt.NDArray[np.bool_]) -> None:
        """Add the counts of the clients of which `moving` is true, by code, to those of the code after."""
        self._merge()
        if self._keys:
            keys = self._keys[0]
            step = moving[(keys >> _SHIFT).astype(np.int64)].astype(np.uint64) << _SHIFT
            self._set(*_summed(keys + step, self._counts[0]))

    def take(self, ready: npt.NDArray[np.bool_]) -> Iterator[tuple[int, Counts]]:
        """Take out the counts of the clients of which `ready` is true, by code: (code, counts) ascending."""
        self._merge()
        if not self._keys:
            return
        keys, counts = self._keys[0], self._counts[0]
        client = (keys >> _SHIFT).astype(np.int64)
        is_taken = ready[client]
        left = ~is_taken
        bits = self.bits
        self._keys, self._counts = ([keys[left]], [counts[left]]) if left.any() else ([], [])
        self._size = int(left.sum())
        if not self._size:
            self.bits = FULL_BITS
        keys, counts, client = keys[is_taken], counts[is_taken], client[is_taken]
        if not keys.size:
            return
        starts = np.flatnonzero(np.append(True, client[1:] != client[:-1]))
        values = (keys & _LOW).astype(np.uint32)
        bounds = np.append(starts, keys.size)
        for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            yield int(client[first]), Counts(values[first:last], counts[first:last], bits)

    def _merge(self) -> None:
        if len(self._keys) > 1:
            keys, counts = np.concatenate(self._keys), np.concatenate(self._counts)
            self._set(*_summed(keys, counts))
        while self._size > self._budget and self.bits > 1:
            self.bits = BIN_BITS if self.bits == FULL_BITS else self.bits - 1
            keys = self._keys[0]
            values = coarse((keys & _LOW).astype(np.uint32), self.bits)
            self._set(*_summed((keys & ~_LOW) | values, self._counts[0]))

    def _set(self, keys: Keys, counts: Ints) -> None:
        self._keys, self._counts, self._size = [keys], [counts], keys.size


def _counted(client: Codes, values: Values) -> tuple[Keys, Ints]:
    keys = (client.astype(np.uint64) << _SHIFT) | values
    keys.sort()
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[starts], np.diff(np.append(starts, keys.size))


def _summed(keys: Keys, counts: Ints) -> tuple[Keys, Ints]:
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[starts], np.add.reduceat(counts, starts)

"""Sums by client and interval of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS_S = (60, 600, 3600, 21600, 86400, 864000, 8640000)
"""Lengths of intervals, each a multiple of the one before."""

MOST_CELLS = 1 << 20
_PENDING = 1 << 18
_STEP_BITS = 32


@dataclass(frozen=True)
class Cells:
    """Sums over intervals of time in which a client sent anything, in the order of clients and time.

    Attributes:
        step_s: length of an interval.
        client: int64, code.
        step: int64, number of the interval.
        sums: float64 by name, `requests` first.
    """

    step_s: float
    client: Ints
    step: Ints
    sums: dict[str, Floats]

    def by_client(self, name: str, clients: int) -> Floats:
        """The sum over time of each client."""
        found: Floats = np.bincount(self.client, self.sums[name], clients).astype(np.float64)
        return found

    def mean(self, name: str) -> Floats:
        """The mean of a column over the requests of each cell."""
        means: Floats = self.sums[name] / self.sums["requests"]
        return means

    def client_means(self, values: Floats, weights: Floats, clients: int) -> Floats:
        """The mean of values over the cells of each client; NaN where none is known."""
        known = np.isfinite(values)
        weight = np.bincount(self.client[known], weights[known], clients)
        total = np.bincount(self.client[known], (values * weights)[known], clients)
        found: Floats = np.divide(total, weight, out=np.full(clients, np.nan), where=weight > 0)
        return found


class ClientCells:
    """Takes requests in the order of clients and time, and sums columns by client and interval.

    Intervals are a minute, and are merged to the next of `STEPS_S` where there would be more than 2^20 cells:
    8 MiB a column, and three times as much while cells are merged, whatever the trace. Sums of whole numbers
    are exact below 2^53.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = ("requests", *names)
        self._level = 0
        self._keys: list[Ints] = []
        self._sums: list[Floats] = []
        self._pending = 0

    @property
    def step_s(self) -> int:
        """Length of an interval."""
        return STEPS_S[self._level]

    def add(
        self, client: npt.NDArray[np.uint32], time_ns: Ints, values: Sequence[npt.NDArray[np.generic]]
    ) -> None:
        """Take requests of ascending clients, and of ascending times within a client."""
        keys = (client.astype(np.int64) << _STEP_BITS) | (time_ns // (self.step_s * NS))
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        sums = np.empty((len(self._names), starts.size))
        sums[0] = np.diff(np.append(starts, keys.size))
        for row, column in enumerate(values, 1):
            sums[row] = np.add.reduceat(np.asarray(column, dtype=np.float64), starts)
        self._keys.append(keys[starts])
        self._sums.append(sums)
        self._pending += starts.size
        if self._pending > max(_PENDING, min(self._keys[0].size, MOST_CELLS // 4)):
            self._merge()

    def _merge(self) -> None:
        self._set(np.concatenate(self._keys), np.concatenate(self._sums, axis=1))
        while self._keys[0].size > MOST_CELLS and self._level + 1 < len(STEPS_S):
            factor = STEPS_S[self._level + 1] // STEPS_S[self._level]
            self._level += 1
            self._set(_longer(self._keys[0], factor), self._sums[0])

    def _set(self, keys: Ints, sums: Floats) -> None:
        keys, sums = _summed(keys, sums)
        self._keys, self._sums, self._pending = [keys], [sums], 0

    def at(self, step_s: float) -> Cells:
        """The cells in intervals of a multiple of the step, or of the step where that is longer."""
        self._merge()
        keys, sums, step = self._keys[0], self._sums[0], float(self.step_s)
        if step_s > step:
            factor = round(step_s / step)
            keys, sums = _summed(_longer(keys, factor), sums)
            step *= factor
        of_client, of_step = keys >> _STEP_BITS, keys & ((1 << _STEP_BITS) - 1)
        return Cells(step, of_client, of_step, dict(zip(self._names, sums, strict=True)))


def _longer(keys: Ints, factor: int) -> Ints:
    step = (keys & ((1 << _STEP_BITS) - 1)) // factor
    found: Ints = (keys >> _STEP_BITS << _STEP_BITS) | step
    return found


def _summed(keys: Ints, sums: Floats) -> tuple[Ints, Floats]:
    """Sums of equal keys, in their order."""
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[starts], np.add.reduceat(sums[:, order], starts, axis=1)

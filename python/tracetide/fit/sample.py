"""A bounded sample of the rows of each client, the same for every way of cutting the trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

_LEAST = 64


class GroupedSample:
    """Rows of each client: all of them up to a cap, else those whose number has a hash below a threshold.

    Row i of a client, counted from 0, is kept if the last k bits of a hash of i are 0, where 2^k is the least
    that is at least rows / cap: between half the cap and the cap. So a sample is thinned as rows come, and
    what is kept depends on nothing but how many there are. Where all clients together have more than `budget`
    rows, the cap is halved until they fit.
    """

    def __init__(self, cap: int, budget: int, columns: Sequence[npt.DTypeLike]) -> None:
        """An empty sample of rows with columns of these types."""
        self._first_cap = self._cap = cap
        self._budget = budget
        self._types = [np.dtype(kind) for kind in columns]
        self._seen: Ints = np.zeros(0, dtype=np.int64)
        self._parts: list[tuple[Codes, Ints, list[Array]]] = []
        self._size = 0

    def add(self, client: Codes, starts: Ints, counts: Ints, columns: Sequence[Array]) -> None:
        """Add rows that are in the order of clients, of which each has `counts` rows from `starts` on."""
        if not client.size:
            return
        here = client[starts]
        if int(here[-1]) >= self._seen.size:
            self._seen = np.append(
                self._seen, np.zeros(int(here[-1]) + 1024 - self._seen.size, dtype=np.int64)
            )
        before = self._seen[here]
        self._seen[here] += counts
        index = np.arange(client.size) - np.repeat(starts - before, counts)
        stride = _strides(self._seen[here], self._cap)
        if (stride > 1).any():
            rows = np.flatnonzero(is_kept(index, np.repeat(stride, counts)))
            client, index = client[rows], index[rows]
            columns = [column[rows] for column in columns]
        kept = [column.astype(kind, copy=False) for column, kind in zip(columns, self._types, strict=True)]
        self._parts.append((client, index, kept))
        self._size += client.size
        if self._size > self._budget:
            self._thin()
            while self._size > self._budget and self._cap > _LEAST:
                self._cap //= 2
                self._thin()

    def move(self, moving: npt.NDArray[np.bool_]) -> None:
        """Add the rows of the clients of which `moving` is true, by code, to those of the code after."""
        if not self._parts:
            return
        client, index, columns = self._joined()
        self._seen = np.append(
            self._seen, np.zeros(max(0, moving.size + 1 - self._seen.size), dtype=np.int64)
        )
        rows = np.flatnonzero(moving[client])
        index[rows] += self._seen[client[rows] + 1]
        client[rows] += 1
        codes = np.flatnonzero(moving)
        self._seen[codes + 1] += self._seen[codes]
        self._seen[codes] = 0
        self._parts = [(client, index, columns)]

    def take(self, ready: npt.NDArray[np.bool_] | None = None) -> tuple[Codes, list[Array]]:
        """Take out the rows of the clients of which `ready` is true, in the order of clients.

        Args:
            ready: by code; None: of all.

        Returns:
            The clients and the columns of the rows.
        """
        self._thin()
        client, index, columns = self._joined()
        is_taken = np.ones(client.size, dtype=bool) if ready is None else ready[client]
        left = np.flatnonzero(~is_taken)
        self._parts = [(client[left], index[left], [column[left] for column in columns])] if left.size else []
        self._size = left.size
        if ready is None:
            self._seen[:] = 0
        else:
            self._seen[: ready.size][ready[: self._seen.size]] = 0
        if not left.size:
            self._cap = self._first_cap
        rows = np.flatnonzero(is_taken)
        rows = rows[np.argsort(client[rows], kind="stable")]
        return client[rows], [column[rows] for column in columns]

    def _joined(self) -> tuple[Codes, Ints, list[Array]]:
        if not self._parts:
            empty = [np.empty(0, dtype=kind) for kind in self._types]
            return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.int64), empty
        client = np.concatenate([part[0] for part in self._parts])
        index = np.concatenate([part[1] for part in self._parts])
        columns = [np.concatenate([part[2][i] for part in self._parts]) for i in range(len(self._types))]
        return client, index, columns

    def _thin(self) -> None:
        client, index, columns = self._joined()
        if not client.size:
            return
        rows = np.flatnonzero(is_kept(index, _strides(self._seen, self._cap)[client]))
        self._parts = [(client[rows], index[rows], [column[rows] for column in columns])]
        self._size = rows.size


def _strides(counts: Ints, cap: int) -> Ints:
    """The least power of two that is at least counts / cap."""
    exponent = np.ceil(np.log2(np.maximum(counts, cap) / cap)).astype(np.int64)
    strides: Ints = np.left_shift(np.int64(1), exponent)
    return strides


def is_kept(index: Ints, stride: Ints) -> npt.NDArray[np.bool_]:
    """Which numbers are one of a `stride`, a power of two, evenly chosen.

    By the finaliser of MurmurHash3 (Appleby), which permutes the 32-bit numbers.
    """
    h = index.astype(np.uint32)
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h = h ^ (h >> np.uint32(13))
    h = h * np.uint32(0xC2B2AE35)
    h = h ^ (h >> np.uint32(16))
    kept: npt.NDArray[np.bool_] = (h.astype(np.int64) & (stride - 1)) == 0
    return kept

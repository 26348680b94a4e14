"""Reading traces in tests: columns, whole nanoseconds, counts and spacings by client and window."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from tracetide import _core

Columns = dict[str, Any]
Integers = npt.NDArray[np.int64]


def columns(batch: Any) -> Columns:
    """All columns of a batch by name; list columns as (offsets, values)."""
    return {name: batch.column(name) for name in batch.names}


def collect(profile: Any, *, threads: int = 0, kernels: str = "", **options: Any) -> Columns:
    """All columns of the job with these options."""
    return columns(_core.collect(_core.Job(profile, **options), threads=threads, kernels=kernels))


def concatenate(batches: Iterable[Any]) -> Columns:
    """The columns of consecutive batches as those of one."""
    parts = [columns(batch) for batch in batches]
    joined: Columns = {}
    for name in parts[0]:
        if isinstance(parts[0][name], tuple):
            lengths = np.concatenate([np.diff(part[name][0]) for part in parts])
            offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
            joined[name] = (offsets, np.concatenate([part[name][1] for part in parts]))
        else:
            joined[name] = np.concatenate([part[name] for part in parts])
    return joined


def rows(trace: Columns, keep: npt.NDArray[np.bool_]) -> Columns:
    """The requests for which `keep` holds."""
    kept: Columns = {}
    for name, column in trace.items():
        if isinstance(column, tuple):
            offsets, values = column
            lengths = np.diff(offsets)
            new = np.concatenate([[0], np.cumsum(lengths[keep])]).astype(np.int32)
            kept[name] = (new, values[np.repeat(keep, lengths)])
        else:
            kept[name] = column[keep]
    return kept


def assert_same(first: Columns, second: Columns) -> None:
    """The same columns with the same types and bytes."""
    assert list(first) == list(second)
    for name in first:
        for one, other in zip(_arrays(first[name]), _arrays(second[name]), strict=True):
            assert one.dtype == other.dtype, name
            np.testing.assert_array_equal(one, other, err_msg=name)


def digest(trace: Columns) -> str:
    """SHA-256 of all columns: names, types and little-endian bytes."""
    hasher = hashlib.sha256()
    for name, column in trace.items():
        for array in _arrays(column):
            little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            hasher.update(f"{name} {little.dtype.str} {little.size}\n".encode())
            hasher.update(little.tobytes())
    return hasher.hexdigest()


def _arrays(column: Any) -> tuple[npt.NDArray[Any], ...]:
    return column if isinstance(column, tuple) else (column,)


def nanoseconds(trace: Columns) -> Integers:
    """Timestamps in ns, after checking that they are whole ones."""
    timestamp = trace["timestamp"]
    # In two parts: the product of a large timestamp and 1e9 is rounded.
    seconds = np.floor(timestamp)
    ns = seconds.astype(np.int64) * 10**9 + np.rint((timestamp - seconds) * 1e9).astype(np.int64)
    np.testing.assert_array_equal(ns / 1e9, timestamp, err_msg="timestamps are not whole nanoseconds")
    return ns


def item_lists(column: tuple[Integers, Integers]) -> list[npt.NDArray[Any]]:
    offsets, values = column
    return np.split(values, offsets[1:-1]) if offsets.size > 1 else []


class Cells:
    """The requests of a trace grouped by window and client, for jobs whose windows all have one length."""

    def __init__(self, trace: Columns, *, window_ns: int, windows: int, clients: int) -> None:
        self.window_ns, self.windows, self.clients = window_ns, windows, clients
        ns = nanoseconds(trace)
        window = ns // window_ns
        client = trace["client_id"].astype(np.int64)
        assert ns.size == 0 or (window.max() < windows and client.max() < clients)
        cell = window * clients + client
        self._order = np.argsort(cell, kind="stable")
        self._counts = np.bincount(cell, minlength=windows * clients)
        self._start = np.cumsum(self._counts) - self._counts
        self._position = (ns - window * window_ns)[self._order]

    @property
    def counts(self) -> Integers:
        """Requests by window (rows) and client (columns)."""
        return self._counts.reshape(self.windows, self.clients)

    def matrix(self, client: int, count: int) -> Integers:
        """Positions (ns from the window's start) of the first `count` requests of a client, one row for
        every window; every window must have at least that many."""
        cells = np.arange(self.windows) * self.clients + client
        assert (self._counts[cells] >= count).all()
        return self._position[self._start[cells][:, None] + np.arange(count)]

    def first(self) -> npt.NDArray[np.float64]:
        """Position of the first request of every cell in ns; infinity for none."""
        first = np.full(self._counts.size, np.inf)
        some = self._counts > 0
        first[some] = self._position[self._start[some]]
        return first

    def random_gap(self, rng: np.random.Generator) -> tuple[Integers, Integers]:
        """One gap of every cell with at least two requests: (cells, gaps in ns)."""
        some = np.flatnonzero(self._counts >= 2)
        pick = self._start[some] + 1 + (rng.random(some.size) * (self._counts[some] - 1)).astype(np.int64)
        return some, self._position[pick] - self._position[pick - 1]

    def histogram(self, edges: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Requests of every cell by position: one row per cell, edges as shares of the window."""
        edges_ns = np.asarray(edges) * self.window_ns
        bins = edges_ns.size - 1
        bin = np.clip(np.searchsorted(edges_ns, self._position, side="right") - 1, 0, bins - 1)
        cell = np.repeat(np.arange(self._counts.size), self._counts)
        return (
            np.bincount(cell * bins + bin, minlength=self._counts.size * bins).reshape(-1, bins).astype(float)
        )


def cells_of(profile: Any, trace: Columns, windows: int | None = None) -> Cells:
    return Cells(
        trace,
        window_ns=profile.window_ns,
        windows=profile.windows if windows is None else windows,
        clients=profile.clients,
    )


def circular_spacings(positions: Integers, window_ns: int) -> Integers:
    """The spacings of each row of positions on a circle of one window."""
    return np.diff(positions, axis=1, append=positions[:, :1] + window_ns)

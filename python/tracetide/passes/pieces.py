"""A trace cut into pieces that are worked on at once, at rows that do not depend on its batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.base.grid import NS
from tracetide.passes.clients import ClientCodes

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

PIECE_ROWS = 1 << 18
"""A piece ends with the first window that makes it at least so long."""

MOST_ROWS = 1 << 19
"""A piece ends inside a window when it would be longer than this, which is at least `PIECE_ROWS`."""


@dataclass(frozen=True)
class Grid:
    """Windows and epochs, from time 0 of the trace on.

    Attributes:
        window_ns: length of a window.
        epoch_windows: windows in an epoch.
    """

    window_ns: int
    epoch_windows: int


class ByClient:
    """The rows of a piece in the order of clients, and of time within a client.

    Attributes:
        order: the row of the piece for each; None where that is the order already.
        client: code, ascending.
        starts, counts: of the rows of each client that is there.
    """

    def __init__(self, codes: Codes) -> None:
        largest = int(codes.max())
        self.order: Ints | None = None
        if largest == int(codes.min()):
            self.client = codes
        else:
            # NumPy sorts 16-bit keys by radix.
            keys = codes.astype(np.uint16) if largest < 1 << 16 else codes
            self.order = np.argsort(keys, kind="stable")
            self.client = codes[self.order]
        self.starts = np.flatnonzero(np.append(True, self.client[1:] != self.client[:-1]))
        self.counts = np.diff(np.append(self.starts, codes.size))

    @property
    def clients(self) -> Codes:
        """The codes that are there, ascending."""
        found: Codes = self.client[self.starts]
        return found

    def sort(self, column: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """A column of the piece in this order."""
        return column if self.order is None else column[self.order]


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one epoch.

    Attributes:
        first_row: how many rows there are in the pieces before.
        row: int64, the number of each row in the trace, from 0.
        table: the columns.
        time_ns: int64, ascending.
        window: int64, the window of each row.
        client: uint32, the code of each row's client.
        is_open: whether its last window goes on in the next piece.
        is_last: whether no piece comes after it.
    """

    first_row: int
    row: Ints
    table: pa.Table
    time_ns: Ints
    window: Ints
    client: Codes
    is_open: bool
    is_last: bool = False

    def __len__(self) -> int:
        return self.time_ns.size

    def where(self, chosen: npt.NDArray[np.bool_]) -> Piece:
        """The rows of which `chosen`, by row of all pieces, says so; those that it does not reach stay."""
        mine = chosen[self.first_row : self.first_row + len(self)]
        if mine.all():
            return self
        rows = np.append(np.flatnonzero(mine), np.arange(mine.size, len(self)))
        return Piece(
            self.first_row,
            self.row[rows],
            self.table.take(rows),
            self.time_ns[rows],
            self.window[rows],
            self.client[rows],
            self.is_open,
            self.is_last,
        )

    @cached_property
    def by_client(self) -> ByClient:
        """The rows in the order of clients."""
        return ByClient(self.client)

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """A column of numbers, in time order."""
        return np.asarray(self.table.column(name).to_numpy())

    def lists(self, name: str) -> tuple[Ints, npt.NDArray[np.uint32]]:
        """A column of lists as (how many items each row has, all items)."""
        chunks = self.table.column(name).chunks
        counts = [chunk.value_lengths().fill_null(0).to_numpy(zero_copy_only=False) for chunk in chunks]
        values = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in chunks]
        return np.concatenate(counts).astype(np.int64), np.concatenate(values).astype(np.uint32)


@dataclass
class _Run:
    """Rows of a batch that wait for their piece to be complete."""

    batch: pa.RecordBatch
    row: Ints
    time_ns: Ints
    window: Ints
    client: Codes

    def slice(self, start: int, stop: int) -> _Run:
        return _Run(
            self.batch.slice(start, stop - start),
            self.row[start:stop],
            self.time_ns[start:stop],
            self.window[start:stop],
            self.client[start:stop],
        )


def pieces(
    batches: Iterator[pa.RecordBatch],
    codes: ClientCodes,
    grid: Grid,
    origin: str,
    keep: Callable[[pa.RecordBatch], pa.BooleanArray | None] = lambda _: None,
) -> Iterator[Piece]:
    """The pieces of a trace, of the rows of each batch that `keep` chooses; None: all.

    A piece ends where an epoch ends, or a window after `PIECE_ROWS` rows, or else after `MOST_ROWS` rows:
    these places depend on nothing but the rows themselves.
    """
    waiting: list[_Run] = []
    rows = first_row = read = 0
    last_window = -1
    for batch in batches:
        row = np.arange(read, read + batch.num_rows)
        read += batch.num_rows
        _check_times(batch, origin, row)
        chosen = keep(batch)
        if chosen is not None:
            batch, row = batch.filter(chosen), row[chosen.to_numpy(zero_copy_only=False)]
        if not batch.num_rows:
            continue
        run = _run_of(batch, row, codes, grid)
        # The first rows of windows in this batch, and whether an epoch begins there.
        edges = np.flatnonzero(np.diff(run.window, prepend=last_window))
        epoch = run.window[edges] // grid.epoch_windows
        before = np.append(last_window if last_window >= 0 else run.window[0], run.window[edges[:-1]])
        is_epoch = epoch != before[: edges.size] // grid.epoch_windows
        epoch_edges = edges[is_epoch]
        last_window = int(run.window[-1])
        start = 0
        while True:
            cut, is_open = _next_cut(start, rows, len(run.time_ns), edges, epoch_edges)
            if cut is None:
                break
            waiting.append(run.slice(start, cut))
            piece = _piece(waiting, first_row, is_open=is_open)
            if len(piece):
                yield piece
            first_row += len(piece)
            waiting, rows, start = [], 0, cut
        if start < len(run.time_ns):
            waiting.append(run.slice(start, len(run.time_ns)))
            rows += len(run.time_ns) - start
    if rows:
        yield _piece(waiting, first_row, is_open=False, is_last=True)


def _next_cut(
    start: int, waiting: int, size: int, edges: Ints, epoch_edges: Ints
) -> tuple[int, bool] | tuple[None, bool]:
    """Where the next piece ends in a batch of which the rows from `start` on are left, if it does.

    An edge at `start` counts only when rows are waiting: else it is where the piece begins.
    """
    first = start if waiting else start + 1
    most = start + MOST_ROWS - waiting
    found = [_first_from(epoch_edges, first), _first_from(edges, max(first, start + PIECE_ROWS - waiting))]
    cut = min((edge for edge in found if edge is not None), default=None)
    if cut is not None and cut <= most:
        return cut, False
    # A row more must be there, or the cut might be at a window's end that is not seen yet.
    return (most, True) if most < size else (None, False)


def _first_from(edges: Ints, at: int) -> int | None:
    position = int(np.searchsorted(edges, at))
    return int(edges[position]) if position < edges.size else None


def _check_times(batch: pa.RecordBatch, origin: str, row: Ints) -> None:
    times = batch.column("timestamp")
    if times.null_count:
        at = row[int(np.argmax(times.is_null().to_numpy(zero_copy_only=False)))]
        raise TraceError(
            f"{origin}: row {at + 1}, column 'timestamp': a request without a time is not allowed in a fit; "
            "later turns of a session need the time at which they arrived"
        )


def _run_of(batch: pa.RecordBatch, row: Ints, codes: ClientCodes, grid: Grid) -> _Run:
    time_ns = np.rint(batch.column("timestamp").to_numpy() * NS).astype(np.int64)
    return _Run(batch, row, time_ns, time_ns // grid.window_ns, codes.encode(batch))


def _piece(runs: list[_Run], first_row: int, *, is_open: bool, is_last: bool = False) -> Piece:
    return Piece(
        first_row,
        np.concatenate([run.row for run in runs]),
        pa.Table.from_batches([run.batch for run in runs]),
        np.concatenate([run.time_ns for run in runs]),
        np.concatenate([run.window for run in runs]),
        np.concatenate([run.client for run in runs]),
        is_open,
        is_last,
    )

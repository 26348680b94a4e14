"""Rate, variation and gap family of every client in every window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.base.vocabulary import TABLE
from tracetide.fit.families import Fits, fit_groups
from tracetide.fit.gap_tables import Chosen, GapHistograms
from tracetide.fit.noise_sums import CELL_CAP, FoundNoise, NoiseSums, Places
from tracetide.fit.sample import GroupedSample
from tracetide.passes.pieces import Grid, Piece
from tracetide.passes.ticks import Ticks, jitter, least_gap, seen_from
from tracetide.profile.gap_table import GapTable

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

FALLBACKS = ("window", "epoch", "trace", "exponential")
"""Where the family of a window is from, by number."""

_WINDOW, _EPOCH, _TRACE, _EXPONENTIAL, _PENDING = range(5)
_WINDOW_BUDGET = 1 << 22
_EPOCH_CAP, _EPOCH_BUDGET = 1024, 1 << 21
_TRACE_CAP, _TRACE_BUDGET = 1024, 1 << 21
_FAR_BELOW = 1e-3
"""Of the mean gap: there gaps that are hardly known count as short alone."""


@dataclass(frozen=True)
class Cells:
    """Active windows of clients, as columns of one length.

    Attributes:
        client, window: codes of clients, numbers of windows.
        requests: how many came.
        cv: standard deviation / mean of the gaps that the family is from; NaN where there are none.
        family, shape: as in a profile.
        fallback: number in `FALLBACKS`.
        shapes, ks, p_value: (3, N), by family; NaN where the family is not from a fit.
    """

    client: Codes
    window: Ints
    requests: Ints
    cv: Floats
    family: npt.NDArray[np.uint8]
    shape: Floats
    fallback: npt.NDArray[np.uint8]
    shapes: Floats
    ks: Floats
    p_value: Floats

    def __len__(self) -> int:
        return self.client.size

    @classmethod
    def pending(cls, client: Codes, window: Ints, requests: Ints) -> Cells:
        """Cells whose family is not known yet."""
        size = client.size
        nothing = np.full((3, size), np.nan)
        return cls(
            client,
            window,
            requests,
            np.full(size, np.nan),
            np.zeros(size, dtype=np.uint8),
            np.ones(size),
            np.full(size, _PENDING, dtype=np.uint8),
            nothing,
            nothing.copy(),
            nothing.copy(),
        )

    def fill(self, rows: Ints, fits: Fits, cv: Floats, groups: Ints, fallback: int) -> None:
        """Set the family of some cells to the fits of these groups."""
        self.cv[rows] = cv[groups]
        self.family[rows] = fits.family[groups]
        self.shape[rows] = fits.shape[groups]
        self.fallback[rows] = fallback
        self.shapes[:, rows] = fits.shapes[:, groups]
        self.ks[:, rows] = fits.ks[:, groups]
        self.p_value[:, rows] = fits.p_value[:, groups]

    def take(self, rows: npt.NDArray[Any]) -> Cells:
        """Some of the cells."""
        return Cells(**{name: column[..., rows] for name, column in vars(self).items()})

    @staticmethod
    def joined(parts: list[Cells]) -> Cells:
        """All cells of several."""
        return Cells(
            **{name: np.concatenate([vars(part)[name] for part in parts], axis=-1) for name in vars(parts[0])}
        )


@dataclass(frozen=True)
class _Gaps:
    """Gaps of a piece, in the order of clients and time: to the row above of the same client.

    Attributes:
        gap: ns; 0 where there is none.
        position: of each row in its window, as a part of it.
        is_inner: whether both rows are in one window.
        is_cross: whether they are in neighbouring windows.
        group: for each row the number of its client and window.
        starts, counts: of the rows of each group.
        client, window: of each group.
    """

    gap: Floats
    position: Floats
    is_inner: Flags
    is_cross: Flags
    group: Ints
    starts: Ints
    counts: Ints
    client: Codes
    window: Ints


class Arrivals:
    """Takes pieces and makes cells, tables of gaps and the noise of rates.

    A window with at least `min_gaps` gaps between consecutive requests of a client is fitted by itself, by at
    most `max_gaps` of them and the one from the last request to the first of the window put after it: a
    generated window is such a circle, and silences at its edges are not lost. The gaps of others, and those
    from the window before to these, are pooled by client over the epoch; and where they are still fewer than
    `min_gaps`, over the trace, each epoch's divided by their mean. Where even these are too few the family is
    Exponential.
    """

    def __init__(self, grid: Grid, *, min_gaps: int, max_gaps: int, with_ks: bool) -> None:
        self._grid = grid
        self._min_gaps = min_gaps
        self._max_gaps = max_gaps
        self._with_ks = with_ks
        self._ticks = Ticks()
        self._last_ns: Ints = np.empty(0, dtype=np.int64)
        self._last_jitter: Floats = np.empty(0)
        self._open = _OpenWindow(max_gaps)
        self._epoch_cells: list[Cells] = []
        self._cells: list[Cells] = []
        self._epoch_gaps = GroupedSample(_EPOCH_CAP, _EPOCH_BUDGET, [np.float64])
        self._trace_gaps = GroupedSample(_TRACE_CAP, _TRACE_BUDGET, [np.float64])
        self._histograms = GapHistograms()
        self._noise = NoiseSums(grid.window_ns / NS)
        self._end_ns: float = np.inf

    @property
    def tick_ns(self) -> int:
        """The resolution of the trace's times as found."""
        return self._ticks.largest

    def add(self, piece: Piece, end_ns: float = np.inf) -> None:
        """Take the next piece; with the last one, when the trace ends."""
        self._end_ns = end_ns
        gaps = self._gaps(piece)
        open_window = int(piece.window[-1]) if piece.is_open else -1
        to_keep = gaps.window == open_window
        if self._open.window >= 0:
            to_keep |= gaps.window == self._open.window
        if to_keep.any():
            self._to_open_window(gaps, to_keep, open_window)
        if not to_keep.all():
            self._closed_windows(gaps, ~to_keep)

    def end_epoch(self) -> None:
        """No more rows of this epoch will come: fill what its own windows could not."""
        if not self._epoch_cells:
            return
        cells = Cells.joined(self._epoch_cells)
        self._epoch_cells = []
        client, (gaps,) = self._epoch_gaps.take()
        pending = np.flatnonzero(cells.fallback == _PENDING)
        self._fill_from_pool(cells, pending, client, gaps, _EPOCH)
        if client.size:
            starts, counts = _runs(client)
            scaled = gaps / np.repeat(np.add.reduceat(gaps, starts) / counts, counts)
            self._trace_gaps.add(client, starts, counts, [scaled])
        self._cells.append(cells)

    def finish(self) -> Cells:
        """All cells, in the order of windows and clients' codes."""
        self.end_epoch()
        cells = Cells.joined(self._cells)
        client, (gaps,) = self._trace_gaps.take()
        pending = np.flatnonzero(cells.fallback == _PENDING)
        self._fill_from_pool(cells, pending, client, gaps, _TRACE)
        cells.fallback[cells.fallback == _PENDING] = _EXPONENTIAL
        return cells.take(np.lexsort((cells.client, cells.window)))

    def tables(self, cells: Cells) -> dict[int, GapTable]:
        """The tables of the clients whose gaps no family has, by code; these cells then have their number.

        The numbers are those of the order of the result.
        """
        own = np.flatnonzero(cells.fallback == _WINDOW)
        requests = np.bincount(cells.client, cells.requests)
        share = np.bincount(cells.client[own], cells.requests[own], requests.size) / requests
        most = np.zeros(requests.size)
        np.maximum.at(most, cells.client, cells.requests)
        known_from = seen_from(self.tick_ns) * most / self._grid.window_ns
        known_from[known_from >= _FAR_BELOW] = 0
        chosen = Chosen(cells.client[own], cells.requests[own], cells.family[own], cells.shape[own], share)
        found = self._histograms.tables(chosen, known_from)
        number = np.full(requests.size, -1)
        number[list(found)] = np.arange(len(found))
        rows = np.flatnonzero(number[cells.client] >= 0)
        cells.family[rows] = TABLE
        cells.shape[rows] = number[cells.client[rows]]
        return found

    def noise(self, *, together: bool = False) -> FoundNoise:
        """The noise of clients' rates, by code; `together`: the same for all."""
        return self._noise.finish(self.tick_ns / NS, together=together)

    def _covered(self, window: Ints) -> Floats:
        """Which part of each window the trace covers; above 0."""
        left = (self._end_ns - window * self._grid.window_ns) / self._grid.window_ns
        found: Floats = np.clip(left, 1e-9, 1.0)
        return found

    def _around(self, window: Ints, inner: Floats) -> Floats:
        """The gaps from the last request to the first of the window put after it, in ns.

        Args:
            window: of each group.
            inner: the sum of the group's other gaps.
        """
        return np.maximum(self._covered(window) * self._grid.window_ns - inner, least_gap(self.tick_ns))

    def _count_gaps(self, client: Codes, window: Ints, requests: Ints, counts: Ints, gaps: Floats) -> None:
        """Count gaps, of which each group has `counts`, for the tables."""
        mean = self._covered(window) * self._grid.window_ns / requests
        # Where gaps are near the resolution, what jitter made of them is the best that is known.
        half = self.tick_ns / 2
        least = np.where(half < _FAR_BELOW * mean, half, least_gap(self.tick_ns))
        self._histograms.add(client, counts, gaps, mean, least)

    def _add_noise(self, client: Codes, window: Ints, counts: Ints, position: Floats) -> None:
        covered = self._covered(window)
        # A request may be late by a tick.
        position = np.minimum(position, np.repeat(np.nextafter(covered, 0), counts))
        self._noise.add(Places(client, window, counts, covered, position), self.tick_ns / NS)

    def _gaps(self, piece: Piece) -> _Gaps:
        rows = piece.by_client
        time = np.asarray(rows.sort(piece.time_ns), dtype=np.int64)
        window = np.asarray(rows.sort(piece.window), dtype=np.int64)
        previous = np.empty_like(time)
        previous[1:] = time[:-1]
        self._grow(int(rows.client[-1]))
        previous[rows.starts] = self._last_ns[rows.clients]
        gap = (time - previous).astype(np.float64)
        before = previous // self._grid.window_ns
        has_one = previous >= 0
        is_inner = has_one & (before == window)
        is_cross = has_one & (before == window - 1)
        ends = rows.starts + rows.counts - 1
        late = self._spread(piece, time, gap, ends)
        self._last_ns[rows.clients] = time[ends]
        gap[~(is_inner | is_cross)] = 0
        starts = np.flatnonzero(
            np.append(True, (window[1:] != window[:-1]) | (rows.client[1:] != rows.client[:-1]))
        )
        counts = np.diff(np.append(starts, time.size))
        group = np.repeat(np.arange(starts.size), counts)
        position = (time - window * self._grid.window_ns + late) / self._grid.window_ns
        return _Gaps(
            gap, position, is_inner, is_cross, group, starts, counts, rows.client[starts], window[starts]
        )

    def _spread(self, piece: Piece, time: Ints, gap: Floats, ends: Ints) -> Floats:
        """Change gaps as if requests had come within a tick, where a client has several at one time.

        Returns:
            By how much each row is later, in ns.
        """
        rows = piece.by_client
        tick = self._ticks.see(piece.time_ns)
        row = np.arange(piece.first_row, piece.first_row + len(piece))
        late = jitter(time, np.asarray(rows.sort(row), dtype=np.int64), rows.starts, tick)
        if late is None:
            late = np.full(time.size, 0.5 * tick)
        gap[1:] += np.diff(late)
        gap[rows.starts] += late[rows.starts] - self._last_jitter[rows.clients]
        gap[rows.starts[1:]] -= np.diff(late)[rows.starts[1:] - 1]
        np.maximum(gap, least_gap(tick), out=gap)
        self._last_jitter[rows.clients] = late[ends]
        return late

    def _grow(self, client: int) -> None:
        more = client + 1 - self._last_ns.size
        if more > 0:
            more += 1024
            self._last_ns = np.append(self._last_ns, np.full(more, -1, dtype=np.int64))
            self._last_jitter = np.append(self._last_jitter, np.zeros(more))

    def _closed_windows(self, gaps: _Gaps, chosen: Flags) -> None:
        """Fit the chosen groups, which are complete."""
        inner_gap = np.where(gaps.is_inner, gaps.gap, 0.0)
        found = np.add.reduceat(gaps.is_inner, gaps.starts, dtype=np.int64)
        total = np.add.reduceat(inner_gap, gaps.starts)
        is_dense = chosen & (found >= self._min_gaps)
        is_sparse = chosen & ~is_dense
        groups = np.flatnonzero(chosen)
        cells = Cells.pending(gaps.client[groups], gaps.window[groups], gaps.counts[groups])
        if is_dense.any():
            dense = np.flatnonzero(is_dense)
            around = self._around(gaps.window[dense], total[dense])
            circular = inner_gap
            circular[gaps.starts[dense]] = around
            counts, rows = gaps.counts[dense], np.flatnonzero(is_dense[gaps.group])
            circular = circular[rows]
            squares = np.add.reduceat(circular * circular, np.cumsum(counts) - counts)
            values, starts = self._thinned(circular, counts)
            fits = fit_groups(values, starts, with_ks=self._with_ks, seen_from=seen_from(self.tick_ns))
            cv = _cv(counts, total[dense] + around, squares)
            cells.fill(np.flatnonzero(is_dense[groups]), fits, cv, np.arange(dense.size), _WINDOW)
            client, window = gaps.client[dense], gaps.window[dense]
            self._count_gaps(client, window, counts, np.diff(np.append(starts, values.size)), values)
            self._add_noise(client, window, counts, gaps.position[rows])
        if is_sparse.any():
            rows = np.flatnonzero((gaps.is_inner | gaps.is_cross) & is_sparse[gaps.group])
            self._pool(gaps.client[gaps.group[rows]], gaps.gap[rows])
        self._epoch_cells.append(cells)

    def _thinned(self, gaps: Floats, counts: Ints) -> tuple[Floats, Ints]:
        """At most `max_gaps` of each group, and where the groups begin."""
        starts = np.cumsum(counts) - counts
        if counts.max() <= self._max_gaps:
            return gaps, starts
        sample = GroupedSample(self._max_gaps, _WINDOW_BUDGET, [np.float64])
        group = np.repeat(np.arange(counts.size, dtype=np.uint32), counts)
        sample.add(group, starts, counts, [gaps])
        group, (kept,) = sample.take()
        return np.asarray(kept, dtype=np.float64), _runs(group)[0]

    def _pool(self, client: Codes, gaps: Floats) -> None:
        if client.size:
            self._epoch_gaps.add(client, *_runs(client), [gaps])

    def _to_open_window(self, gaps: _Gaps, chosen: Flags, open_window: int) -> None:
        """Add the chosen groups to the window that goes on over pieces; fit it when it is over."""
        groups = np.flatnonzero(chosen)
        for window in np.unique(gaps.window[groups]):
            here = gaps.window == window
            if self._open.window < 0:
                self._open = _OpenWindow(self._max_gaps, int(window))
            self._open.add(gaps, here)
            if window != open_window:
                self._close()

    def _close(self) -> None:
        window = self._open.window
        client, requests, found, total, squares = self._open.sums()
        owner, columns = self._open.sample.take()
        gap, is_inner = columns[0].astype(np.float64), columns[1].astype(bool)
        placed, (position,) = self._open.places.take()
        self._open = _OpenWindow(self._max_gaps)
        cells = Cells.pending(client, np.full(client.size, window), requests)
        dense = np.flatnonzero(found >= self._min_gaps)
        is_dense = np.zeros(int(client[-1]) + 1, dtype=bool)
        is_dense[client[dense]] = True
        if dense.size:
            windows = np.full(dense.size, window)
            around = self._around(windows, total[dense])
            rows = np.flatnonzero(is_inner & is_dense[owner])
            of_gaps = np.append(owner[rows], client[dense])
            order = np.argsort(of_gaps, kind="stable")
            values = np.append(gap[rows], around)[order]
            starts, counts = _runs(of_gaps[order])
            fits = fit_groups(values, starts, with_ks=self._with_ks, seen_from=seen_from(self.tick_ns))
            cv = _cv(requests[dense], total[dense] + around, squares[dense] + around * around)
            cells.fill(dense, fits, cv, np.arange(dense.size), _WINDOW)
            self._count_gaps(client[dense], windows, requests[dense], counts, values)
            rows = np.flatnonzero(is_dense[placed])
            starts, counts = _runs(placed[rows])
            here = placed[rows][starts]
            self._add_noise(here, np.full(here.size, window), counts, position[rows].astype(np.float64))
        rows = np.flatnonzero(~is_dense[owner])
        self._pool(owner[rows], gap[rows])
        self._epoch_cells.append(cells)

    def _fill_from_pool(
        self, cells: Cells, pending: Ints, client: Codes, gaps: npt.NDArray[Any], fallback: int
    ) -> None:
        """Fill pending cells from gaps that are pooled by client, where they are enough."""
        if not client.size or not pending.size:
            return
        values = np.asarray(gaps, dtype=np.float64)
        starts, counts = _runs(client)
        enough = counts >= self._min_gaps
        if not enough.any():
            return
        rows = np.flatnonzero(np.repeat(enough, counts))
        values, owner = values[rows], client[rows]
        starts, counts = _runs(owner)
        # Gaps of the trace are in mean gaps, of which each epoch has its own.
        least = seen_from(self.tick_ns) if fallback == _EPOCH else 0.0
        fits = fit_groups(values, starts, with_ks=self._with_ks, seen_from=least)
        cv = _cv(counts, np.add.reduceat(values, starts), np.add.reduceat(values * values, starts))
        known = owner[starts]
        at = np.minimum(np.searchsorted(known, cells.client[pending]), known.size - 1)
        is_known = known[at] == cells.client[pending]
        cells.fill(pending[is_known], fits, cv, at[is_known], fallback)


class _OpenWindow:
    """Sums and a sample of gaps of a window that is longer than a piece."""

    def __init__(self, max_gaps: int, window: int = -1) -> None:
        self.window = window
        self.sample = GroupedSample(max_gaps, _WINDOW_BUDGET, [np.float64, np.bool_])
        self.places = GroupedSample(CELL_CAP, _WINDOW_BUDGET, [np.float64])
        self._sums: Floats = np.zeros((4, 0))

    def add(self, gaps: _Gaps, chosen: Flags) -> None:
        groups = np.flatnonzero(chosen)
        size = int(gaps.client[groups].max()) + 1
        if size > self._sums.shape[1]:
            self._sums = np.pad(self._sums, ((0, 0), (0, size + 1024 - self._sums.shape[1])))
        inner = np.where(gaps.is_inner, gaps.gap, 0.0)
        of_groups = [
            gaps.counts,
            np.add.reduceat(gaps.is_inner, gaps.starts, dtype=np.int64),
            np.add.reduceat(inner, gaps.starts),
            np.add.reduceat(inner * inner, gaps.starts),
        ]
        self._sums[:, gaps.client[groups]] += np.stack([column[groups] for column in of_groups])
        rows = np.flatnonzero(chosen[gaps.group] & (gaps.is_inner | gaps.is_cross))
        client = gaps.client[gaps.group[rows]]
        if client.size:
            self.sample.add(client, *_runs(client), [gaps.gap[rows], gaps.is_inner[rows]])
        rows = np.flatnonzero(chosen[gaps.group])
        client = gaps.client[gaps.group[rows]]
        self.places.add(client, *_runs(client), [gaps.position[rows]])

    def sums(self) -> tuple[Codes, Ints, Ints, Floats, Floats]:
        """Clients, their requests, their gaps in the window, the gaps' sum and the sum of their squares."""
        client = np.flatnonzero(self._sums[0]).astype(np.uint32)
        sums = self._sums[:, client]
        return client, sums[0].astype(np.int64), sums[1].astype(np.int64), sums[2], sums[3]


def _cv(counts: Ints, total: Floats, squares: Floats) -> Floats:
    """Coefficients of variation, with n - 1."""
    mean = total / counts
    variance = np.maximum(squares - counts * mean**2, 0) / np.maximum(counts - 1, 1)
    return np.where(counts >= 2, np.sqrt(variance) / mean, np.nan)


def _runs(ids: npt.NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Starts and lengths of runs of equal values."""
    if not ids.size:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
    return starts, np.diff(np.append(starts, ids.size))

"""Haar sums of every client and of its surrogates, in a stream and bounded memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.fit.haar import MOST_LEVELS, HaarSums, haar_sums, levels_of, window_counts
from tracetide.fit.rate_noise import NONE, estimate
from tracetide.fit.sample import GroupedSample, is_kept
from tracetide.fit.surrogates import SURROGATES, circular_gaps, surrogate
from tracetide.profile.rate_noise import RateNoise

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.bool_]

LEAST_REQUESTS = 32
"""Of a client in a window that is used."""

CELL_CAP = 8192
"""Requests of a client in a window that are used, evenly chosen."""

OWN_REQUESTS = 2000
"""Clients with fewer in such windows are taken together."""

_FLUSH_ROWS = 1 << 18
_OWN_CLIENTS = 4096
_CLIENT_ROWS, _ALL_ROWS = 1 << 16, 1 << 19
"""After as many, only each second block of windows is used, then each fourth, and so on."""
_BLOCK_WINDOWS = 8
_COLUMNS = 5


@dataclass(frozen=True)
class FoundNoise:
    """The rate noise of a trace.

    Attributes:
        by_client: of every client that has some, by code.
        pooled: of the clients that were taken together, or `NONE`.
        pooled_clients: how many these are.
    """

    by_client: dict[int, RateNoise]
    pooled: RateNoise
    pooled_clients: int

    def summary(self) -> dict[str, Any]:
        """For the provenance: clients with noise, how many by levels, their mean rho; and the pooled."""
        levels, clients = np.unique([noise.levels for noise in self.by_client.values()], return_counts=True)
        rho = [noise.rho for noise in self.by_client.values()]
        pooled = {"clients": self.pooled_clients, "rho": self.pooled.rho, "levels": self.pooled.levels}
        return {
            "clients": len(rho),
            "mean_rho": float(np.mean(rho)) if rho else 0.0,
            "clients_by_levels": dict(zip(map(str, levels), clients.tolist(), strict=True)),
            "pooled": pooled,
        }


NO_NOISE = FoundNoise({}, NONE, 0)


@dataclass(frozen=True)
class Places:
    """Requests in windows of clients, group after group.

    Attributes:
        client, window, counts: of each group.
        covered: which part of each group's window the trace covers.
        position: of each request in its window, in [0, covered), ascending within a group.
    """

    client: Codes
    window: Ints
    counts: Ints
    covered: Floats
    position: Floats

    def take(self, groups: Ints) -> Places:
        """Some of the groups, in this order."""
        counts = self.counts[groups]
        ends = np.cumsum(counts)
        starts = (np.cumsum(self.counts) - self.counts)[groups]
        rows = np.arange(ends[-1] if ends.size else 0) + np.repeat(starts - (ends - counts), counts)
        return Places(
            self.client[groups], self.window[groups], counts, self.covered[groups], self.position[rows]
        )

    @staticmethod
    def joined(parts: list[Places]) -> Places:
        """The groups of several."""
        return Places(*(np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])))


class NoiseSums:
    """Takes windows that are complete, and estimates the noise of every client."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._waiting: list[Places] = []
        self._rows = self._flushes = 0
        self._used: Ints = np.zeros(0, dtype=np.int64)
        # Row 0 is of the clients that have no row of their own.
        self._slot: Ints = np.zeros(0, dtype=np.int64)
        self._slots = 1
        self._actual: Floats = np.zeros((1, _COLUMNS, MOST_LEVELS))
        self._surrogates: Floats = np.zeros((1, SURROGATES, 2, MOST_LEVELS))

    def add(self, places: Places, tick_s: float) -> None:
        """Take windows of clients, each of which comes once."""
        groups = np.flatnonzero(places.counts >= LEAST_REQUESTS)
        if not groups.size:
            return
        groups = groups[self._is_wanted(places.client[groups], places.window[groups])]
        if not groups.size:
            return
        places = _thinned(places.take(groups))
        np.add.at(self._used, places.client, places.counts)
        self._waiting.append(places)
        self._rows += places.position.size
        if self._rows >= _FLUSH_ROWS:
            self._flush(tick_s)

    def finish(self, tick_s: float, *, together: bool = False) -> FoundNoise:
        """The noise of all clients.

        Args:
            tick_s: the resolution of the trace's times.
            together: whether all clients are parts of one source: they share two numbers, however many
                requests they have.
        """
        self._flush(tick_s)
        levels = levels_of(self._window_s, tick_s)
        if not levels:
            return NO_NOISE
        own = np.flatnonzero((self._used >= OWN_REQUESTS) & (self._slot > 0) & (not together))
        by_client = {int(client): self._estimate(self._slot[[client]], levels) for client in own}
        is_pooled = self._used > 0
        is_pooled[own] = False
        rest = np.flatnonzero(is_pooled)
        # Parts of one source have all been seen for the same time: each must have seen a node whole.
        least_nodes = rest.size if together else 0
        pooled = self._estimate(np.unique(self._slot[rest]), levels, least_nodes) if rest.size else NONE
        by_client.update({int(client): pooled for client in rest})
        return FoundNoise(
            {client: noise for client, noise in by_client.items() if noise.levels}, pooled, rest.size
        )

    def _estimate(self, slots: Ints, levels: int, least_nodes: int = 0) -> RateNoise:
        actual = self._actual[slots].sum(axis=0)[:, :levels]
        squares, products = np.moveaxis(self._surrogates[slots].sum(axis=0)[..., :levels], 1, 0)
        nothing = np.zeros_like(products)
        surrogates = HaarSums(squares, products, nothing, nothing, nothing)
        return estimate(HaarSums(*actual), surrogates, least_nodes=least_nodes)

    def _is_wanted(self, client: Codes, window: Ints) -> Flags:
        """Which windows are used: all, until there were many; whole blocks, as nodes lie over edges."""
        largest = int(client.max())
        if largest >= self._used.size:
            more = largest + 1024 - self._used.size
            self._used = np.append(self._used, np.zeros(more, dtype=np.int64))
            self._slot = np.append(self._slot, np.zeros(more, dtype=np.int64))
        thinning = self._used[client] // _CLIENT_ROWS + int(self._used.sum()) // _ALL_ROWS
        # Clients choose other blocks than each other.
        number = window // _BLOCK_WINDOWS * 0x9E3779B1 + client.astype(np.int64) * 0x85EBCA77
        return is_kept(number & 0xFFFFFFFF, np.left_shift(np.int64(1), np.minimum(thinning, 30)))

    def _flush(self, tick_s: float) -> None:
        if not self._waiting:
            return
        places = Places.joined(self._waiting)
        places = places.take(np.lexsort((places.window, places.client)))
        self._waiting, self._rows = [], 0
        self._flushes += 1
        levels = levels_of(self._window_s, tick_s)
        if not levels:
            return
        self._give_slots(places)
        parts = _by_levels(places, levels)
        starts = np.cumsum(places.counts) - places.counts
        covered = np.repeat(places.covered, places.counts)
        gaps = circular_gaps(places.position / covered, starts)
        for number in range(SURROGATES + 1):
            position = places.position
            if number:
                position = surrogate(gaps, starts, (self._flushes, number)) * covered
            for part in parts:
                sums = part.sums(position)
                slots = self._slot[part.clients]
                if number:
                    _accumulate(self._surrogates[:, number - 1], slots, sums.squares, sums.products)
                else:
                    columns = (sums.squares, sums.products, sums.over_edges, sums.requests, sums.nodes)
                    _accumulate(self._actual, slots, *columns)

    def _give_slots(self, places: Places) -> None:
        """A row to each client that comes first, those with most requests before others."""
        starts = np.flatnonzero(np.append(True, places.client[1:] != places.client[:-1]))
        requests = np.add.reduceat(places.counts, starts)
        client = places.client[starts[np.argsort(-requests, kind="stable")]]
        new = client[self._slot[client] == 0][: _OWN_CLIENTS + 1 - self._slots]
        self._slot[new] = np.arange(self._slots, self._slots + new.size)
        self._slots += new.size
        more = self._slots - self._actual.shape[0]
        if more > 0:
            more += 64
            self._actual = np.pad(self._actual, ((0, more), (0, 0), (0, 0)))
            self._surrogates = np.pad(self._surrogates, ((0, more), (0, 0), (0, 0), (0, 0)))


@dataclass(frozen=True)
class _Part:
    """The groups of a flush whose clients have one number of levels."""

    levels: int
    rows: Ints
    group: Ints
    follows: Flags
    covered: Floats
    client_starts: Ints
    clients: Codes

    def sums(self, position: Floats) -> HaarSums:
        """Shape (clients, levels)."""
        counts = window_counts(position[self.rows], self.group, self.follows.size, self.levels)
        return haar_sums(counts, self.follows, covered=self.covered).by_run(self.client_starts)


def _by_levels(places: Places, levels: int) -> list[_Part]:
    """The groups by how many levels their clients' requests are enough for.

    Below two requests a node nothing is seen and nothing is generated. Numbers of levels are odd, for fewer
    parts.
    """
    starts = np.flatnonzero(np.append(True, places.client[1:] != places.client[:-1]))
    groups = np.diff(np.append(starts, places.client.size))
    mean = np.add.reduceat(places.counts, starts) / groups
    enough = np.minimum(np.log2(mean).astype(np.int64) | 1, levels)
    of_group = np.repeat(enough, groups)
    of_row = np.repeat(of_group, places.counts)
    follows = np.append(False, (np.diff(places.window) == 1) & (places.client[1:] == places.client[:-1]))
    found = []
    for number in np.unique(enough):
        mine = np.flatnonzero(of_group == number)
        client = places.client[mine]
        client_starts = np.flatnonzero(np.append(True, client[1:] != client[:-1]))
        found.append(
            _Part(
                int(number),
                np.flatnonzero(of_row == number),
                np.repeat(np.arange(mine.size), places.counts[mine]),
                follows[mine],
                places.covered[mine],
                client_starts,
                client[client_starts],
            )
        )
    return found


def _accumulate(into: Floats, slots: Ints, *columns: Floats) -> None:
    """Add columns of (clients, levels) to the clients' rows, which may be one for several."""
    levels = columns[0].shape[1]
    np.add.at(into, slots, np.pad(np.stack(columns, axis=1), ((0, 0), (0, 0), (0, MOST_LEVELS - levels))))


def _thinned(places: Places) -> Places:
    """At most `CELL_CAP` requests of each group."""
    if places.counts.max() <= CELL_CAP:
        return places
    starts = np.cumsum(places.counts) - places.counts
    sample = GroupedSample(CELL_CAP, places.position.size, [np.float64])
    group = np.repeat(np.arange(places.counts.size, dtype=np.uint32), places.counts)
    sample.add(group, starts, places.counts, [places.position])
    group, (position,) = sample.take()
    counts = np.bincount(group, minlength=places.counts.size)
    return Places(
        places.client, places.window, counts, places.covered, np.asarray(position, dtype=np.float64)
    )

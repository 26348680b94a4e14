"""Latent clients: requests of a trace without clients, put into groups that have lengths of their own.

Within a client input and output are drawn apart from each other, but for their rank correlation. Where the
joint lengths of a trace are others, several clients have them. They are sought by k-means (Lloyd 1982, begun
as Arthur and Vassilvitskii 2007) on the ranks of input and output; how many is told by the density of
requests that were not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.fit.density import held_out_score
from tracetide.fit.latent_guard import common_of
from tracetide.fit.ranks import Ranks
from tracetide.fit.sample import GroupedSample
from tracetide.passes.pieces import Piece
from tracetide.passes.ticks import Ticks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

_TRIED = (1, 2, 4, 8, 16)
_SAMPLE = 1 << 16
_ROUNDS = 60
_KEY = 4
_LEAST_LOSS, _LOSS = 0.01, 0.05
"""Of a number of clients in log density, absolute and relative to the best one, for it to be enough."""
_FOLD_NS = 60 * NS
_LEAST_FOLDS = 8


@dataclass(frozen=True)
class LatentClients:
    """Groups of requests by the ranks of their lengths.

    Attributes:
        inputs, outputs: of the sample.
        centroids: shape (K, 2), from the group with most requests to that with fewest.
        is_modulated: whether each may have noise of its own in its rate. It may not where groups make room
            for each other.
    """

    inputs: Ranks
    outputs: Ranks
    centroids: Floats
    is_modulated: bool

    def __len__(self) -> int:
        return len(self.centroids)

    def of(self, inputs: npt.NDArray[np.integer], outputs: npt.NDArray[np.integer]) -> Codes:
        """The group of each request, from 0 on: that of the nearest centroid."""
        rank = np.stack([self.inputs.of(inputs), self.outputs.of(outputs)])
        return _nearest(rank, self.centroids)[0].astype(np.uint32)


class LatentSample:
    """Takes pieces; keeps an even choice of at most 65,536 requests that have both lengths."""

    def __init__(self) -> None:
        self._sample = GroupedSample(_SAMPLE, _SAMPLE, [np.int64] * 4)
        self._ticks = Ticks()
        self._rows = 0

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        self._ticks.see(piece.time_ns)
        inputs, outputs = (piece.column(name).astype(np.int64) for name in ("input_tokens", "output_tokens"))
        rows = np.flatnonzero((inputs > 0) & (outputs > 0))
        if rows.size:
            self._rows += rows.size
            row = piece.first_row + rows
            one = np.zeros(rows.size, dtype=np.uint32)
            columns = [piece.time_ns[rows], row, inputs[rows], outputs[rows]]
            self._sample.add(one, np.zeros(1, dtype=np.int64), np.array([rows.size]), columns)

    def find(
        self, wanted: int | None, *, least: int, window_ns: int, without: npt.NDArray[np.bool_] | None = None
    ) -> LatentClients | None:
        """The latent clients; None for one.

        Args:
            wanted: how many; None: as many as the trace tells.
            least: requests of a client; those of a smaller one belong to the nearest others.
            window_ns: length of a window of the profile.
            without: by row of the trace, which requests have a client already.
        """
        _, (time_ns, row, inputs, outputs) = self._sample.take()
        every = max(self._rows / max(time_ns.size, 1), 1.0)
        if without is not None:
            is_left = ~np.append(without, np.zeros(1, dtype=bool))[np.minimum(row, without.size)]
            time_ns, inputs, outputs = (column[is_left] for column in (time_ns, inputs, outputs))
        fewest = max(1.0, least / every)
        if time_ns.size < 2 * fewest or wanted == 1:
            return None
        times = np.asarray(time_ns, dtype=np.int64)
        lengths = [np.asarray(column, dtype=np.int64) for column in (inputs, outputs)]
        among = [Ranks(of) for of in lengths]
        rank = np.stack([ranks.of(of) for ranks, of in zip(among, lengths, strict=True)])
        centroids = _clusters(rank, wanted) if wanted is not None else _best(rank, times)
        centroids = _large_ones(rank, centroids, fewest)
        if len(centroids) < 2:
            return None
        group = _nearest(rank, centroids)[0]
        common = common_of(times, group, len(centroids), window_ns=window_ns, tick_ns=self._ticks.largest)
        if wanted is None and common.is_one_source:
            return None
        return LatentClients(among[0], among[1], centroids, not common.is_negative)


def _best(rank: Floats, time_ns: Ints) -> Floats:
    """The fewest clusters that are nearly as good as any."""
    length = max(1, min(_FOLD_NS, int(time_ns[-1] - time_ns[0]) // _LEAST_FOLDS))
    fold = (time_ns - time_ns[0]) // length % 2 == 1
    if fold.all() or not fold.any():
        return _clusters(rank, 1)
    found = {k: _clusters(rank, k) for k in _TRIED if 2 * k <= rank.shape[1]}
    scores = {k: held_out_score(rank, _nearest(rank, of)[0], k, fold) for k, of in found.items()}
    best = max(scores.values())
    enough = best - max(_LEAST_LOSS, _LOSS * best)
    return found[min(k for k, score in scores.items() if score >= enough)]


def _clusters(rank: Floats, k: int) -> Floats:
    """Centroids of k-means, shape (k, 2); the same on every machine, as all sums have one order."""
    centroids = _first_centroids(rank, k)
    for _ in range(_ROUNDS):
        group = _nearest(rank, centroids)[0]
        sizes = np.bincount(group, minlength=k)
        moved = np.stack([np.bincount(group, of, k) for of in rank], axis=1) / np.maximum(sizes, 1)[:, None]
        moved[sizes == 0] = centroids[sizes == 0]
        if np.array_equal(moved, centroids):
            break
        centroids = moved
    return centroids


def _first_centroids(rank: Floats, k: int) -> Floats:
    """Requests that are far from those chosen before: with odds of the squared distance."""
    draw = np.random.Generator(np.random.Philox(key=_KEY))
    odds = np.ones(rank.shape[1])
    chosen = np.empty((k, 2))
    for i in range(k):
        running = np.cumsum(odds)
        at = min(int(np.searchsorted(running, draw.random() * running[-1], "right")), odds.size - 1)
        chosen[i] = rank[:, at]
        odds = _nearest(rank, chosen[: i + 1])[1]
    return chosen


def _nearest(rank: Floats, centroids: Floats) -> tuple[Ints, Floats]:
    """The nearest centroid of each request, the first of several, and its squared distance."""
    group = np.zeros(rank.shape[1], dtype=np.int64)
    least = np.full(rank.shape[1], np.inf)
    for k, (x, y) in enumerate(centroids):
        distance = (rank[0] - x) ** 2 + (rank[1] - y) ** 2
        is_nearer = distance < least
        group[is_nearer] = k
        least = np.minimum(least, distance)
    return group, least


def _large_ones(rank: Floats, centroids: Floats, fewest: float) -> Floats:
    """Without those that have fewer requests, one by one; the largest first."""
    while True:
        sizes = np.bincount(_nearest(rank, centroids)[0], minlength=len(centroids))
        if len(centroids) == 1 or sizes.min() >= fewest:
            return centroids[np.argsort(-sizes, kind="stable")]
        centroids = np.delete(centroids, int(np.argmin(sizes)), axis=0)

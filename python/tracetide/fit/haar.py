"""Haar sums: how much the counts of the two halves of an interval differ, at every scale.

A node of level j is an interval of 2^-j of a window. With n requests in it, n_l and n_r in its halves,

    squares  = sum of (n_l - n_r)^2 - n        products = sum of n (n - 1)

over the nodes of a level. Both are factorial moments: their ratio is 0 for a Poisson process of an even rate,
whatever that is, stays the same when requests are thinned evenly, and is the mean square of the relative
difference of the halves' rates. Nodes begin at all quarters of their length, over edges of windows as well
where the window after is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_LEVELS = 11
"""Of nodes, the window itself being the first."""

LEAST_HALF_S = 0.3
LEAST_HALF_TICKS = 4
"""Shorter halves say nothing of a rate: of the trace's resolution instead."""


@dataclass(frozen=True)
class HaarSums:
    """Sums over nodes, as arrays of one shape whose last axis is the level.

    Attributes:
        squares, products: as above.
        over_edges: the part of `products` that is of nodes over an edge of windows.
        requests: in all nodes together; every request counts once a node, up to four times.
        nodes: how many, in whole intervals: the four shifts of one count as one.
    """

    squares: Floats
    products: Floats
    over_edges: Floats
    requests: Floats
    nodes: Floats

    def __add__(self, other: HaarSums) -> HaarSums:
        """The sums of both."""
        return HaarSums(*(mine + its for mine, its in zip(self._all(), other._all(), strict=True)))

    def __sub__(self, other: HaarSums) -> HaarSums:
        """What is left without another's."""
        return HaarSums(*(mine - its for mine, its in zip(self._all(), other._all(), strict=True)))

    def sum(self, axis: int) -> HaarSums:
        """The sums over an axis, which is not the last."""
        return HaarSums(*(column.sum(axis=axis) for column in self._all()))

    def by_run(self, starts: Ints) -> HaarSums:
        """The sums over runs of windows, the last axis but one, that begin at `starts`."""
        return HaarSums(*(np.add.reduceat(column, starts, axis=-2) for column in self._all()))

    @property
    def ratio(self) -> Floats:
        """`squares` / `products`; 0 where there are none."""
        found: Floats = np.divide(
            self.squares, self.products, out=np.zeros_like(self.squares), where=self.products != 0
        )
        return found

    def _all(self) -> tuple[Floats, ...]:
        return self.squares, self.products, self.over_edges, self.requests, self.nodes


def levels_of(window_s: float, tick_s: float) -> int:
    """How many levels of nodes a window has whose halves are long enough, at most `MOST_LEVELS`.

    Args:
        window_s: its length, in s.
        tick_s: the resolution of the trace's times, in s.
    """
    least = 2 * max(LEAST_HALF_S, LEAST_HALF_TICKS * tick_s)
    if window_s < least:
        return 0
    return min(MOST_LEVELS, 1 + int(np.log2(window_s / least)))


def bins_of(levels: int) -> int:
    """Into how many bins a window is cut for so many levels: quarters of the smallest nodes."""
    return int(2 ** (levels + 1))


def window_counts(position: Floats, row: Ints, rows: int, levels: int) -> Floats:
    """Counts in the bins of windows, (rows, bins).

    Args:
        position: of each request in its window, in [0, 1).
        row: the number of its window.
        rows: how many windows.
        levels: of nodes.
    """
    bins = bins_of(levels)
    # A position just below 1 times a power of two stays below the next whole number.
    at = row * bins + (position * bins).astype(np.int64)
    return np.bincount(at, minlength=rows * bins).reshape(rows, bins).astype(np.float64)


def haar_sums(
    counts: npt.NDArray[Any], follows: Flags, *, covered: npt.NDArray[np.float64] | None = None
) -> HaarSums:
    """The sums of each window and level, of the nodes that begin in the window.

    Args:
        counts: shape (..., windows, bins), of which bins are a power of two, at least 4.
        follows: for each window whether it comes right after the row above, of the same client. The first
            row's does not matter.
        covered: for each window which part of it was seen, above 0 up to 1; None: all of it. Nodes that are
            not wholly seen do not count.

    Returns:
        Shape (..., windows, levels).
    """
    windows, bins = counts.shape[-2:]
    levels = bins.bit_length() - 2
    seen = np.full(windows, bins) if covered is None else np.floor(covered * bins + 1e-9).astype(np.int64)
    # How many bins from the beginning of the window on belong to it and the one after.
    reach = seen + np.where(np.append(follows[1:], False) & (seen == bins), np.append(seen[1:], 0), 0)
    squares, products, over_edges, requests, nodes = np.empty((5, *counts.shape[:-1], levels))
    quarters = np.asarray(counts, dtype=np.float64)
    for level in range(levels - 1, -1, -1):
        length = bins // quarters.shape[-1]
        sums = _of_level(quarters, reach // length)
        columns = (squares, products, over_edges, requests, nodes)
        for column, value in zip(columns, sums, strict=True):
            column[..., level] = value
        quarters = quarters[..., 0::2] + quarters[..., 1::2]
    return HaarSums(squares, products, over_edges, requests, nodes / 4)


def sums_between(counts: npt.NDArray[Any], *, covered: npt.NDArray[np.float64] | None = None) -> HaarSums:
    """The sums of products of different clients, over all windows: what they have in common.

    `squares` is the sum over pairs of clients of the products of their differences, `products` that of their
    counts; a client's law of gaps does not enter. The windows are consecutive.

    Args:
        counts: shape (clients, windows, bins).
        covered: as for `haar_sums`.

    Returns:
        Shape (levels,); `nodes` are those of a client.
    """
    follows = np.ones(counts.shape[1], dtype=bool)
    together = haar_sums(counts.sum(axis=0), follows, covered=covered).sum(0)
    own = haar_sums(counts, follows, covered=covered).sum(1).sum(0)
    between = together - own
    return HaarSums(between.squares, between.products, between.over_edges, together.requests, together.nodes)


def _of_level(quarters: Floats, reach: Ints) -> tuple[Floats, Floats, Floats, Floats, Ints]:
    """The columns of `HaarSums` for nodes of four of these quarters; `nodes` not divided by the shifts."""
    size = quarters.shape[-1]
    # Windows lie one after the other, so nodes over an edge need nothing of their own.
    line = np.append(quarters.ravel(), np.zeros(3))
    halves = line[:-1] + line[1:]
    n = (halves[:-2] + halves[2:]).reshape(quarters.shape)
    difference = (halves[:-2] - halves[2:]).reshape(quarters.shape)
    end = np.minimum(reach, size + 3) - 3
    for column in (n, difference):
        column[..., size - 3 :] *= np.arange(size - 3, size) < end[:, None]
        cut = np.flatnonzero(end < size - 3)
        column[..., cut, :] *= np.arange(size) < end[cut, None]
    requests = n.sum(axis=-1)
    over = n[..., size - 3 :]
    return (
        np.einsum("...i,...i->...", difference, difference) - requests,
        np.einsum("...i,...i->...", n, n) - requests,
        (over * over - over).sum(axis=-1),
        requests,
        np.broadcast_to(np.maximum(end, 0), requests.shape),
    )

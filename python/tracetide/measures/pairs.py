"""Two whole numbers of every request: their rank correlation, and one by bins of the other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.statistics.points import Points

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_BITS = 5
_SUB = 1 << _BITS
_BINS = _SUB * (33 - _BITS)


def _bins(values: npt.NDArray[np.generic]) -> Ints:
    """Numbers of bins: single numbers below 64, then of a relative width of 1/32 to 1/64."""
    whole = values.astype(np.int64, copy=False)
    shift = np.maximum(np.frexp(whole.astype(np.float64))[1] - (_BITS + 1), 0).astype(np.int64)
    found: Ints = (shift << _BITS) + (whole >> shift)
    return found


def _edges() -> Floats:
    """The first number of every bin, and what follows the last."""
    number = np.arange(_BINS + 1)
    shift = np.maximum((number >> _BITS) - 1, 0)
    found: Floats = ((number - (shift << _BITS)) << shift).astype(np.float64)
    return found


class Pairs:
    """Counts pairs of numbers from 0 to 2^32 - 1 in a grid of bins, all of them, in 6 MiB.

    Spearman's correlation is that of the bins' mid-ranks: numbers within 3 % of each other are ties.
    Quantiles of the second number are within 1.6 %.
    """

    def __init__(self) -> None:
        self._counts: Ints = np.zeros(_BINS * _BINS, dtype=np.int64)

    def add(self, one: npt.NDArray[np.generic], other: npt.NDArray[np.generic]) -> None:
        """Count pairs."""
        if one.size:
            cell = _bins(one) * _BINS + _bins(other)
            found = np.bincount(cell)
            self._counts[: found.size] += found

    @property
    def total(self) -> int:
        """How many pairs there are."""
        return int(self._counts.sum())

    def spearman(self) -> float:
        """The rank correlation; NaN where one number does not vary."""
        grid = self._counts.reshape(_BINS, _BINS)
        rows, columns = (_mid_ranks(grid.sum(axis=axis)) for axis in (1, 0))
        of_rows, of_columns = grid.sum(axis=1), grid.sum(axis=0)
        scale = np.sqrt((of_rows @ rows**2) * (of_columns @ columns**2))
        return float(rows @ grid @ columns / scale) if scale > 0 else float("nan")

    def joint_ranks(self, cells: int = 8) -> Floats:
        """Shares of the pairs by the ranks of both, each divided into equal parts: shape (cells, cells).

        Equal numbers are spread evenly over their ranks, so rows and columns all have the same share.
        """
        grid = self._counts.reshape(_BINS, _BINS)
        rows, columns = (_cells_of(grid.sum(axis=axis), cells) for axis in (1, 0))
        found: Floats = rows @ grid @ columns.T / max(self.total, 1)
        return found

    def mutual_information(self, cells: int = 8) -> float:
        """Of the ranks, in nats, less what chance makes of as many pairs (Miller 1955); NaN for none.

        Unlike a correlation it is above 0 for any dependence: also where one number is either low or high
        when the other is high.
        """
        if not self.total:
            return float("nan")
        joint = self.joint_ranks(cells)
        present = joint > 0
        found = float(np.sum(joint[present] * np.log(joint[present] * cells**2)))
        return max(found - (cells - 1) ** 2 / (2 * self.total), 0.0)

    def quantiles(self, levels: tuple[float, ...], per_bin: int = 1000) -> list[dict[str, float]]:
        """Of the second number, by bins of the first that have at least so many pairs, or a hundredth of all.

        Bins of the first number are octaves, halved; neighbours are joined until they have enough, and a rest
        at the end that has not is left out.

        Returns:
            For every bin `low` and `high`, which is not in it, `pairs`, and a value for each level by name.
        """
        grid = self._counts.reshape(_BINS, _BINS)
        edges = _edges()
        middles = (edges[:-1] + edges[1:] - 1) / 2
        least = max(per_bin, self.total // 100)
        found: list[dict[str, float]] = []
        rows = np.flatnonzero(grid.sum(axis=1))
        if not rows.size:
            return found
        start, last, half = int(rows[0]), int(rows[-1]) + 1, _SUB // 2
        for stop in [*range((start // half + 1) * half, last, half), last]:
            block = grid[start:stop].sum(axis=0)
            if int(block.sum()) >= least or (stop == last and not found):
                present = np.flatnonzero(block)
                points = Points(middles[present], block[present].astype(np.float64))
                values = dict(zip(_names(levels), points.quantiles(levels).tolist(), strict=True))
                found.append(
                    {"low": edges[start], "high": edges[stop], "pairs": float(block.sum()), **values}
                )
                start = stop
        return found


def _cells_of(counts: Ints, cells: int) -> Floats:
    """Of every bin, its shares in equal parts of all ranks: shape (cells, bins)."""
    edges = np.append(0, np.cumsum(counts)) * (cells / max(int(counts.sum()), 1))
    parts = np.arange(cells)[:, None]
    overlap = np.minimum(edges[1:], parts + 1) - np.maximum(edges[:-1], parts)
    width = np.diff(edges)
    found: Floats = np.maximum(overlap, 0) / np.where(width > 0, width, 1)
    return found


def _names(levels: tuple[float, ...]) -> list[str]:
    return [f"p{100 * level:g}" for level in levels]


def _mid_ranks(counts: Ints) -> Floats:
    """Mean ranks of the bins, centred."""
    running = np.cumsum(counts)
    found: Floats = running - (counts + running[-1]) / 2.0
    return found

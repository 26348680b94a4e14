"""How well groups of requests tell the joint distribution of two lengths, by requests that were not counted.

A group draws its two lengths apart from each other, so groups are good if within each of them the lengths are
independent. Ranks are put on a grid; the density of a cell is the sum over groups of share x histogram of one
x histogram of the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELLS = 24
"""Of the grid, along each rank."""

_PRIOR_REQUESTS = 20
"""So many requests' worth of the independent density are mixed in: no cell is impossible."""
_LARGEST, _LARGEST_NORMAL = 0.99, 6.0
_BALANCING = 20


def held_out_score(rank: Floats, group: Ints, groups: int, fold: npt.NDArray[np.bool_]) -> float:
    """Mean log density of the requests of each fold, counted from the other; 0 for even and independent ones.

    One group has a Gaussian copula where that is better, as a client of a profile may.

    Args:
        rank: shape (2, N), from 0 to 1.
        group: of each request, below `groups`.
        fold: to which of two folds each request belongs; both have some.
    """
    cell = np.minimum((rank * CELLS).astype(np.int64), CELLS - 1)
    sums = np.zeros(2)
    for known in (fold, ~fold):
        tried = (cell[0, ~known], cell[1, ~known])
        grids = [_grid(cell[:, known], group[known], groups)]
        if groups == 1:
            grids.append(_gaussian(grids[0], rank[:, known]))
        independent = _independent(grids[0])
        requests = np.count_nonzero(known)
        for at, grid in enumerate(grids):
            mixed = (requests * grid + _PRIOR_REQUESTS * independent) / (requests + _PRIOR_REQUESTS)
            with np.errstate(divide="ignore"):
                logs = np.log(mixed * CELLS**2)
            # Cells that the other fold has no values of are all alike: what groups say of them is nothing.
            sums[at] += np.where(np.isfinite(logs), logs, 0.0)[tried].sum()
    return float(max(sums[: len(grids)]) / group.size)


def _grid(cell: Ints, group: Ints, groups: int) -> Floats:
    """The probability of each cell."""
    one, other = (
        np.bincount(group * CELLS + of, minlength=groups * CELLS).reshape(groups, CELLS) for of in cell
    )
    sizes = np.maximum(one.sum(axis=1), 1)
    found = np.zeros((CELLS, CELLS))
    for k in range(groups):
        found += np.outer(one[k], other[k]) / sizes[k]
    return found / group.size


def _independent(grid: Floats) -> Floats:
    found: Floats = np.outer(grid.sum(axis=1), grid.sum(axis=0))
    return found


def _gaussian(grid: Floats, rank: Floats) -> Floats:
    """A Gaussian copula with the ranks' correlation and the grid's margins."""
    from scipy.special import ndtri  # type: ignore[import-untyped]

    if (rank.max(axis=1) == rank.min(axis=1)).any():
        return grid
    one, other = rank - rank.mean(axis=1, keepdims=True)
    spearman = float((one * other).mean()) / float(one.std() * other.std())
    r = float(np.clip(2 * np.sin(np.pi * spearman / 6), -_LARGEST, _LARGEST))
    margins = [grid.sum(axis=1), grid.sum(axis=0)]
    middles = [np.cumsum(margin) - margin / 2 for margin in margins]
    x, y = (np.clip(ndtri(middle), -_LARGEST_NORMAL, _LARGEST_NORMAL) for middle in middles)
    squares, product = np.add.outer(x * x, y * y), np.outer(x, y)
    exponent = (r * r * squares - 2 * r * product) / (2 * (1 - r * r))
    found: Floats = np.outer(*margins) * np.exp(-exponent)
    for _ in range(_BALANCING):
        for axis in (0, 1):
            total = found.sum(axis=1 - axis, keepdims=True)
            wanted = margins[axis].reshape(total.shape)
            found *= np.divide(wanted, total, out=np.zeros_like(total), where=total > 0)
    return found

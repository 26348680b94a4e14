"""From the correlation of mid-ranks, which ties make smaller, to that of the ranks before there were ties.

A field is a step function of a normal variate, A(z) = mid-rank. With its Hermite coefficients a_k two fields
whose normals have the correlation r have mid-ranks of the correlation S(r) = sum of a_k b_k r^k (Mehler
1866), which is inverted by bisection.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint32]

TERMS = 40
LARGEST = 0.999
"""Of the normals' correlation."""

_FEW_TIES = 1e-4
_CONTINUOUS_STEPS = 4096
_BISECTIONS = 50


def hermite_coefficients(group: Codes, values: npt.NDArray[np.generic]) -> Floats:
    """Those of the mid-ranks of each group, scaled to a variance of 1.

    Args:
        group: uint32, ascending.
        values: uint32.

    Returns:
        Shape (groups, TERMS), of k = 1, 2, ...; 0 for a group of one value. Groups with hardly a tie have
        those of ranks without any.
    """
    keys = np.sort((group.astype(np.uint64) << np.uint64(32)) | values.astype(np.uint64))
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    owner = (keys[starts] >> np.uint64(32)).astype(np.int64)
    first = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
    sizes = np.diff(np.append(first, owner.size))
    counts = np.diff(np.append(starts, keys.size)).astype(np.float64)
    share = counts / np.repeat(np.add.reduceat(counts, first), sizes)
    found = np.tile(_continuous(), (first.size, 1))
    tied = np.add.reduceat(share**3, first) > _FEW_TIES
    for at in np.flatnonzero(tied).tolist():
        found[at] = _of_steps(share[first[at] : first[at] + sizes[at]])
    return found


def untied(correlation: float, products: Floats) -> float | None:
    """Spearman's correlation of ranks without ties, which mid-ranks with `correlation` come from.

    Args:
        correlation: of the mid-ranks.
        products: shape (TERMS,): of both fields' coefficients.

    Returns:
        None where ties do not allow so large a correlation.
    """
    low, high = -LARGEST, LARGEST
    powers = np.append(products[::-1], 0.0)
    if not np.polyval(powers, low) <= correlation <= np.polyval(powers, high):
        return None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if np.polyval(powers, middle) < correlation:
            low = middle
        else:
            high = middle
    return spearman_of(low)


def spearman_of(normal: float) -> float:
    """Spearman's correlation under a Gaussian copula with this correlation of its normals (Pearson 1907)."""
    return float(6 / np.pi * np.arcsin(normal / 2))


def _of_steps(share: Floats) -> Floats:
    """Of one group, from the shares of its values in ascending order."""
    from scipy.special import ndtri  # type: ignore[import-untyped]

    if share.size == 1:
        return np.zeros(TERMS)
    ends = np.cumsum(share)
    middles = ends - share / 2
    scale = np.sqrt(share @ (middles - 0.5) ** 2)
    at = ndtri(np.minimum(ends[:-1], 1 - 1e-15))
    weight = np.diff(middles) * np.exp(-at * at / 2) / np.sqrt(2 * np.pi)
    found = np.empty(TERMS)
    before, here = np.zeros(at.size), np.ones(at.size)  # He_(k-1) over the root of (k-1)!
    for k in range(1, TERMS + 1):
        found[k - 1] = weight @ here / np.sqrt(k)
        before, here = here, (at * here - np.sqrt(k - 1) * before) / np.sqrt(k)
    return found / scale


@cache
def _continuous() -> Floats:
    return _of_steps(np.full(_CONTINUOUS_STEPS, 1 / _CONTINUOUS_STEPS))

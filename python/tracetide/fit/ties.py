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
    is_tied = np.add.reduceat(share**3, first) > _FEW_TIES
    if is_tied.any():
        found[is_tied] = _of_steps(counts[np.repeat(is_tied, sizes)], sizes[is_tied])
    return found


def untied(correlation: npt.ArrayLike, products: Floats) -> Floats:
    """Spearman's correlations of ranks without ties, which mid-ranks with `correlation` come from.

    The arguments and NaN are as of `normal_of`.
    """
    return spearman_of(normal_of(correlation, products))


def normal_of(correlation: npt.ArrayLike, products: Floats) -> Floats:
    """The correlations of normals whose mid-ranks have `correlation`.

    Args:
        correlation: of the mid-ranks, of any shape.
        products: of the same shape and (TERMS,): of both fields' coefficients.

    Returns:
        NaN where ties do not allow so large a correlation.
    """
    wanted = np.asarray(correlation, dtype=np.float64)
    low, high = np.full(wanted.shape, -LARGEST), np.full(wanted.shape, LARGEST)
    is_there = (_of_normals(products, low) <= wanted) & (wanted <= _of_normals(products, high))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_low = _of_normals(products, middle) < wanted
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return np.where(is_there, low, np.nan)


def spearman_of(normal: npt.ArrayLike) -> Floats:
    """Spearman's correlation under a Gaussian copula with this correlation of its normals (Pearson 1907)."""
    found: Floats = 6 / np.pi * np.arcsin(np.asarray(normal) / 2)
    return found


def _of_normals(products: Floats, normal: Floats) -> Floats:
    """S(r), by Horner's rule."""
    found = np.zeros_like(normal)
    for k in range(TERMS - 1, -1, -1):
        found = (found + products[..., k]) * normal
    return found


def _of_steps(counts: Floats, sizes: npt.NDArray[np.int64]) -> Floats:
    """Of groups, from the counts of the values of each in ascending order, group after group."""
    from scipy.special import ndtri  # type: ignore[import-untyped]

    first = np.cumsum(sizes) - sizes
    total = np.repeat(np.add.reduceat(counts, first), sizes)
    share, running = counts / total, np.cumsum(counts)
    ends = (running - np.repeat(running[first] - counts[first], sizes)) / total
    middles = ends - share / 2
    variance = np.add.reduceat(share * (middles - 0.5) ** 2, first)
    # The step behind each value; behind a group's last one there is none.
    step = np.diff(middles, append=0.0)
    step[first + sizes - 1] = 0.0
    at = ndtri(np.minimum(ends, 1 - 1e-15))
    weight = step * np.exp(-at * at / 2) / np.sqrt(2 * np.pi)
    found = np.empty((sizes.size, TERMS))
    before, here = np.zeros(at.size), np.ones(at.size)  # He_(k-1) over the root of (k-1)!
    for k in range(1, TERMS + 1):
        found[:, k - 1] = np.add.reduceat(weight * here, first) / np.sqrt(k)
        before, here = here, (at * here - np.sqrt(k - 1) * before) / np.sqrt(k)
    scale = np.sqrt(variance)[:, None]
    return np.divide(found, scale, out=np.zeros_like(found), where=(sizes > 1)[:, None])


@cache
def _continuous() -> Floats:
    found: Floats = _of_steps(np.ones(_CONTINUOUS_STEPS), np.array([_CONTINUOUS_STEPS]))[0]
    return found

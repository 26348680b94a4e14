"""Whether groups of requests may be clients of their own: what their rates have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.fit.haar import HaarSums, bins_of, haar_sums, levels_of, sums_between

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_REQUESTS = 3
"""In a node of the smallest level, on average: with fewer a level says nothing."""
_ONE_SOURCE = 0.5
_CLEAR = 3.0
"""Standard errors. With Gaussian noise that is by chance once in 700 traces."""
_SHIFTED = 3.5
"""Of the products' sum, the variance of the differences' one: 2, times 1.75 as nodes at quarters overlap."""


@dataclass(frozen=True)
class Common:
    """What groups have in common.

    Attributes:
        is_one_source: the noise of their rates is common, most of it: one client sends all of them.
        is_negative: they make room for each other; each with noise of its own would have too much of it.
    """

    is_one_source: bool
    is_negative: bool


def common_of(time_ns: Ints, group: Ints, groups: int, *, window_ns: int, tick_ns: int) -> Common:
    """What at least two groups have in common, at all levels of Haar sums that tell something.

    Args:
        time_ns: ascending, from 0 on.
        group: of each request, below `groups`.
        window_ns: length of a window.
        tick_ns: the resolution of the times.
    """
    window = time_ns // window_ns
    first = int(window[0])
    windows = int(window[-1]) - first + 1
    each = time_ns.size / windows / _LEAST_REQUESTS
    levels = min(levels_of(window_ns / NS, tick_ns / NS), int(np.log2(max(each, 0.5))) + 1)
    if levels < 1:
        return Common(is_one_source=False, is_negative=False)
    bins = bins_of(levels)
    # In whole numbers, whose products stay below 2^63 for windows of up to eight days.
    place = (time_ns % window_ns) * bins // window_ns
    at = (group * windows + window - first) * bins + place
    counts = np.bincount(at, minlength=groups * windows * bins).reshape(groups, windows, bins)
    covered = np.ones(windows)
    covered[-1] = (int(time_ns[-1]) % window_ns + 1) / window_ns
    own = haar_sums(counts, np.ones(windows, dtype=bool), covered=covered).sum(1).sum(0)
    between = sums_between(counts, covered=covered)
    error, own_error = _error(between), _error(own)
    is_clear = own.ratio > _CLEAR * own_error
    total, common = own.ratio[is_clear].sum(), between.ratio[is_clear].sum()
    there = np.flatnonzero(between.products > 0)
    z = float((between.ratio[there] / error[there]).sum()) / float(np.sqrt(max(there.size, 1)))
    return Common(
        is_one_source=bool(is_clear.any() and common > _ONE_SOURCE * total and z > _CLEAR),
        is_negative=z < -_CLEAR,
    )


def _error(sums: HaarSums) -> Floats:
    """Of the ratios, where requests come independently at an even rate."""
    products = np.asarray(sums.products, dtype=np.float64)
    found: Floats = np.sqrt(_SHIFTED / np.maximum(products, 1.0))
    return found

"""Surrogates: the gaps of every client and window in another order.

They have the rates and the law of gaps of the trace. What a trace has that they have not is in the order of
its gaps: the rate moves within the window.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SURROGATES = 8
"""How many are made."""


def circular_gaps(position: Floats, starts: Ints) -> Floats:
    """The gaps of each group on its circle, the last being that from its last request to its first.

    Args:
        position: ascending within a group, in [0, 1).
        starts: where each group begins; none is empty.

    Returns:
        As many as there are requests; those of a group have the sum 1.
    """
    gaps = np.empty_like(position)
    gaps[:-1] = np.diff(position)
    ends = np.append(starts[1:], position.size) - 1
    gaps[ends] = 1 - (position[ends] - position[starts])
    return gaps


def surrogate(gaps: Floats, starts: Ints, key: tuple[int, int]) -> Floats:
    """Positions in [0, 1) of requests with the gaps of each group in a random order from a random phase on.

    Args:
        gaps: of groups, each with the sum 1.
        starts: where each group begins.
        key: decides the order and the phase.

    Returns:
        Positions, group after group, not in order.
    """
    counts = np.diff(np.append(starts, gaps.size))
    words = np.random.Philox(key=np.array(key, dtype=np.uint64)).random_raw(gaps.size + starts.size)
    phase = (words[gaps.size :] >> np.uint64(11)) * 2.0**-53
    # Keys differ, as they end with the place, so every way of sorting gives one order.
    place_bits = np.uint64(int(gaps.size).bit_length())
    group_bits = np.uint64(int(starts.size).bit_length())
    keys = words[: gaps.size] >> group_bits
    keys |= np.repeat(np.arange(starts.size, dtype=np.uint64) << (np.uint64(64) - group_bits), counts)
    keys >>= place_bits
    keys <<= place_bits
    keys |= np.arange(gaps.size, dtype=np.uint64)
    keys.sort()
    order = (keys & ((np.uint64(1) << place_bits) - np.uint64(1))).astype(np.int64)
    walk = np.empty(gaps.size)
    walk[0] = 0
    # Sums of whole groups are whole numbers, which the circle forgets.
    np.cumsum(gaps[order[:-1]], out=walk[1:])
    walk += np.repeat(phase, counts)
    walk -= np.floor(walk)
    return walk

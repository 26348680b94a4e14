"""What Haar sums show of a cascade: every level of the one at every level of the other.

The engine's cascade halves a window again and again, at each level with one variance rho of the shares, and
turns the result by a random angle. Let psi be 1 in the left and -1 in the right half of nodes of a level j:
to first order in rho, the rate's covariance at a distance d is rho times the sum over levels of
C_j(d) = E psi(x) psi(x + d). A node of Haar sums therefore has a mean square of

    A_ij rho = rho / l^2 * double integral of g(x) g(y) C_j(x - y)

of level j, where g is 1 in its left half and -1 in its right one, over the parts that lie in one window:
different windows have independent cascades. For i = j inside a window A is 1/3; it falls off to both sides.

The engine turns by whole leaves, so its last two levels answer more than is said here (0.44 for i = j). It is
left out, as it offsets what surrogates have too much: traces made from fits are nearer to those fitted.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from tracetide.fit.haar import MOST_LEVELS, bins_of

Floats = npt.NDArray[np.float64]

_SIGNS = np.array([1.0, 1.0, -1.0, -1.0])
"""Of the quarters of a node."""


@cache
def response() -> tuple[Floats, Floats]:
    """A of nodes inside a window, and the mean of A of those over an edge, at each of their inner quarters.

    Returns:
        Both of shape (levels of nodes, levels of the cascade), `MOST_LEVELS` each.
    """
    steps = bins_of(MOST_LEVELS)
    inside, over_edges = np.empty((2, MOST_LEVELS, MOST_LEVELS))
    for cascade_level in range(MOST_LEVELS):
        integral = _twice_integrated(_covariance(cascade_level, steps))
        for level in range(MOST_LEVELS):
            quarter = steps >> (level + 2)
            at = integral[np.arange(5) * quarter]
            # Of two quarters of a node, by how many lie from one to the other: second differences.
            apart = (at[1:] - 2 * at[:-1] + np.append(at[1], at[:-2])) * 2.0 ** (2 * level)
            pairs = np.outer(_SIGNS, _SIGNS) * apart[np.abs(np.subtract.outer(np.arange(4), np.arange(4)))]
            inside[level, cascade_level] = pairs.sum()
            over_edges[level, cascade_level] = np.mean(
                [pairs[:edge, :edge].sum() + pairs[edge:, edge:].sum() for edge in (1, 2, 3)]
            )
    return inside, over_edges


def _covariance(level: int, steps: int) -> Floats:
    """C of a level, at distances of 0, 1, ... `steps` of as many parts of a window."""
    distance = np.arange(steps + 1) / steps
    distance = np.minimum(distance, 1 - distance)
    half = 0.5 ** (level + 1)
    if level == 0:
        # Left and right are neighbours on both sides.
        return np.asarray(1 - 2 * distance / half)
    near = 1 - 1.5 * distance / half
    return np.where(distance <= half, near, np.minimum(distance / (2 * half) - 1, 0.0))


def _twice_integrated(values: Floats) -> Floats:
    """The integral of the integral from 0 on of what is linear between values on [0, 1]; exact."""
    step = 1 / (values.size - 1)
    once = np.append(0, np.cumsum((values[:-1] + values[1:]) * (step / 2)))
    twice = once[:-1] * step + (2 * values[:-1] + values[1:]) * (step * step / 6)
    return np.append(0, np.cumsum(twice))

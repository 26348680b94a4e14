"""How a client's rate moves within a window: the two numbers of a cascade, from Haar sums."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.fit.cascade_response import response
from tracetide.fit.haar import Flags, HaarSums, Ints
from tracetide.profile.rate_noise import RateNoise

Floats = npt.NDArray[np.float64]

NONE = RateNoise(0.0, 0)

_LARGEST_RHO, _MOST_LEVELS = 0.9, 10
"""Of a profile."""
_LEAST_NODES = 4
_LEAST_MEAN = 3
"""Of requests beside one request of a node: with fewer a level says nothing."""
_LEAST_GAIN = 10.0
_GAIN_OF_LEVEL = 2.0
_FEW_NODES = 64
"""A level with as many counts for half: a cascade's own squares are known to 18 % there, which is about as
well as levels agree."""
_FAR = 2.0
"""Errors."""
_AT_MOST = 2.0
"""Times what the cascade answers at a level."""


def estimate(actual: HaarSums, surrogates: HaarSums, *, least_nodes: int = 0) -> RateNoise:
    """The cascade by which a trace differs from its surrogates.

    How many levels it has is where the sum of squares of what is left, in errors, falls most; and there is
    one only where this is much. Its rho is such that the sum over levels is met, as they add up in the
    variance of counts: short nodes have large errors, and would hardly decide. Levels of few nodes count
    less, as these vary with the cascade itself. The gaps of a rate that moves vary more than at an even rate,
    and surrogates have that at all levels: those far below are left out.
    A level far above what the cascade answers by least squares counts for twice that: a rate that swings with
    one period has such a level, and a cascade that met it would move too much at all longer scales.

    Args:
        actual: shape (levels,).
        surrogates: shape (surrogates, levels).
        least_nodes: of a level that counts, if it is more than `_LEAST_NODES`.
    """
    usable = np.flatnonzero(_usable(actual, least_nodes) & (surrogates.products > 0).all(axis=0))
    if not usable.size:
        return NONE
    excess = (actual.ratio - surrogates.ratio.mean(axis=0))[usable]
    error = np.maximum(surrogates.ratio.std(axis=0, ddof=1)[usable], _least_error(actual, usable))
    # At least one of its own levels must have been measured: a short trace says nothing of the first ones.
    levels = np.arange(usable[0] + 1, min(_MOST_LEVELS, usable[-1] + 1) + 1)
    if not levels.size:
        return NONE
    # (cascades, levels of nodes): of one with as many levels.
    answers = np.cumsum(_answers(actual, usable), axis=1).T[levels - 1]
    weighted = answers / error
    product = weighted @ (excess / error)
    gain = np.where(product > 0, product**2 / (weighted * weighted).sum(axis=1), 0)
    best = int(np.argmax(gain - _GAIN_OF_LEVEL * levels))
    answered = max(product[best], 0) / (weighted[best] ** 2).sum() * answers[best]
    most = np.maximum(_AT_MOST * answered, answered + _FAR * error)
    summed = excess > -_FAR * error
    weight = summed / (1 + _FEW_NODES / actual.nodes[usable])
    rho = weight @ np.minimum(excess, most) / (weight @ answers[best]) if summed.any() else 0.0
    if gain[best] <= _LEAST_GAIN or rho <= 0:
        return NONE
    return RateNoise(float(min(rho, _LARGEST_RHO)), int(levels[best]))


def _answers(actual: HaarSums, usable: Ints) -> Floats:
    """What usable levels answer to each level of a cascade, by how many of their nodes are over edges."""
    inside, over_edges = response()
    share = (actual.over_edges[usable] / actual.products[usable])[:, None]
    answers: Floats = (1 - share) * inside[usable] + share * over_edges[usable]
    return answers


def _usable(actual: HaarSums, least_nodes: int) -> Flags:
    nodes = max(_LEAST_NODES, least_nodes)
    found: Flags = (actual.nodes >= nodes) & (actual.products >= _LEAST_MEAN * actual.requests)
    return found & (actual.products > 0)


def _least_error(actual: HaarSums, usable: Ints) -> Floats:
    """Of the ratios of a Poisson process, roughly: that of a few surrogates can be too small by chance."""
    products = actual.products[usable]
    found: Floats = np.sqrt(2 * (products + actual.requests[usable])) / products
    return found

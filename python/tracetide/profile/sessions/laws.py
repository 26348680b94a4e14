"""Laws of times, turns and tokens in sessions, as tables of whole numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.profile.distributions import (
    AliasTable,
    Constant,
    Distribution,
    Exponential,
    Gamma,
    LogNormal,
    Mixture,
    Pareto,
    QuantileTable,
    Uniform,
    Weibull,
    Zipf,
)

Law: TypeAlias = Distribution
_TABLES = (AliasTable, QuantileTable)
_BINS = 64
_NEVER = 2.0**-40  # draws have 32 bits


def law_of(name: str, value: Any) -> Law:
    """A law, a number that is always it, or a mapping {value: probability}.

    Raises:
        ValueError: if it is none of them.
    """
    if isinstance(value, Distribution):
        return value
    if isinstance(value, Mapping):
        try:
            return AliasTable(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(
            f"{name}: {value!r} is not allowed; it must be a number, a law such as Exponential(mean=30), or "
            "a mapping {value: probability}"
        )
    return Constant(float(value))


def shortest(law: Law, otherwise: float) -> float:
    """The lowest value of a law; `otherwise` for those that are kept within limits."""
    return _extreme(law, min, otherwise)


def longest(law: Law, otherwise: float) -> float:
    """The highest value of a law; `otherwise` for those that are kept within limits."""
    return _extreme(law, max, otherwise)


def _extreme(law: Law, of: Any, otherwise: float) -> float:
    parameters = law.parameters
    if isinstance(law, Constant):
        return float(parameters["value"])
    if isinstance(law, _TABLES):
        used = np.asarray(parameters["values"])[np.asarray(parameters["probabilities"]) > 0]
        return float(of(used))
    if isinstance(law, Uniform):
        return float(of(parameters["low"], parameters["high"]))
    if isinstance(law, Mixture):
        parts = [part for weight, part in parameters["components"] if weight > 0]
        return float(of(_extreme(part, of, otherwise) for part in parts))
    return otherwise


def scaled(law: Law, factor: float) -> Law:
    """The law of a variate times a factor."""
    own = law.parameters
    if isinstance(law, Constant):
        return Constant(own["value"] * factor)
    if isinstance(law, Exponential):
        return Exponential(own["mean"] * factor)
    if isinstance(law, Gamma | Weibull):
        return type(law)(own["shape"], own["scale"] * factor)
    if isinstance(law, LogNormal):
        return LogNormal(own["mu"] + float(np.log(factor)), own["sigma"])
    if isinstance(law, Pareto):
        return Pareto(own["alpha"], own["minimum"] * factor)
    if isinstance(law, Uniform):
        return Uniform(own["low"] * factor, own["high"] * factor)
    if isinstance(law, Mixture):
        return Mixture([(weight, scaled(part, factor)) for weight, part in own["components"]])
    if isinstance(law, Zipf):
        raise ValueError(f"{law!r} is not allowed for times; take a law of real values")
    values = np.asarray(own["values"], dtype=np.float64) * factor
    return type(law)(values, own["probabilities"])  # type: ignore[call-arg]


def add_whole(builder: _core.ProfileBuilder, law: Law, low: int, high: int) -> int:
    """The number of the law's distribution in a profile: rounded half up, and kept within limits.

    Laws that are no tables are kept in bins that are 1/64 of the value wide, and 1 up to 64.
    """
    if isinstance(law, Constant):
        law = AliasTable({float(law.parameters["value"]): 1.0})
    if isinstance(law, _TABLES):
        own = law.parameters
        values = np.clip(np.floor(np.asarray(own["values"], dtype=np.float64) + 0.5), low, high)
        whole, place = np.unique(values.astype(np.uint32), return_inverse=True)
        shares = np.bincount(place, np.asarray(own["probabilities"], dtype=np.float64), whole.size)
        present = shares > 0
        return builder.add_integer_pmf(whole[present], shares[present].astype(np.float64))
    first = _edges(low, high)
    # Whole numbers from a to before b are what is rounded from a - 1/2 on to before b - 1/2.
    below = np.concatenate([[0.0], np.asarray(law.cdf(first[1:] - 0.5)), [1.0]])
    shares = np.diff(below)
    used = np.flatnonzero(shares > _NEVER)
    kept = slice(int(used[0]), int(used[-1]) + 1)
    starts = first[kept].copy()
    end = high + 1 if kept.stop == first.size else int(first[kept.stop])
    # The first and last bin are not wider than the law.
    if starts.size > 1:
        starts[0] = _first_where(lambda n: law.cdf(n + 0.5) > _NEVER, int(starts[0]), int(starts[1]))
    maximum = _first_where(lambda n: 1.0 - law.cdf(n + 0.5) <= _NEVER, int(starts[-1]), end - 1)
    return builder.add_bins(starts.astype(np.uint32), np.maximum(shares[kept], 0.0), float(maximum))


def _first_where(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first whole number from low to high for which it holds, or high."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _edges(low: int, high: int) -> npt.NDArray[np.int64]:
    """Starts of bins: every number to 64, then by steps of 1/64."""
    edges = [low]
    while (following := edges[-1] + max(1, edges[-1] // _BINS)) <= high:
        edges.append(following)
    return np.array(edges, dtype=np.int64)

"""How far a compact profile is from the one it was made of: arrivals, and lengths of all its requests.

`table` prints it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.profile.bundled.knots import below

Floats = npt.NDArray[np.float64]

NS_PER_S = 1_000_000_000
_RATIO_STEPS = 1000


def requests_by_epoch(profile: _core.Profile) -> Floats:
    """Expected requests in the period by epoch and client."""
    cells = profile.cells()
    epoch = cells["window"].astype(np.int64) * profile.window_ns // profile.epoch_ns % profile.epochs
    index = epoch * profile.clients + cells["client"]
    sums = np.bincount(index, cells["rate"], profile.epochs * profile.clients)
    requests = sums * (profile.window_ns / NS_PER_S)
    return np.asarray(requests.reshape(profile.epochs, profile.clients), dtype=np.float64)


def same_arrivals(made: _core.Profile, source: _core.Profile) -> bool:
    """Whether two profiles have the same clients, and the same of them in every window."""
    if made.client_names != source.client_names or made.period_ns != source.period_ns:
        return False
    own, other = made.cells(), source.cells()
    return all(np.array_equal(own[name], other[name], equal_nan=name == "cv") for name in own)


def ks_distances(made: _core.Profile, source: _core.Profile) -> dict[str, float]:
    """By field, the Kolmogorov-Smirnov distance of the values of all requests (items for items' tokens) of
    clients with lengths. Ratios are compared at multiples of 0.001.
    """
    return {
        field: float(np.abs(_pooled(made, field) - _pooled(source, field)).max()) for field in source.fields
    }


def _pooled(profile: _core.Profile, field: str) -> Floats:
    """P(X <= v) over all requests for v = 0, 1, ... (ratios: thousandths), up to 2^20."""
    weights = requests_by_epoch(profile)
    kind, _, what = field.rpartition("_")
    if what == "tokens" and f"{kind}_count" in profile.fields:
        counts, _ = _by_distribution(profile, f"{kind}_count", weights)
        means = dict(zip(counts, (_mean(profile.distribution(id)) for id in counts), strict=True))
        for epoch, client in zip(*np.nonzero(weights), strict=True):
            id = profile.resolved(int(epoch), int(client), f"{kind}_count")
            weights[epoch, client] *= 0.0 if id is None else means[id]
    whole = field != "reason_ratio"
    ids, masses = _by_distribution(profile, field, weights)
    points = np.arange(2**20, dtype=np.float64) if whole else np.arange(_RATIO_STEPS + 1) / _RATIO_STEPS
    total = np.zeros(len(points))
    complete = np.zeros(len(points) + 1)
    for id, mass in zip(ids, masses, strict=True):
        inside = _cumulative(profile.distribution(id), points, whole=whole)
        total[: len(inside)] += mass * inside
        complete[len(inside)] += mass
    total += np.cumsum(complete[:-1])
    return total / masses.sum() if masses.sum() > 0 else total


def _by_distribution(profile: _core.Profile, field: str, weights: Floats) -> tuple[list[int], Floats]:
    masses: dict[int, float] = {}
    for epoch, client in zip(*np.nonzero(weights), strict=True):
        id = profile.resolved(int(epoch), int(client), field)
        if id is not None:
            masses[id] = masses.get(id, 0.0) + float(weights[epoch, client])
    return list(masses), np.array(list(masses.values()))


def _mean(distribution: dict[str, Any]) -> float:
    values = np.asarray(distribution["values"], dtype=np.float64)
    if distribution["kind"] == "quantiles":
        return float((values[0] + values[-1]) / 2 + values[1:-1].sum()) / (len(values) - 1)
    return float(np.average(values, weights=distribution["probabilities"]))


def _cumulative(distribution: dict[str, Any], points: Floats, *, whole: bool) -> Floats:
    """P(X <= point) up to the first point that no value exceeds, where it is 1."""
    values = np.asarray(distribution["values"], dtype=np.float64)
    inside = points[: int(np.searchsorted(points, distribution["maximum"], side="left")) + 1]
    if distribution["kind"] == "quantiles":
        at = below(values, inside + 0.5 if whole else inside, inclusive=not whole)
        at[inside >= distribution["maximum"]] = 1.0
        return at
    cumulative = np.concatenate([[0.0], np.cumsum(distribution["probabilities"])])
    return np.asarray((cumulative / cumulative[-1])[np.searchsorted(values, inside, side="right")])

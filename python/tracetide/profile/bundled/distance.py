"""How far a compact profile is from the one it was made of: rates, shares and lengths of all its requests.

`table` prints it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.profile.bundled.knots import below

Floats = npt.NDArray[np.float64]

NS_PER_S = 1_000_000_000
_RATIO_STEPS = 1000


@dataclass(frozen=True)
class Distance:
    """Of two profiles with the same clients and period.

    Attributes:
        share_error: the largest difference of a client's share of the requests.
        curve_error: the largest relative difference of the total rate in a window of the coarser grid.
        curve_error_within: mean relative difference of the total rate in the windows of the finer grid,
            weighted by requests: what the coarser grid does not show.
        ks: per field, the Kolmogorov-Smirnov distance of the values of all requests (items for items'
            tokens) of clients with lengths. Ratios are compared at multiples of 0.001.
    """

    share_error: float
    curve_error: float
    curve_error_within: float
    ks: dict[str, float]

    def rounded(self) -> dict[str, Any]:
        """As plain numbers of four digits."""
        plain = asdict(self)
        return {
            name: {field: _round(ks) for field, ks in value.items()}
            if isinstance(value, dict)
            else _round(value)
            for name, value in plain.items()
        }


def _round(value: float) -> float:
    # Rates differ by the rounding of sums only, which is not the same with every build of NumPy.
    return 0.0 if value < 1e-12 else float(f"{value:.4g}")


def compare(made: _core.Profile, source: _core.Profile) -> Distance:
    """The distance of two profiles; another period or other clients are a ValueError."""
    if made.client_names != source.client_names or made.period_ns != source.period_ns:
        raise ValueError("compare: the profiles must have the same clients and the same period")
    coarse = max(made.window_ns, source.window_ns)
    fine = min(made.window_ns, source.window_ns)
    shares = [_requests_by_client(profile) for profile in (made, source)]
    curves = [_curve(profile, coarse) for profile in (made, source)]
    within = [_curve(profile, fine) for profile in (made, source)]
    known = curves[1] > 0
    return Distance(
        share_error=float(np.abs(shares[0] - shares[1]).max()),
        curve_error=float(np.abs(curves[0][known] / curves[1][known] - 1).max()),
        curve_error_within=float(np.abs(within[0] - within[1]).sum() / within[1].sum()),
        ks=_ks(made, source),
    )


def _requests_by_client(profile: _core.Profile) -> Floats:
    cells = profile.cells()
    requests = np.bincount(cells["client"], cells["rate"], profile.clients)
    return np.asarray(requests / requests.sum())


def _curve(profile: _core.Profile, window_ns: int) -> Floats:
    """Mean total rate in windows of another length, of which one must divide the other."""
    cells = profile.cells()
    rates = np.bincount(cells["window"], cells["rate"], profile.windows)
    if window_ns >= profile.window_ns:
        return np.asarray(rates.reshape(-1, window_ns // profile.window_ns).mean(axis=1))
    return np.repeat(rates, profile.window_ns // window_ns)


def _ks(made: _core.Profile, source: _core.Profile) -> dict[str, float]:
    return {
        field: float(np.abs(_pooled(made, field) - _pooled(source, field)).max()) for field in source.fields
    }


def _pooled(profile: _core.Profile, field: str) -> Floats:
    """P(X <= v) over all requests for v = 0, 1, ... (ratios: thousandths), up to 2^20."""
    weights = _weights(profile)
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
    for id, mass in zip(ids, masses, strict=True):
        _add_cumulative(total, profile.distribution(id), points, mass, whole=whole)
    return total / masses.sum() if masses.sum() > 0 else total


def _weights(profile: _core.Profile) -> Floats:
    """Requests by epoch and client."""
    cells = profile.cells()
    epoch = cells["window"].astype(np.int64) * profile.window_ns // profile.epoch_ns % profile.epochs
    index = epoch * profile.clients + cells["client"]
    sums = np.bincount(index, cells["rate"], profile.epochs * profile.clients)
    return np.asarray(sums.reshape(profile.epochs, profile.clients), dtype=np.float64)


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


def _add_cumulative(
    total: Floats, distribution: dict[str, Any], points: Floats, mass: float, *, whole: bool
) -> None:
    """Adds `mass * P(X <= points)`; beyond the largest value only once, from there on."""
    values = np.asarray(distribution["values"], dtype=np.float64)
    end = int(np.searchsorted(points, distribution["maximum"], side="left")) + 1
    inside = points[:end]
    if distribution["kind"] == "quantiles":
        at = below(values, inside + 0.5 if whole else inside, inclusive=not whole)
        at[inside >= distribution["maximum"]] = 1.0
    else:
        cumulative = np.concatenate([[0.0], np.cumsum(distribution["probabilities"])])
        at = (cumulative / cumulative[-1])[np.searchsorted(values, inside, side="right")]
    total[:end] += mass * at
    total[end:] += mass

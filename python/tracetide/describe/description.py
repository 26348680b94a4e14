"""The statistics themselves."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RateCurve:
    """Total requests/s in equal steps of time."""

    step: float
    """Length of a step in seconds."""
    rates: list[float]
    """Requests/s of every step."""
    mean: float
    peak: float
    lowest: float


@dataclass(frozen=True)
class TopClient:
    """One of the clients with the most requests."""

    name: str
    share: float
    """Of all requests, from 0 to 1."""
    rate: float
    """Mean requests/s."""
    cv: float
    """Coefficient of variation of its gaps."""


@dataclass(frozen=True)
class Lengths:
    """Quantiles of one field or column over all requests."""

    name: str
    mean: float
    p50: float
    p90: float
    p99: float
    highest: float


@dataclass(frozen=True)
class Description:
    """Statistics of a pool (`kind` "profile") or of a trace (`kind` "trace")."""

    kind: str
    name: str
    category: str
    duration: float
    """Seconds: of the pool, or from the trace's start to its job's end, or its latest request."""
    requests: float
    """Of a pool: expected at its own rates."""
    clients: int
    active_clients: int
    """Clients that send at all."""
    rate: RateCurve
    top: list[TopClient]
    top_shares: dict[str, float]
    """Share of the requests of the top 1, 5, 10 clients."""
    burstiness: dict[str, float]
    """Of a pool: `cv_mean`, `cv_p10`, `cv_p50`, `cv_p90` of the laws from which gaps are drawn, over clients
    and windows, weighted by rate. Of a trace: `cv`, that of the gaps within windows of `window` seconds;
    `rate_shift`, how far rates of windows differ beyond that, as a CV; and `dispersion`, the variance over
    the mean of counts in `dispersion_step` seconds: 1, or a multiple of the step of a coarse clock."""
    families: dict[str, float] = field(default_factory=dict)
    """Share of the requests per family of gaps."""
    lengths: list[Lengths] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """Clients without distributions."""
    left_out_share: float = 0.0
    """Their share of the rate."""
    details: dict[str, Any] = field(default_factory=dict)
    """Of a pool: its grid and provenance; `recorded_burstiness`, the CVs of gaps as they were in the trace,
    with the keys of `burstiness`; `modulation`, of clients whose rates move inside windows: their `share` of
    the requests, and means of `rho` and `levels`; `kept`, what filters left of it; and `sessions`: `share`
    of the requests, `turns_mean`, and where they have it `wait_output`, `wait_tokens` and `persistence`,
    means over the requests of sessions. Of a trace: `stationarity`, whether its rate stays; its job, if the
    file has it; `prefixes`, the reuse of prompt blocks, if it has `hash_ids`; and `without_time`, how many
    requests have none, such as later turns of sessions in some formats, which rates and gaps leave out."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is not defined is None."""
        found = _plain(dataclasses.asdict(self))
        assert isinstance(found, dict)
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

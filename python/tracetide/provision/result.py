"""What simulated serving was like."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from tracetide import _core

_LEVELS = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


class Latencies:
    """Times in seconds, of which quantiles are known to 1/512 of their value; NaN where there are none."""

    __slots__ = ("_histogram",)

    def __init__(self, histogram: _core.LatencyHistogram) -> None:
        """The times that the core counted."""
        self._histogram = histogram

    @property
    def count(self) -> int:
        """How many."""
        return self._histogram.count

    @property
    def mean(self) -> float:
        """Exact, as are `min` and `max`."""
        return self._histogram.mean

    @property
    def min(self) -> float:
        """The shortest."""
        return self._histogram.min

    @property
    def max(self) -> float:
        """The longest."""
        return self._histogram.max

    @property
    def p50(self) -> float:
        """The median."""
        return self.quantile(0.5)

    @property
    def p90(self) -> float:
        """The 90th percentile."""
        return self.quantile(0.9)

    @property
    def p99(self) -> float:
        """The 99th percentile."""
        return self.quantile(0.99)

    def quantile(self, q: float) -> float:
        """The time of rank ceil(q * count).

        Raises:
            ValueError: unless `q` is from 0 to 1.
        """
        return self._histogram.quantile(q)

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain values for JSON; None for NaN."""
        found = {
            "mean": self.mean,
            **{name: self.quantile(q) for name, q in _LEVELS.items()},
            "max": self.max,
        }
        return {
            "count": self.count,
            **{name: None if math.isnan(value) else value for name, value in found.items()},
        }

    def __repr__(self) -> str:
        return f"<Latencies: {self.count:,}, p50 {self.p50:.4g} s, p99 {self.p99:.4g} s>"


@dataclass(frozen=True)
class ServingResult:
    """Requests served by simulated instances, all to their ends.

    Attributes:
        instances: how many.
        requests: that were served.
        rejected: that no empty instance could hold: input and output exceed its KV cache.
        input_tokens, output_tokens: of those that were served.
        preemptions: how often a request lost its KV cache to older ones.
        recomputed_tokens: that were computed anew after that.
        iterations: of all instances.
        peak_kv_tokens: the most in the KV cache of an instance.
        duration: seconds from 0 until the last request ended.
        busy: seconds of iterations, of all instances.
        ttft: time to first token, from a request's arrival.
        tbt: time between tokens: of all pairs of consecutive tokens of all requests.
        tpot: its mean over a request, of requests with two tokens or more.
        latency: from a request's arrival to its last token.
        served: with `keep_requests` the columns `request` (its row), `instance`, `preemptions`, `arrival`,
            `first_token` and `end` (seconds), in the order of the ends; else empty.
    """

    instances: int
    requests: int
    rejected: int
    input_tokens: int
    output_tokens: int
    preemptions: int
    recomputed_tokens: int
    iterations: int
    peak_kv_tokens: int
    duration: float
    busy: float
    ttft: Latencies
    tbt: Latencies
    tpot: Latencies
    latency: Latencies
    served: dict[str, Any] = field(default_factory=dict, repr=False)

    @staticmethod
    def from_core(result: _core.ServingResult, instances: int, *, keep_requests: bool) -> ServingResult:
        """The core's result."""
        return ServingResult(
            instances,
            result.requests,
            result.rejected,
            result.input_tokens,
            result.output_tokens,
            result.preemptions,
            result.recomputed_tokens,
            result.iterations,
            result.peak_kv_tokens,
            result.end,
            result.busy,
            Latencies(result.ttft),
            Latencies(result.tbt),
            Latencies(result.tpot),
            Latencies(result.latency),
            result.served() if keep_requests else {},
        )

    @property
    def utilisation(self) -> float:
        """Share of the instances' time in iterations, from 0 to 1; NaN for no time."""
        return self.busy / (self.duration * self.instances) if self.duration > 0 else math.nan

    def ttft_quantile(self, q: float) -> float:
        """The quantile of TTFT where a rejected request waits for ever."""
        total = self.requests + self.rejected
        if math.ceil(q * total) > self.requests:
            return math.inf
        return self.ttft.quantile(q * total / self.requests) if self.requests else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        times = ("ttft", "tbt", "tpot", "latency")
        kept = {name: value for name, value in vars(self).items() if name not in (*times, "served")}
        utilisation = None if math.isnan(self.utilisation) else self.utilisation
        return {**kept, "utilisation": utilisation, **{name: getattr(self, name).to_dict() for name in times}}

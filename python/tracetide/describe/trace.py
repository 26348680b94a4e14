"""Statistics of a trace, from its columns."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.columns import LIST_COLUMNS, ListColumn
from tracetide.describe.description import Description, Lengths, RateCurve, TopClient
from tracetide.describe.weighted import top_shares
from tracetide.job_facts import facts_of
from tracetide.prefixes import DEFAULT_SIZES, hits_by_level, prefix_statistics
from tracetide.trace import Trace

_STEPS = 144
_TOP = 5
_LENGTHS = ("input_tokens", "output_tokens", "reason_tokens", "text_tokens")


_MOST_STEPS = 1_000_000


def describe_trace(
    trace: Trace, name: str = "trace", *, cache_blocks: Iterable[int] = DEFAULT_SIZES
) -> Description:
    """Statistics of all requests.

    Args:
        trace: in memory.
        name: what to call it.
        cache_blocks: sizes of the prefix caches, in blocks, of which hit rates are given if the trace has
            `hash_ids`.

    Raises:
        ValueError: for a trace without requests.
    """
    if len(trace) == 0:
        raise ValueError(f"{name}: a trace without requests cannot be described")
    times: npt.NDArray[np.float64] = trace["timestamp"]
    duration = facts_of(trace.metadata).duration or float(times[-1])
    names, client, counts = _clients(trace)
    rate = _curve(times, duration)
    return Description(
        kind="trace",
        name=name,
        category=_category(trace),
        duration=duration,
        requests=len(trace),
        clients=counts.size,
        active_clients=counts.size,
        rate=rate,
        top=_top_clients(names, client, counts, times, duration),
        top_shares=top_shares(counts.astype(np.float64)),
        burstiness={"cv": _gap_cv(times), "dispersion": _dispersion(times, duration)},
        lengths=_lengths(trace),
        details=_details(trace, cache_blocks),
    )


def _details(trace: Trace, cache_blocks: Iterable[int]) -> dict[str, Any]:
    details: dict[str, Any] = {"job": trace.metadata} if trace.metadata else {}
    if "hash_ids" in trace:
        found = prefix_statistics(trace, sizes=cache_blocks).to_dict()
        facts = facts_of(trace.metadata)
        if facts.block_size:
            found["hits_by_level"] = hits_by_level(trace["hash_ids"], facts.prompt_blocks)
        details["prefixes"] = found
    return details


def _clients(trace: Trace) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The clients, the position in them of every request's client, and requests of each.

    A trace of another tool may have none: then all requests are of one.
    """
    found = [trace[name] for name in ("client_id", "client") if name in trace]
    every: Any = found[0] if found else np.zeros(len(trace), np.uint32)
    names, client, counts = np.unique(every, return_inverse=True, return_counts=True)
    return names, client, counts


def _category(trace: Trace) -> str:
    if "text_tokens" in trace:
        return "multimodal"
    return "reason" if "reason_tokens" in trace else "language"


def _curve(times: npt.NDArray[np.float64], duration: float) -> RateCurve:
    end = max(duration, float(times[-1]))
    if end <= 0:
        return RateCurve(0.0, [], float("nan"), float("nan"), float("nan"))
    edges = np.linspace(0, end, _STEPS + 1)
    rates = np.diff(np.searchsorted(times, edges[1:-1]), prepend=0, append=times.size) * (_STEPS / end)
    return RateCurve(end / _STEPS, rates.tolist(), times.size / end, float(rates.max()), float(rates.min()))


def _top_clients(
    names: npt.NDArray[Any],
    client: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    times: npt.NDArray[np.float64],
    duration: float,
) -> list[TopClient]:
    order = np.argsort(-counts, kind="stable")[:_TOP]
    return [
        TopClient(
            str(names[top]),
            float(counts[top] / times.size),
            float(counts[top] / duration) if duration > 0 else float("nan"),
            _gap_cv(times[client == top]),
        )
        for top in order
    ]


def _gap_cv(times: npt.NDArray[np.float64]) -> float:
    """Standard deviation over mean of the gaps."""
    gaps = np.diff(times)
    mean = gaps.mean() if gaps.size > 1 else 0.0
    return float(gaps.std() / mean) if mean > 0 else float("nan")


def _dispersion(times: npt.NDArray[np.float64], duration: float) -> float:
    """Variance over mean of the counts in seconds, or in longer steps where there are very many."""
    step = max(1.0, math.ceil(duration / _MOST_STEPS))
    steps = int(duration / step)
    if steps < 2:
        return float("nan")
    counts = np.diff(np.searchsorted(times, np.arange(steps + 1) * step))
    mean = counts.mean()
    return float(counts.var() / mean) if mean > 0 else float("nan")


def _lengths(trace: Trace) -> list[Lengths]:
    found = []
    for name in trace.columns:
        column = trace[name]
        if isinstance(column, ListColumn) and name in LIST_COLUMNS:
            found.append(_quantiles(name.replace("_tokens", "_items"), column.lengths()))
            found.append(_quantiles(f"{name} per item", column.flat()))
        elif name in _LENGTHS and not isinstance(column, ListColumn):
            found.append(_quantiles(name, column))
    return found


def _quantiles(name: str, values: npt.NDArray[Any]) -> Lengths:
    if values.size == 0:
        return Lengths(name, *[float("nan")] * 5)
    p50, p90, p99 = np.quantile(values, (0.5, 0.9, 0.99), method="inverted_cdf").tolist()
    return Lengths(name, float(np.mean(values)), float(p50), float(p90), float(p99), float(values.max()))

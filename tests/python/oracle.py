"""The semantics of a trace, as plainly as NumPy can say them. Not fast, and not equal byte by byte: the
engine must be equal to it in law (and in counts, where these are not random).

The second part holds closed forms of renewal theory that tests compare the engine with.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

Array = npt.NDArray[np.float64]
EXPONENTIAL, GAMMA, WEIBULL = 0, 1, 2
FAMILIES = ("exponential", "gamma", "weibull")
KINDS = ("image", "audio", "video")

# Gaps. Logarithms throughout: a Gamma(0.007) variate often lies below the smallest double.


def log_gamma_variates(rng: np.random.Generator, shape: float, size: int) -> Array:
    if shape >= 1:
        return np.log(rng.standard_gamma(shape, size))
    # Gamma(k) = Gamma(k + 1) U^(1/k)
    return np.log(rng.standard_gamma(shape + 1, size)) + np.log1p(-rng.random(size)) / shape


def log_gaps(rng: np.random.Generator, family: int, shape: float, size: int) -> Array:
    """Logarithms of `size` independent gaps of mean 1."""
    if family == EXPONENTIAL:
        return np.log(rng.standard_exponential(size))
    if family == GAMMA:
        return log_gamma_variates(rng, shape, size) - math.log(shape)
    return np.log(rng.standard_exponential(size)) / shape - math.lgamma(1 + 1 / shape)


def log_length_biased_gap(rng: np.random.Generator, family: int, shape: float) -> float:
    """A gap seen at a random instant: density x f(x) / mean."""
    if family == EXPONENTIAL:
        return float(np.log(rng.standard_gamma(2.0)))
    if family == GAMMA:
        return float(np.log(rng.standard_gamma(shape + 1)) - math.log(shape))
    return float(np.log(rng.standard_gamma(1 + 1 / shape)) / shape - math.lgamma(1 + 1 / shape))


def normalised(logs: Array) -> Array:
    """Gaps scaled to sum 1."""
    gaps = np.exp(logs - logs.max())
    return gaps / gaps.sum()


# Arrivals of one client in one window of length T, in seconds from its start


def pinned_counts(rng: np.random.Generator, expected: Array) -> npt.NDArray[np.int64]:
    """Systematic rounding over the clients of one window with one uniform."""
    steps = np.floor(np.concatenate([[0.0], np.cumsum(expected)]) + rng.random())
    return np.diff(steps).astype(np.int64)


def pinned_arrivals(rng: np.random.Generator, count: int, length: float, family: int, shape: float) -> Array:
    """`count` gaps laid on a circle, with a uniform phase."""
    if count == 0:
        return np.empty(0)
    position = np.cumsum(normalised(log_gaps(rng, family, shape, count))) + rng.random()
    return np.sort(position % 1.0) * length


def renewal_arrivals(
    rng: np.random.Generator, rate: float, length: float, family: int, shape: float
) -> Array:
    """A stationary renewal process seen through a window."""
    mean = 1.0 / rate
    time = mean * math.exp(log_length_biased_gap(rng, family, shape)) * rng.random()
    arrivals = []
    while time < length:
        more = time + np.cumsum(np.append(0.0, mean * np.exp(log_gaps(rng, family, shape, 64))))
        arrivals.append(more[:-1][more[:-1] < length])
        time = more[-1]
    return np.concatenate(arrivals) if arrivals else np.empty(0)


def servegen_count(expected: float) -> int:
    return max(math.ceil(expected) - 1, 0)


def servegen_arrivals(
    rng: np.random.Generator, expected: float, length: float, family: int, shape: float
) -> Array:
    """ceil(expected) gaps that fill the window from its start; the last is dropped."""
    return np.cumsum(normalised(log_gaps(rng, family, shape, math.ceil(expected))))[:-1] * length


# Fields


def quantile(distribution: dict[str, Any], u: Array) -> Array:
    """The value at level u, before rounding."""
    values = np.asarray(distribution["values"], dtype=np.float64)
    if distribution["kind"] == "quantiles":
        return np.interp(u, np.linspace(0, 1, values.size), values)
    cumulative = np.cumsum(distribution["probabilities"])
    place = np.searchsorted(cumulative / cumulative[-1], u, side="right")
    return values[np.minimum(place, values.size - 1)]


def whole(distribution: dict[str, Any], value: Array) -> npt.NDArray[np.int64]:
    """Rounded half up and clamped."""
    return np.clip(np.floor(value + 0.5), distribution["minimum"], distribution["maximum"]).astype(np.int64)


def draw_fields(
    rng: np.random.Generator, laws: dict[str, dict[str, Any]], size: int, coupling: str
) -> dict[str, Any]:
    """The columns of `size` requests that share their distributions; item lists as lists of arrays."""
    rank = rng.random(size)

    def draw(field: str) -> Array:
        return quantile(laws[field], rank if coupling == "comonotonic" else rng.random(size))

    columns: dict[str, Any] = {"output_tokens": whole(laws["output_tokens"], draw("output_tokens"))}
    if "text_tokens" not in laws:
        columns["input_tokens"] = whole(laws["input_tokens"], draw("input_tokens"))
        if "reason_ratio" in laws:
            ratio = draw("reason_ratio")
            columns["reason_tokens"] = np.floor(ratio * columns["output_tokens"] + 0.5).astype(np.int64)
        return columns

    columns["text_tokens"] = whole(laws["text_tokens"], draw("text_tokens"))
    columns["input_tokens"] = columns["text_tokens"].copy()
    for kind in KINDS:
        counts = whole(laws[f"{kind}_count"], draw(f"{kind}_count"))
        law = laws[f"{kind}_tokens"]
        items = [whole(law, quantile(law, rng.random(count))) for count in counts]
        columns["input_tokens"] += np.array([item.sum() for item in items], dtype=np.int64)
        columns[f"{kind}_tokens"] = items
    return columns


# The whole path


def plan(
    profile: Any,
    *,
    duration: float,
    rate: float | None = None,
    span: tuple[float, float] | None = None,
) -> list[dict[str, Any]]:
    """Per window of the job: its start and length in seconds, its clients and their expected counts."""
    cells = profile.cells()
    window_s = profile.window_ns / 1e9
    first, last = 0, profile.windows
    if span is not None:
        first, last = round(span[0] / window_s), round(span[1] / window_s)
    fields = profile.fields
    known = np.array(
        [profile.resolved(0, client, fields[0]) is not None for client in range(profile.clients)]
    )
    by_window = np.split(np.argsort(cells["window"], kind="stable"), np.cumsum(np.bincount(
        cells["window"], minlength=profile.windows))[:-1])  # fmt: skip
    steps = []
    for number in range(math.ceil(duration / window_s - 1e-9)):
        window = first + number % (last - first)
        index = by_window[window]
        kept = index[known[cells["client"][index]]]
        kept = kept[np.argsort(cells["client"][kept])]
        rates = cells["rate"][kept]
        total = rate if rate is not None else cells["rate"][index].sum()
        length = min(window_s, duration - number * window_s)
        steps.append(
            {
                "window": window,
                "start": number * window_s,
                "length": length,
                "client": cells["client"][kept],
                "family": cells["family"][kept],
                "shape": cells["shape"][kept],
                "rate": rates * (total / rates.sum()) if kept.size else rates,
                "expected": rates * (total / rates.sum()) * length if kept.size else rates,
            }
        )
    return steps


def laws_of(profile: Any, window: int, client: int) -> dict[str, dict[str, Any]]:
    epoch = window * profile.window_ns // profile.epoch_ns % profile.epochs
    laws = {}
    for field in profile.fields:
        id = profile.resolved(epoch, client, field)
        laws[field] = profile.distribution(id)
    return laws


def generate(
    profile: Any,
    *,
    duration: float,
    counts: str,
    coupling: str = "independent",
    rate: float | None = None,
    span: tuple[float, float] | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """The columns of a trace in time order."""
    rng = np.random.default_rng(seed)
    cache: dict[tuple[int, int], dict[str, Any]] = {}
    pieces: list[dict[str, Any]] = []
    for step in plan(profile, duration=duration, rate=rate, span=span):
        pinned = pinned_counts(rng, step["expected"]) if counts == "pinned" else None
        epoch = step["window"] * profile.window_ns // profile.epoch_ns % profile.epochs
        for place, client in enumerate(step["client"]):
            length, family, shape = step["length"], step["family"][place], step["shape"][place]
            if counts == "renewal":
                arrivals = renewal_arrivals(rng, step["rate"][place], length, family, shape)
            elif counts == "servegen":
                if servegen_count(step["expected"][place]) == 0:
                    continue
                arrivals = servegen_arrivals(rng, step["expected"][place], length, family, shape)
            else:
                assert pinned is not None
                arrivals = pinned_arrivals(rng, pinned[place], length, family, shape)
            if not arrivals.size:
                continue
            key = (epoch, int(client))
            if key not in cache:
                cache[key] = laws_of(profile, step["window"], int(client))
            ns = np.minimum(np.floor(arrivals * 1e9), round(length * 1e9) - 1)
            columns = draw_fields(rng, cache[key], arrivals.size, coupling)
            columns["ns"] = ns.astype(np.int64) + round(step["start"] * 1e9)
            columns["client_id"] = np.full(arrivals.size, client)
            pieces.append(columns)
    return merge(pieces)


def merge(pieces: list[dict[str, Any]]) -> dict[str, Any]:
    """Pieces of single clients and windows in the order (timestamp, client, position)."""
    if not pieces:
        return {"timestamp": np.empty(0), "client_id": np.empty(0, np.int64)}
    columns: dict[str, Any] = {}
    for name in pieces[0]:
        if isinstance(pieces[0][name], list):
            columns[name] = [item for piece in pieces for item in piece[name]]
        else:
            columns[name] = np.concatenate([piece[name] for piece in pieces])
    order = np.lexsort([columns["client_id"], columns["ns"]])
    for name, column in columns.items():
        columns[name] = [column[i] for i in order] if isinstance(column, list) else column[order]
    columns["timestamp"] = columns.pop("ns") / 1e9
    return columns


# Closed forms


def squared_cv(family: int, shape: float) -> float:
    """The squared coefficient of variation of a gap."""
    if family == EXPONENTIAL:
        return 1.0
    if family == GAMMA:
        return 1.0 / shape
    return math.expm1(math.lgamma(1 + 2 / shape) - 2 * math.lgamma(1 + 1 / shape))


def gap_cdf(family: int, shape: float, rate: float, t: npt.ArrayLike) -> Array:
    """P(gap <= t) at `rate` requests/s."""
    t = np.asarray(t, dtype=np.float64)
    if family == EXPONENTIAL:
        return -np.expm1(-rate * t)
    if family == GAMMA:
        return special.gammainc(shape, rate * shape * t)
    with np.errstate(divide="ignore", over="ignore"):
        return -np.expm1(-np.exp(shape * (np.log(rate * t) + math.lgamma(1 + 1 / shape))))


def first_arrival_cdf(family: int, shape: float, rate: float, t: npt.ArrayLike) -> Array:
    """The equilibrium forward recurrence law: rate * integral of P(gap > x) for x from 0 to t."""
    t = np.asarray(t, dtype=np.float64)
    beyond = rate * t * (1.0 - gap_cdf(family, shape, rate, t))
    if family == EXPONENTIAL:
        return -np.expm1(-rate * t)
    if family == GAMMA:
        return beyond + special.gammainc(shape + 1, rate * shape * t)
    with np.errstate(divide="ignore", over="ignore"):
        power = np.exp(shape * (np.log(rate * t) + math.lgamma(1 + 1 / shape)))
    return beyond + special.gammainc(1 + 1 / shape, power)


def spacing_law(shape: float, count: int) -> Any:
    """One of `count` Gamma(shape) gaps normalised to sum 1."""
    return stats.beta(shape, (count - 1) * shape)


def gamma_count_pmf(shape: float, expected: float) -> Array:
    """P(N = 0), P(N = 1), ... of a stationary renewal process with Gamma gaps in a window.

    P(N >= n) = rate * integral over the window of F_(n-1) - F_n, with F_n the law of the sum of n gaps,
    Gamma(n shape), and F_0 = 1.
    """
    highest = int(expected + 12 * math.sqrt(expected * (1 + 1 / shape)) + 40 + 40 / min(shape, 1.0))
    a = shape * np.arange(1, highest + 1)
    x = expected * shape
    # integral of F_n, in units of the mean gap
    integral = expected * special.gammainc(a, x) - a / shape * special.gammainc(a + 1, x)
    at_least = np.concatenate([[1.0], -np.diff(np.concatenate([[expected], integral]))])
    return np.maximum(-np.diff(np.append(at_least, 0.0)), 0.0)


def moments(pmf: Array) -> tuple[float, float]:
    """Mean and variance of a PMF over 0, 1, 2, ..."""
    n = np.arange(pmf.size)
    mean = float((n * pmf).sum())
    return mean, float(((n - mean) ** 2 * pmf).sum())

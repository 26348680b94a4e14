"""Parametric laws of lengths: Pareto and log-normal mixed for inputs, Exponential for outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.profile.empirical_laws import Law, whole_numbers
from tracetide.statistics.histogram import Counts, ends

Floats = npt.NDArray[np.float64]

_EM_BITS = 6
_TAIL_SHARES = (0.0, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98)
_FEW_STEPS, _MOST_STEPS = 60, 1000
_TOLERANCE = 1e-7
_LEAST_SIGMA = 0.01
_ALPHAS = (0.05, 100.0)
_ZERO = 0.5


@dataclass(frozen=True)
class Goodness:
    """What a parametric law is, and how far it is from the counts.

    Attributes:
        law: "exponential", "mixture", or "pmf" where all lengths are the same.
        parameters: by name.
        ks: the Kolmogorov-Smirnov distance of the law, rounded and clamped, from the counts.
    """

    law: str
    parameters: dict[str, float]
    ks: float


@dataclass(frozen=True)
class Tail:
    """A log-normal law with a Pareto law mixed in.

    Attributes:
        weight: of the Pareto law.
        alpha, minimum: its index and least value.
        mu, sigma: of the logarithm under the log-normal law.
        log_likelihood: of the data, by observation.
    """

    weight: float
    alpha: float
    minimum: float
    mu: float
    sigma: float
    log_likelihood: float


def exponential(counts: Counts) -> tuple[Law, Goodness | None]:
    """An Exponential law by maximum likelihood: the mean is the mean."""
    if counts.values.size == 1:
        return _same(counts)
    x, share = _points(counts)
    mean = float(share @ x)
    return _law(_core.Exponential(mean), counts, "exponential", {"mean": mean})


def mixture(counts: Counts) -> tuple[Law, Goodness | None]:
    """Log-normal and Pareto by expectation-maximisation, with the Pareto law's least value searched."""
    if counts.values.size == 1:
        return _same(counts)
    x, share = _points(counts.coarser(_EM_BITS))
    found = fit_mixture(np.maximum(x, _ZERO), share)
    log_normal = _core.LogNormal(found.mu, found.sigma)
    pareto = _core.Pareto(found.alpha, found.minimum)
    parts = [(1 - found.weight, log_normal), (found.weight, pareto)]
    law = _core.Mixture([part for part in parts if part[0] > 0])
    parameters = {
        "weight": found.weight,
        "alpha": found.alpha,
        "minimum": found.minimum,
        "mu": found.mu,
        "sigma": found.sigma,
    }
    return _law(law, counts, "mixture", parameters)


def fit_mixture(x: Floats, share: Floats) -> Tail:
    """The likeliest mixture of weighted points, with the least value of the Pareto law among them.

    Seven quantiles are tried as the least value, then points between the neighbours of the best, and so on.

    Args:
        x: points above 0, ascending.
        share: their shares, which sum to 1.
    """
    cumulative = np.cumsum(share)
    last = x.size - 2  # there must be points above
    tried = np.unique(np.minimum(np.searchsorted(cumulative, _TAIL_SHARES), last))
    while True:
        fits = _em(x, share, x[tried], _FEW_STEPS)
        best = int(np.argmax(fits[-1]))
        low, high = tried[max(best - 1, 0)], tried[min(best + 1, tried.size - 1)]
        chosen = tried[best]
        if high - low <= 2 or tried.size == 1:
            break
        tried = np.unique(np.append(np.linspace(low, high, len(_TAIL_SHARES)).astype(np.int64), chosen))
    weight, alpha, mu, sigma, likelihood = (
        float(column[0]) for column in _em(x, share, x[[chosen]], _MOST_STEPS)
    )
    return Tail(weight if weight > 1e-9 else 0.0, alpha, float(x[chosen]), mu, sigma, likelihood)


def _em(
    x: Floats, share: Floats, minimum: Floats, steps: int
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Weights, indices, means, deviations and log-likelihoods, for each least value of the Pareto law."""
    logs = np.log(x)
    is_tail = x >= minimum[:, None]
    over = np.where(is_tail, logs - np.log(minimum)[:, None], 0.0)
    mu = np.full(minimum.size, share @ logs)
    sigma = np.maximum(np.sqrt((logs - mu[:, None]) ** 2 @ share), _LEAST_SIGMA)
    weight = 0.5 * (is_tail @ share)
    alpha = np.clip(2 * weight / np.maximum(over @ share, 1e-12), *_ALPHAS)
    last = np.full(minimum.size, -np.inf)
    for _ in range(steps):
        score = (logs - mu[:, None]) / sigma[:, None]
        body = ((1 - weight) / sigma / np.sqrt(2 * np.pi))[:, None] * np.exp(-0.5 * score**2)
        tail = np.where(is_tail, (weight * alpha)[:, None] * np.exp(-alpha[:, None] * over), 0.0)
        density = np.maximum(body + tail, 1e-300)
        likelihood = (np.log(density) - logs) @ share
        if (likelihood - last < _TOLERANCE).all():
            break
        last = likelihood
        to_tail = share * tail / density
        to_body = share - to_tail
        weight = np.minimum(to_tail.sum(axis=1), 1 - 1e-9)
        alpha = np.clip(weight / np.maximum((to_tail * over).sum(axis=1), 1e-12), *_ALPHAS)
        mu = to_body @ logs / (1 - weight)
        variance = (to_body * (logs - mu[:, None]) ** 2).sum(axis=1) / (1 - weight)
        sigma = np.maximum(np.sqrt(np.maximum(variance, 0)), _LEAST_SIGMA)
    return weight, alpha, mu, sigma, likelihood


def _same(counts: Counts) -> tuple[Law, Goodness | None]:
    value = float(counts.values[0])
    return whole_numbers(counts), Goodness("pmf", {"value": value}, 0.0)


def _points(counts: Counts) -> tuple[Floats, Floats]:
    """The middles of the bins and their shares."""
    return (counts.values + ends(counts.values, counts.bits)) / 2, counts.counts / counts.total


def _law(
    law: _core.Law, counts: Counts, name: str, parameters: dict[str, float]
) -> tuple[Law, Goodness | None]:
    """The law in bins between the least and the largest value that was seen."""
    minimum, last = int(counts.values[0]), min(counts.last, 2**32 - 1)
    values, probabilities, maximum = _core.bins(law, minimum, last)
    made = Law("bins", values, probabilities, float(maximum))
    return made, Goodness(name, parameters, _distance(law, counts))


def _distance(law: _core.Law, counts: Counts) -> float:
    """The largest distance of the distribution functions, but at the last value, where both are 1."""
    empirical = np.cumsum(counts.counts) / counts.total
    at = counts.values[:-1].astype(np.float64) + 0.5
    below = law.cdf(counts.values.astype(np.float64) - 0.5)
    before = np.append(0.0, empirical[:-1])
    return float(
        max(
            np.abs(law.cdf(at) - empirical[:-1]).max(initial=0),
            np.abs(below[1:] - before[1:]).max(initial=0),
        )
    )

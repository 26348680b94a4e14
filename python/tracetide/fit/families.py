"""Exponential, Gamma and Weibull by maximum likelihood for many groups of gaps at once, and their goodness.

A group is a run of an array. Every step is one operation on all groups (`np.ufunc.reduceat`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SMALLEST_SHAPE, LARGEST_SHAPE = 0.005, 1e5
"""What a profile can hold; fitted shapes are clamped to it."""

_AIC_GAIN = 1.0
_FAR_BELOW = 1e-3
"""Of the mean gap: what is below can count by its number alone, as laws are powers there."""
_TOLERANCE = 1e-7
_MOST_STEPS = 60


@dataclass(frozen=True)
class Fits:
    """The fits of G groups.

    Attributes:
        family: uint8 (G,), the best: the more likely of Gamma and Weibull if its log-likelihood exceeds the
            Exponential's by more than 1, which is what Akaike's criterion asks for one parameter more.
        shape: (G,), of the best; 1 for Exponential.
        shapes: (3, G), by family.
        log_likelihood: (3, G).
        ks: (3, G), Kolmogorov-Smirnov statistics, or NaN where not asked for.
        p_value: (3, G), of the statistics, asymptotic, as if the parameters were not from the same gaps.
    """

    family: npt.NDArray[np.uint8]
    shape: Floats
    shapes: Floats
    log_likelihood: Floats
    ks: Floats
    p_value: Floats


def fit_groups(gaps: Floats, starts: Ints, *, with_ks: bool, seen_from: float = 0.0) -> Fits:
    """Fit every group.

    Bursts of a law with a small shape have many gaps below the resolution of times. What these are is not
    known, but they would decide the mean of the logarithms. So gaps below `seen_from` count as that alone
    (left-censored). Near 0 both distribution functions are powers, F(x) ~ x^k, which makes the terms below.

    Args:
        gaps: float64 above 0, group after group; the unit does not matter.
        starts: where each group begins; none is empty.
        with_ks: whether to compute the Kolmogorov-Smirnov statistics, which needs a sort.
        seen_from: of gaps below, only that they are is known; where it is far below a group's mean.
    """
    counts = np.diff(np.append(starts, gaps.size))
    mean = np.add.reduceat(gaps, starts) / counts
    is_unseen = gaps < np.repeat(np.where(seen_from < _FAR_BELOW * mean, seen_from, 0.0), counts)
    unseen = np.add.reduceat(is_unseen, starts, dtype=np.int64)
    seen = 1 - unseen / counts
    logs = np.log(np.where(is_unseen, seen_from, gaps))
    mean_log = np.add.reduceat(logs, starts) / counts
    gamma = gamma_shapes(np.log(mean) - mean_log, seen)
    weibull, log_scale = weibull_shapes(logs, mean_log, starts, counts, seen, is_unseen)
    shapes = np.stack([np.ones_like(gamma), gamma, weibull])
    log_likelihood = counts * np.stack(
        [
            -np.log(mean) - 1,
            (gamma - 1) * mean_log - gamma - gamma * np.log(mean / gamma) - special.gammaln(gamma),
            np.log(weibull) - weibull * log_scale + (weibull - 1) * mean_log - 1,
        ]
    )
    # A density at seen_from becomes the probability of what is below: times seen_from / k.
    log_likelihood += unseen * (np.log(seen_from or 1.0) - np.log(shapes))
    better = 1 + np.argmax(log_likelihood[1:], axis=0)
    groups = np.arange(counts.size)
    is_better = log_likelihood[better, groups] > log_likelihood[0] + _AIC_GAIN
    family = np.where(is_better, better, 0).astype(np.uint8)
    ks = np.full(shapes.shape, np.nan)
    p_value = np.full(shapes.shape, np.nan)
    if with_ks:
        ks = _ks_statistics(gaps, starts, counts, mean, gamma, weibull, log_scale)
        p_value = ks_p_value(ks, counts)
    return Fits(family, shapes[family, groups], shapes, log_likelihood, ks, p_value)


def gamma_shapes(spread: Floats, seen: Floats | float = 1.0) -> Floats:
    """Maximum-likelihood shapes k of Gamma laws: log k - digamma(k) = log(mean) - mean(log).

    Of gaps of which a share is seen alone, and the others' logarithms are that of the bound: these are lower
    by 1/k on average, and (1 - seen) / k goes to the right side.

    Newton's method in log k from Minka's start (T. Minka, "Estimating a Gamma distribution", 2002).
    """
    s = np.maximum(spread, 1e-12)
    k = seen * (3 - s + np.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
    for _ in range(_MOST_STEPS):
        value = np.log(k) - special.digamma(k) - (1 - seen) / k - s
        slope = 1 - k * special.polygamma(1, k) + (1 - seen) / k
        step = np.clip(-value / np.minimum(slope, -1e-300), -1, 1)
        k = np.clip(k * np.exp(step), SMALLEST_SHAPE / 2, LARGEST_SHAPE * 2)
        if np.abs(step).max(initial=0) < _TOLERANCE:
            break
    clamped: Floats = np.clip(k, SMALLEST_SHAPE, LARGEST_SHAPE)
    return clamped


def weibull_shapes(
    logs: Floats, mean_log: Floats, starts: Ints, counts: Ints, seen: Floats, is_unseen: npt.NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Maximum-likelihood shapes k of Weibull laws and the logarithms of their scales.

    k solves sum(x^k log x) / sum(x^k) - 1/k = mean(log x), whose left side increases: Newton's method in
    log k, with logarithms relative to the largest gap of a group so that no power overflows. Gaps that are
    not seen have half of the power of their bound, and 1/k is that of the share that is seen.
    """
    top = np.maximum.reduceat(logs, starts)
    below = logs - np.repeat(top, counts)
    mean_below = mean_log - top
    variance = np.add.reduceat(below * below, starts) / counts - mean_below**2
    # The variance of the logarithm of a Weibull variable is (pi / k)^2 / 6.
    k = np.clip(np.pi / np.sqrt(6 * np.maximum(variance, 1e-14)), SMALLEST_SHAPE, LARGEST_SHAPE)
    left = np.arange(counts.size)
    weight = np.where(is_unseen, 0.5, 1.0)
    some, some_weight, some_starts, some_counts = below, weight, starts, counts
    for _ in range(_MOST_STEPS):
        shape = k[left]
        weights = some_weight * np.exp(some * np.repeat(shape, some_counts))
        total = np.add.reduceat(weights, some_starts)
        weights *= some
        first = np.add.reduceat(weights, some_starts) / total
        weights *= some
        second = np.add.reduceat(weights, some_starts) / total
        value = first - seen[left] / shape - mean_below[left]
        slope = second - first**2 + seen[left] / shape**2
        step = np.clip(-value / (shape * slope), -1, 1)
        k[left] = np.clip(shape * np.exp(step), SMALLEST_SHAPE / 2, LARGEST_SHAPE * 2)
        on = np.abs(step) >= _TOLERANCE
        if not on.any():
            break
        if on.sum() < 0.7 * on.size:
            kept = np.repeat(on, some_counts)
            some, some_weight = some[kept], some_weight[kept]
            left, some_counts = left[on], some_counts[on]
            some_starts = np.cumsum(some_counts) - some_counts
    k = np.clip(k, SMALLEST_SHAPE, LARGEST_SHAPE)
    power_mean = np.add.reduceat(weight * np.exp(below * np.repeat(k, counts)), starts) / counts
    return k, top + np.log(power_mean) / k


def _ks_statistics(
    gaps: Floats, starts: Ints, counts: Ints, mean: Floats, gamma: Floats, weibull: Floats, log_scale: Floats
) -> Floats:
    """The largest distances between the empirical distribution function and each law's."""
    # Floats above 0 sort as their bits do; single precision leaves room for the group.
    single = (gaps / np.repeat(mean, counts)).astype(np.float32)
    keys = np.repeat(np.arange(counts.size, dtype=np.uint64) << np.uint64(32), counts)
    keys |= single.view(np.uint32)
    keys.sort()
    x = (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32).view(np.float32).astype(np.float64)
    n = np.repeat(counts, counts).astype(np.float64)
    rank = np.arange(gaps.size) - np.repeat(starts, counts)
    low, high = rank / n, (rank + 1) / n
    shape = np.repeat(gamma, counts)
    scale = np.repeat(np.exp(np.log(mean) - log_scale), counts)
    laws = (
        -np.expm1(-x),
        special.gammainc(shape, x * shape),
        -np.expm1(-((x * scale) ** np.repeat(weibull, counts))),
    )
    return np.stack([np.maximum.reduceat(np.maximum(high - law, law - low), starts) for law in laws])


def ks_p_value(statistic: Floats, counts: Ints) -> Floats:
    """Kolmogorov's asymptotic law with Stephens' correction for finite samples (1970)."""
    root = np.sqrt(np.asarray(counts, dtype=np.float64))
    p_value: Floats = special.kolmogorov(statistic * (root + 0.12 + 0.11 / root))
    return p_value

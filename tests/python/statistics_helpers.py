"""Statistical tests with one stated false-alarm budget.

Every seed of the suite is fixed, so the suite is deterministic. The level says how likely it is that a
correct implementation, given another seed, would fail somewhere: at most `FALSE_ALARM_BUDGET` for the
whole suite. It is divided evenly over `ASSUMED_TESTS` acceptances; conftest.py fails the run if more
are made.

Each test returns an `Outcome` with a p-value and the figures behind it; `accept` is the only place that
compares a p-value with the level.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

FALSE_ALARM_BUDGET = 1e-6
ASSUMED_TESTS = 1000
ALPHA = FALSE_ALARM_BUDGET / ASSUMED_TESTS

Array = npt.NDArray[np.float64]

acceptances_made = 0


@dataclass(frozen=True)
class Outcome:
    """A p-value and what it was computed from."""

    p_value: float
    report: str


def accept(p_value: float | Outcome, what: str = "") -> None:
    """Fail unless the p-value is at least `ALPHA`."""
    global acceptances_made
    acceptances_made += 1
    outcome = p_value if isinstance(p_value, Outcome) else Outcome(p_value, "")
    assert outcome.p_value >= ALPHA, (
        f"{what or 'statistical test'}: observed p = {outcome.p_value:.3g}, threshold {ALPHA:.3g}. "
        f"{outcome.report}"
    )


def two_sided(lower: float, upper: float) -> float:
    """The p-value of both tails, from P(X <= x) and P(X >= x)."""
    return float(min(1.0, 2.0 * min(lower, upper)))


def normal_p_value(z: float) -> float:
    return float(2.0 * stats.norm.sf(abs(z)))


# Counts against probabilities


def pool_rare(
    observed: npt.ArrayLike, expected: npt.ArrayLike, min_expected: float = 10.0
) -> tuple[Array, Array]:
    """Merge all cells that expect fewer than `min_expected` into one, and that one into the smallest
    of the others if it is still too small."""
    observed = np.asarray(observed, dtype=np.float64)
    expected = np.asarray(expected, dtype=np.float64)
    rare = expected < min_expected
    if not rare.any():
        return observed, expected
    kept_observed, kept_expected = observed[~rare], expected[~rare]
    pooled_observed, pooled_expected = observed[rare].sum(), expected[rare].sum()
    if pooled_expected < min_expected and kept_expected.size:
        smallest = int(np.argmin(kept_expected))
        kept_observed[smallest] += pooled_observed
        kept_expected[smallest] += pooled_expected
        return kept_observed, kept_expected
    return np.append(kept_observed, pooled_observed), np.append(kept_expected, pooled_expected)


def chi_square(observed: npt.ArrayLike, probabilities: npt.ArrayLike, min_expected: float = 10.0) -> Outcome:
    """Pearson's chi-square of cell counts against probabilities, which are normalised here."""
    observed = np.asarray(observed, dtype=np.float64)
    probabilities = np.asarray(probabilities, dtype=np.float64)
    probabilities = probabilities / probabilities.sum()
    impossible = observed[probabilities == 0].sum()
    if impossible:
        return Outcome(0.0, f"{impossible:.0f} observations in cells of probability 0")
    total = observed.sum()
    cells, expected = pool_rare(observed, probabilities * total, min_expected)
    if cells.size < 2:
        return Outcome(1.0, "one cell")
    contributions = (cells - expected) ** 2 / expected
    statistic, freedom = contributions.sum(), cells.size - 1
    worst = int(np.argmax(contributions))
    return Outcome(
        float(stats.chi2.sf(statistic, freedom)),
        f"chi-square {statistic:.1f} for {freedom} degrees of freedom, {total:.0f} observations; "
        f"worst cell {worst}: observed {cells[worst]:.0f}, expected {expected[worst]:.1f}",
    )


def chi_square_values(
    sample: npt.ArrayLike, values: npt.ArrayLike, probabilities: npt.ArrayLike, min_expected: float = 10.0
) -> Outcome:
    """Chi-square of a discrete sample against a PMF over ascending `values`."""
    sample, values = np.asarray(sample), np.asarray(values)
    cell = np.minimum(np.searchsorted(values, sample), values.size - 1)
    strangers = np.unique(sample[values[cell] != sample])
    if strangers.size:
        return Outcome(0.0, f"values outside the support: {strangers[:5]}")
    return chi_square(np.bincount(cell, minlength=values.size), probabilities, min_expected)


def chi_square_two_sample(first: npt.ArrayLike, second: npt.ArrayLike, min_expected: float = 10.0) -> Outcome:
    """Whether two vectors of cell counts come from one law."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    both = first + second
    share = first.sum() / both.sum()
    smaller = both * min(share, 1.0 - share)
    observed, _ = pool_rare(first, smaller, min_expected)
    totals, _ = pool_rare(both, smaller, min_expected)
    if totals.size < 2:
        return Outcome(1.0, "one cell")
    statistic = ((observed - totals * share) ** 2 / (totals * share * (1.0 - share))).sum()
    return Outcome(
        float(stats.chi2.sf(statistic, totals.size - 1)),
        f"two-sample chi-square {statistic:.1f} for {totals.size - 1} degrees of freedom",
    )


def binomial(successes: int, trials: int, probability: float) -> Outcome:
    law = stats.binom(trials, probability)
    return Outcome(
        two_sided(law.cdf(successes), law.sf(successes - 1)),
        f"{successes} of {trials}, expected {trials * probability:.1f}",
    )


def poisson(count: int, mean: float) -> Outcome:
    law = stats.poisson(mean)
    return Outcome(two_sided(law.cdf(count), law.sf(count - 1)), f"{count}, expected {mean:.1f}")


# Continuous laws


def ks_one_sample(
    sample: npt.ArrayLike,
    cdf: Callable[[Array], npt.ArrayLike],
    *,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> Outcome:
    """Kolmogorov-Smirnov against a continuous law.

    Only the distribution function from `within[0]` to `within[1]` is compared: the way to leave out what
    rounding to nanoseconds has changed. Infinite sample values stand for "later than observed". Both can
    only lower the statistic, so the level holds.
    """
    low, high = within
    ordered = np.sort(np.asarray(sample, dtype=np.float64))
    n = ordered.size
    place = np.flatnonzero(np.isfinite(ordered) & (ordered >= low) & (ordered < high))
    ends = np.array([end for end in within if np.isfinite(end)])
    points = np.concatenate([ordered[place], ordered[place], ends])
    shares = np.concatenate([place + 1, place, np.searchsorted(ordered, ends)]) / n
    if not points.size:
        return Outcome(1.0, "nothing to compare")
    distances = np.abs(shares - np.asarray(cdf(points), dtype=np.float64))
    worst = int(np.argmax(distances))
    return Outcome(
        float(stats.kstwo.sf(distances[worst], n)),
        f"KS distance {distances[worst]:.4g} of {n} observations, largest at {points[worst]:.6g}",
    )


def ks_two_sample(first: npt.ArrayLike, second: npt.ArrayLike) -> Outcome:
    """Two-sample Kolmogorov-Smirnov (asymptotic law; conservative where there are ties)."""
    first, second = np.sort(np.asarray(first)), np.sort(np.asarray(second))
    points = np.concatenate([first, second])
    distances = np.abs(
        np.searchsorted(first, points, side="right") / first.size
        - np.searchsorted(second, points, side="right") / second.size
    )
    worst = int(np.argmax(distances))
    effective = first.size * second.size / (first.size + second.size)
    return Outcome(
        float(special.kolmogorov(distances[worst] * np.sqrt(effective))),
        f"KS distance {distances[worst]:.4g} of {first.size} and {second.size} observations, "
        f"largest at {points[worst]:.6g}",
    )


# Moments


def z_mean(sample: npt.ArrayLike, mean: float, variance: float) -> Outcome:
    """The mean of independent observations with known moments."""
    sample = np.asarray(sample, dtype=np.float64)
    observed = sample.mean()
    z = (observed - mean) / np.sqrt(variance / sample.size)
    return Outcome(normal_p_value(z), f"mean {observed:.6g}, expected {mean:.6g}, z = {z:.2f}")


def z_variance(sample: npt.ArrayLike, mean: float, variance: float) -> Outcome:
    """The variance of independent observations around a known mean; its spread is estimated."""
    squares = (np.asarray(sample, dtype=np.float64) - mean) ** 2
    z = (squares.mean() - variance) / np.sqrt(squares.var() / squares.size)
    return Outcome(normal_p_value(z), f"variance {squares.mean():.6g}, expected {variance:.6g}, z = {z:.2f}")


def mean_vector(samples: npt.ArrayLike, expected: npt.ArrayLike) -> Outcome:
    """Hotelling's test: the mean of independent vectors (rows) whose coordinates may be dependent."""
    samples = np.asarray(samples, dtype=np.float64)
    difference = samples.mean(axis=0) - np.asarray(expected, dtype=np.float64)
    covariance = np.cov(samples, rowvar=False)
    statistic = samples.shape[0] * difference @ np.linalg.solve(covariance, difference)
    scores = difference / np.sqrt(np.diag(covariance) / samples.shape[0])
    worst = int(np.argmax(np.abs(scores)))
    return Outcome(
        float(stats.chi2.sf(statistic, samples.shape[1])),
        f"T-square {statistic:.1f} for {samples.shape[1]} coordinates; "
        f"worst {worst}: z = {scores[worst]:.2f}",
    )


# Independence


def uncorrelated(x: npt.ArrayLike, y: npt.ArrayLike) -> Outcome:
    """Spearman's rank correlation of independent pairs is 0."""
    ranks = [stats.rankdata(values) for values in (x, y)]
    if any(np.ptp(values) == 0 for values in ranks):
        return Outcome(0.0, "a constant has no correlation")
    correlation = np.corrcoef(ranks[0], ranks[1])[0, 1]
    z = correlation * np.sqrt(ranks[0].size - 1)
    return Outcome(
        normal_p_value(z), f"rank correlation {correlation:.4g} of {ranks[0].size} pairs, z = {z:.2f}"
    )

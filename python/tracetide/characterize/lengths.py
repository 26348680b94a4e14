"""Finding 3: inputs are like Pareto and log-normal mixed, outputs like Exponential (figure 3)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.characterize.figures.lengths import chart
from tracetide.characterize.finding import Finding, Part, Whole, quantile_numbers, table_of
from tracetide.fit.parametric import fit_mixture
from tracetide.statistics.histogram import Counts
from tracetide.statistics.points import Points
from tracetide.statistics.whole_numbers import WholeNumbers, points_of_counts

Floats = npt.NDArray[np.float64]

FIELDS = ("input_tokens", "output_tokens")
TAIL = 0.95
"""The tail is what lies above this quantile."""
_EM_BITS = 6
_CURVE = np.concatenate([np.linspace(0, 1, 200), 1 - np.geomspace(1e-6, 1e-2, 80)])


class LengthFits:
    """Counts lengths exactly (`WholeNumbers`), and fits both laws to each of inputs and outputs.

    The mixture is fitted by expectation-maximisation to counts in bins of a relative width of 1/64, as in a
    fit (`fit.parametric`); all distances are from the exact counts.
    """

    def __init__(self) -> None:
        self._counts = {field: WholeNumbers() for field in FIELDS}

    def add(self, part: Part) -> None:
        """Take the next part."""
        for field, counted in self._counts.items():
            counted.add(part.column(field))

    def result(self, whole: Whole) -> Finding:
        """The finding."""
        numbers, tables = {}, {}
        for field, counted in self._counts.items():
            counts = counted.counts()
            assert counts is not None
            numbers[field], tables[f"lengths_{field}"] = fits_of(counts)
        return Finding("lengths", "3", numbers, tables, chart)


def fits_of(counts: Counts) -> tuple[dict[str, Any], Any]:
    """The numbers of lengths and of the laws fitted to them; and the curves of all.

    `ks` is the Kolmogorov-Smirnov distance of a law, rounded to whole numbers, from the lengths; `ks_body` is
    that up to the 95 % quantile; `ks_tail` compares what lies above it as distributions of their own.
    """
    points = points_of_counts(counts)
    numbers: dict[str, Any] = {
        "mean": points.mean,
        "highest": float(points.values[-1]),
        "quantiles": quantile_numbers(points),
        "laws": {},
    }
    at = np.unique(points.quantiles(_CURVE))
    curves: dict[str, Any] = {"tokens": at, "lengths": _share(points, at)}
    for name, (law, parameters) in _laws(counts, points).items():
        numbers["laws"][name] = parameters | distances(law, points)
        curves[name] = law.cdf(at + 0.5)
    return numbers, table_of(curves)


def _laws(counts: Counts, points: Points) -> dict[str, tuple[_core.Law, dict[str, float]]]:
    """Pareto and log-normal mixed, and Exponential; none where all lengths are the same."""
    if counts.values.size < 2:
        return {}
    coarse = points_of_counts(counts.coarser(_EM_BITS))
    found = fit_mixture(np.maximum(coarse.values, 0.5), coarse.weights / coarse.total)
    parts: list[tuple[float, _core.Law]] = [
        (1 - found.weight, _core.LogNormal(found.mu, found.sigma)),
        (found.weight, _core.Pareto(found.alpha, found.minimum)),
    ]
    parameters = {name: value for name, value in asdict(found).items() if name != "log_likelihood"}
    mixture = _core.Mixture([part for part in parts if part[0] > 0])
    return {
        "pareto_lognormal": (mixture, parameters),
        "exponential": (_core.Exponential(points.mean), {"mean": points.mean}),
    }


def distances(law: _core.Law, points: Points) -> dict[str, float]:
    """KS distances of a law from lengths: of all, of the body, and of the tail."""
    share = points.cumulative
    before = np.append(0.0, share[:-1])
    # A length v stands for [v - 1/2, v + 1/2) of the law.
    high, low = law.cdf(points.values + 0.5), law.cdf(points.values - 0.5)
    distance = np.maximum(np.abs(high - share), np.abs(low - before))
    start = int(np.searchsorted(share, TAIL))
    body, tail = distance[: start + 1], slice(start + 1, None)
    found = {"ks": float(distance.max()), "ks_body": float(body.max()), "ks_tail": float("nan")}
    left, law_left = 1 - share[start], 1 - float(high[start])
    if left > 0 and law_left > 0:
        of_law = (high[tail] - high[start]) / law_left
        found["ks_tail"] = float(np.abs(of_law - (share[tail] - share[start]) / left).max(initial=0))
    return found


def _share(points: Points, at: Floats) -> Floats:
    found: Floats = points.cumulative[np.searchsorted(points.values, at, side="right") - 1]
    return found

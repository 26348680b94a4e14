"""Finding 2: rate and burstiness shift over hours and days (figure 2); and 3: so do mean lengths."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tracetide.characterize.figures.rates import chart
from tracetide.characterize.finding import Finding, Part, Whole, table_of
from tracetide.measures.burstiness import GAPS, gap_cv
from tracetide.measures.intervals import Intervals, IntervalSums, is_multiple
from tracetide.measures.scales import doubled_scales, half_step, honest, honest_scales
from tracetide.measures.series import cv, dispersion, rank_correlation

FIELDS = ("input_tokens", "output_tokens")
_MOST_POINTS = 300
_LEAST_INTERVALS = 10
_LEADS: dict[float, tuple[int, ...]] = {
    0.1: (1, 2, 5),
    1: (1, 2, 5, 10, 20, 30),
    60: (1, 2, 5, 10, 20, 30),
    3600: (1, 2, 4, 6, 12),
    86400: (1, 2, 5, 10, 20, 50, 100, 200, 500),
}
"""By unit in seconds, how many of it are a readable step."""
_READABLE_S = tuple(float(lead * unit) for unit, leads in _LEADS.items() for lead in leads)


class Rates:
    """Sums of requests, gaps and lengths over intervals: exact, from 0.1 s on, at most 2^20 intervals."""

    def __init__(self) -> None:
        self._sums = IntervalSums((*GAPS, *FIELDS))
        self._late_s = 0.0

    def add(self, part: Part) -> None:
        """Take the next part."""
        gap = np.nan_to_num(part.gap_s)
        lengths = [part.column(field) for field in FIELDS]
        self._sums.add(part.piece.time_ns, ~np.isnan(part.gap_s), gap, gap * gap, *lengths)

    def result(self, whole: Whole) -> Finding:
        """The finding."""
        finest, clock = self._sums.step_s, whole.clock_s
        step = honest(readable_step(whole.duration_s, finest), clock, finest)
        self._late_s = half_step(clock, finest)
        found = self._sums.at(step, whole.duration_s, self._late_s)
        means = {f"mean_{field}": found.mean(field) for field in FIELDS}
        gap_cv = interval_cv(found)
        longest = whole.duration_s / _LEAST_INTERVALS
        steps = honest_scales(self._sums.steps(), clock, finest, longest)
        by_scale = {step: self._sums.at(step, whole.duration_s, self._late_s).requests for step in steps}
        numbers: dict[str, Any] = {
            "mean": whole.requests / whole.duration_s,
            "step": found.step_s,
            "clock_step": clock,
            "rate_range": _range(found.rate),
            "rate_cv": {f"{step:g} s": cv(counts) for step, counts in by_scale.items()},
            "dispersion": {f"{step:g} s": dispersion(counts) for step, counts in by_scale.items()},
            "gap_cv_range": _range(gap_cv),
            "mean_length_ranges": {field: _range(means[f"mean_{field}"]) for field in FIELDS},
            "rate_and_mean_length": {
                field: rank_correlation(found.rate, means[f"mean_{field}"]) for field in FIELDS
            },
        }
        columns = {"start": found.start_s, "rate": found.rate, "gap_cv": gap_cv, **means}
        tables = {"rates": table_of(columns), "variance_time": self._variance_time(clock, whole.duration_s)}
        return Finding("rates", "2, 3", numbers, tables, chart)

    def _variance_time(self, clock_s: float, duration_s: float) -> Any:
        """Variance over mean of the counts in intervals that double, up to a tenth of the trace."""
        finest = self._sums.step_s
        steps = doubled_scales(finest, clock_s, finest, duration_s / _LEAST_INTERVALS)
        counts = (self._sums.at(step, duration_s, self._late_s).requests for step in steps)
        return table_of({"interval": np.array(steps), "dispersion": np.array([*map(dispersion, counts)])})


def readable_step(duration_s: float, least_s: float) -> float:
    """The shortest length of intervals, 1 s, 2 s, 5 s and so on, that makes at most 300 of them."""
    possible = [step for step in _READABLE_S if is_multiple(step, least_s)] or [least_s]
    return next((step for step in possible if duration_s / step <= _MOST_POINTS), possible[-1])


def interval_cv(found: Intervals) -> Any:
    """The CV of the gaps that end in each interval, with n - 1; NaN below three of them."""
    gaps, total, squares = (found.sums[name] for name in GAPS)
    return gap_cv(gaps, total, squares)


def _range(values: Any) -> dict[str, float]:
    """Lowest, median and highest."""
    known = values[np.isfinite(values)]
    if not known.size:
        return dict.fromkeys(("lowest", "median", "highest"), math.nan)
    return {"lowest": float(known.min()), "median": float(np.median(known)), "highest": float(known.max())}

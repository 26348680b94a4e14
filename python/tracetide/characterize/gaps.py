"""Finding 1: gaps between requests are often bursty, and no single law fits them all (figure 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.base.vocabulary import FITTED_KEYS, GAMMA, WEIBULL
from tracetide.characterize.figures.gaps import chart
from tracetide.characterize.finding import Finding, Part, Whole, quantile_numbers, table_of
from tracetide.fit.families import Fits, fit_groups
from tracetide.fit.sample import GroupedSample
from tracetide.measures.burstiness import WindowGaps
from tracetide.statistics.log_histogram import LogHistogram
from tracetide.statistics.points import weighted_mean

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_CAP, _BUDGET = 1 << 16, 1 << 21
_LEAST_GAPS = 20
_MOST_WINDOWS = 1_000_000
_CURVE = np.concatenate([np.linspace(0, 1, 300), 1 - np.geomspace(1e-5, 1e-2, 50)])
"""Shares at which the curves of the picture have points, more of them in the tail."""


@dataclass(frozen=True)
class _Busiest:
    """The window of most gaps: its start, all of its gaps counted, and a sample of them, ascending."""

    start: float
    counted: int
    sample: Floats


class GapFits:
    """Fits Exponential, Gamma and Weibull laws to the gaps of every window, and counts all gaps.

    Mean and CV are of all gaps; quantiles are within 1/2048 (`LogHistogram`, 2 MiB). Fits are of all gaps of
    a window up to 65,536, and of 32,768 to 65,536 of them, evenly chosen, beyond. A window takes 150 bytes.
    """

    def __init__(self, window_s: float) -> None:
        self._window_ns = round(window_s * NS)
        self._first = -1
        self._all = LogHistogram()
        self._sums = np.zeros(3)
        self._windows = WindowGaps(window_s)
        self._sample = GroupedSample(_CAP, _BUDGET, [np.float64])
        self._counts: dict[int, int] = {}
        self._fits: list[dict[str, Any]] = []
        self._busiest: _Busiest | None = None

    def add(self, part: Part) -> None:
        """Take the next part."""
        gap = part.gap_s
        self._windows.add(part.piece.time_ns, gap)
        known = ~np.isnan(gap)
        gap, window = gap[known], part.piece.time_ns[known] // self._window_ns
        if not gap.size:
            return
        if self._first < 0:
            self._first = int(window[0])
        window -= self._first
        self._all.add(gap)
        self._sums += gap.size, gap.sum(), (gap * gap).sum()
        starts = np.flatnonzero(np.append(True, window[1:] != window[:-1]))
        counts = np.diff(np.append(starts, gap.size))
        last = int(window[-1])
        if last >= _MOST_WINDOWS:
            raise ValueError(
                f"window: {self._window_ns / NS:g} s is not allowed; the trace has more than "
                f"{_MOST_WINDOWS:,} such windows"
            )
        for number, count in zip(window[starts].tolist(), counts.tolist(), strict=True):
            self._counts[number] = self._counts.get(number, 0) + count
        self._sample.add(window.astype(np.uint32), starts, counts, [gap])
        self._fit(before=last)

    def _fit(self, before: int) -> None:
        """Fit the windows that are over."""
        ready = np.arange(before + 1) < before
        over = [number for number in self._counts if number < before]
        if not over:
            return
        window, (column,) = self._sample.take(ready)
        gap = np.asarray(column, dtype=np.float64)
        starts = np.flatnonzero(np.append(True, window[1:] != window[:-1]))
        sizes = np.diff(np.append(starts, gap.size))
        numbers = window[starts].astype(np.int64)
        counted = np.array([self._counts.pop(number) for number in numbers.tolist()], dtype=np.int64)
        mean = np.add.reduceat(gap, starts) / sizes
        variance = np.maximum(np.add.reduceat(gap * gap, starts) / sizes - mean**2, 0)
        self._fits.append(
            {
                "start": (self._first + numbers) * (self._window_ns / NS),
                "gaps": counted,
                "cv": np.sqrt(variance) / mean,
                **_fit_columns(fit_groups(gap, starts, with_ks=True)),
            }
        )
        most = int(counted.argmax())
        if self._busiest is None or counted[most] > self._busiest.counted:
            rows = slice(int(starts[most]), int(starts[most] + sizes[most]))
            self._busiest = _Busiest(
                float(self._fits[-1]["start"][most]), int(counted[most]), np.sort(gap[rows])
            )

    def result(self, whole: Whole) -> Finding:
        """The finding."""
        self._fit(before=max(self._counts, default=0) + 1)
        assert self._busiest is not None
        columns = self._columns()
        counted, total, squares = self._sums
        mean = total / counted
        burstiness = self._windows.result(whole.duration_s)
        points = self._all.points()
        fitted = columns["gaps"] >= _LEAST_GAPS
        weights = np.where(fitted, columns["gaps"], 0)
        numbers: dict[str, Any] = {
            "gaps": int(counted),
            "mean": mean,
            "cv": burstiness.cv,
            "cv_window": burstiness.window_s,
            "cv_of_all": math.sqrt(max(squares / counted / mean**2 - 1, 0.0)),
            "rate_shift": burstiness.rate_shift,
            "stationarity": burstiness.stationarity,
            "quantiles": quantile_numbers(points),
            "window": self._window_ns / NS,
            "windows": int(fitted.sum()),
            "share_of_families": {
                name: weighted_mean((columns["family"] == name).astype(np.float64), weights)
                for name in FITTED_KEYS
            },
            "ks_of_families": {name: weighted_mean(columns[f"ks_{name}"], weights) for name in FITTED_KEYS},
            "busiest_window": self._busiest_numbers(columns),
        }
        tables = {"gaps_windows": table_of(columns), "gaps_busiest_window": self._curves(columns)}
        return Finding("gaps", "1, 14", numbers, tables, chart)

    def _columns(self) -> dict[str, Any]:
        """By window: how many gaps, and the fits; windows are fitted in the order of time."""
        return {name: np.concatenate([one[name] for one in self._fits]) for name in self._fits[0]}

    def _busiest_numbers(self, columns: dict[str, Any]) -> dict[str, Any]:
        assert self._busiest is not None
        row = int(np.flatnonzero(columns["start"] == self._busiest.start)[0])
        found = {name: column[row].item() for name, column in columns.items()}
        return {**found, "sample": self._busiest.sample.size}

    def _curves(self, columns: dict[str, Any]) -> Any:
        """Distribution functions of the busiest window's gaps and of the laws fitted to them."""
        import pyarrow as pa
        from scipy import stats  # type: ignore[import-untyped]

        assert self._busiest is not None
        sample = self._busiest.sample
        row = self._busiest_numbers(columns)
        at = np.unique(np.quantile(sample, _CURVE, method="inverted_cdf"))
        mean = sample.mean()
        gamma, weibull = row["shape_gamma"], row["shape_weibull"]
        laws = {
            "exponential": stats.expon(scale=mean),
            "gamma": stats.gamma(gamma, scale=mean / gamma),
            # The scale of the likeliest Weibull law of this shape is the power mean of the gaps.
            "weibull": stats.weibull_min(
                weibull, scale=mean * np.mean((sample / mean) ** weibull) ** (1 / weibull)
            ),
        }
        empirical = np.searchsorted(sample, at, side="right") / sample.size
        return pa.table({"gap": at, "gaps": empirical, **{name: law.cdf(at) for name, law in laws.items()}})


def _fit_columns(fits: Fits) -> dict[str, Any]:
    return {
        "family": np.array(FITTED_KEYS)[fits.family],
        **{f"shape_{FITTED_KEYS[number]}": fits.shapes[number] for number in (GAMMA, WEIBULL)},
        **{f"ks_{name}": fits.ks[number] for number, name in enumerate(FITTED_KEYS)},
        **{f"p_{name}": fits.p_value[number] for number, name in enumerate(FITTED_KEYS)},
    }

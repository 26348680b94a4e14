"""Figure 19 of the study: the rate of short intervals against their mean lengths, trace by trace."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tracetide.compare.comparison import rate_length_correlation
from tracetide.house_style import (
    COLOURS,
    MARKERS,
    check_ending,
    house_style,
    line_style,
    new_figure,
    plain_log,
    save,
)
from tracetide.measures.intervals import Intervals
from tracetide.measures.series import autocorrelation, cv

if TYPE_CHECKING:
    from tracetide.compare.comparison import TraceComparison

_MOST_POINTS = 3000
_ROWS = (("input_tokens", "mean input, tokens"), ("output_tokens", "mean output, tokens"))
_LEAST_LAGS = 3
_MOST_LAGS = 40


def draw(comparison: TraceComparison, path: str | os.PathLike[str]) -> None:
    """Draw it; the ending of `path` chooses the format."""
    check_ending(path)
    names = comparison.names
    short = [trace.intervals(comparison.interval) for trace in comparison.traces]
    with house_style():
        figure, axes = new_figure(2, len(names) + 1, width=2.5, height=2.3)
        for row, (field, label) in enumerate(_ROWS):
            for number, found in enumerate(short):
                _scatter(axes[row, number], found, field, number)
                axes[row, number].set_title(_title("" if row else names[number], found, field))
            axes[row, 0].set_ylabel(label)
            _same_limits(axes[row, :-1])
        for axis in axes[1, :-1]:
            axis.set_xlabel("requests/s")
        _time_scales(axes[0, -1], comparison)
        _autocorrelations(axes[1, -1], comparison, short)
        figure.suptitle(f"Rate and mean lengths in intervals of {comparison.interval:g} s", fontsize=9)
        save(figure, path)


def _title(name: str, found: Intervals, field: str) -> str:
    correlation = rate_length_correlation(found, field)
    told = f"rank correlation {correlation:.2f}" if np.isfinite(correlation) else "no correlation"
    return f"{name}\n{told}" if name else told


def _time_scales(axis: Any, comparison: TraceComparison) -> None:
    for number, trace in enumerate(comparison.traces):
        steps = trace.scales()
        values = [cv(trace.sums.at(step, trace.duration_s).requests) for step in steps]
        axis.plot(steps, values, label=trace.name, **_line(number))
    plain_log(axis, x=True, y=True)
    axis.set(xlabel="interval, s", title="CV of rates by time scale")
    axis.legend()


def _autocorrelations(axis: Any, comparison: TraceComparison, short: Sequence[Intervals]) -> None:
    most = min(_MOST_LAGS, len(short[0]) // _LEAST_LAGS)
    lags = np.unique(np.geomspace(1, max(most, 1), 9).astype(int))
    for number, found in enumerate(short):
        values = [autocorrelation(found.rate, int(lag)) for lag in lags]
        axis.plot(lags * comparison.interval, values, **_line(number))
    # Of independent rates, 95 % are within it (Bartlett 1946).
    noise = 1.96 / np.sqrt(max(len(short[0]), 1))
    axis.axhspan(-noise, noise, color="#EEEEEE", zorder=0)
    plain_log(axis, x=True)
    axis.set(xlabel="lag, s", title="autocorrelation of rates")


def _line(number: int) -> dict[str, Any]:
    return {**line_style(number), "marker": MARKERS[number % len(MARKERS)], "markersize": 3.5}


def _scatter(axis: Any, found: Intervals, field: str, number: int) -> None:
    mean = found.mean(field)
    known = np.flatnonzero(np.isfinite(mean))
    chosen = known[np.linspace(0, known.size - 1, min(known.size, _MOST_POINTS)).astype(int)]
    axis.scatter(
        found.rate[chosen],
        mean[chosen],
        s=7,
        marker=MARKERS[number % len(MARKERS)],
        facecolors=COLOURS[number % len(COLOURS)],
        edgecolors="none",
        alpha=0.35,
        rasterized=True,
    )


def _same_limits(axes: Sequence[Any]) -> None:
    """The same limits for all: 0 to what nearly all points of every trace have."""
    points = [np.ma.getdata(axis.collections[0].get_offsets()) for axis in axes]
    for axis in axes:
        axis.set_xlim(0, 1.05 * max(np.quantile(found[:, 0], 0.999) for found in points))
        axis.set_ylim(0, 1.05 * max(np.quantile(found[:, 1], 0.995) for found in points))

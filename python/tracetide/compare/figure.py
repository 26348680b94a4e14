"""Figure 19 of the study: the rate of short intervals against their mean lengths, trace by trace."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tracetide.charts.chart import Axis, Chart, Dots, Level, Line, Panel, Strip, few
from tracetide.compare.measured import Measured, rate_length_correlation
from tracetide.measures.intervals import Intervals
from tracetide.measures.series import autocorrelation

_MOST_POINTS = 3000
_ROWS = (("input_tokens", "mean input, tokens"), ("output_tokens", "mean output, tokens"))
_LEAST_LAGS = 3
_MOST_LAGS = 40


def chart(traces: Sequence[Measured], interval: float, clock_s: float) -> Chart:
    """A cloud of intervals for each trace; and the burstiness of all, by intervals honest for the clock."""
    short = [trace.intervals(interval) for trace in traces]
    names = [trace.name for trace in traces]
    upper, lower = (_clouds(names, short, row) for row in (0, 1))
    return Chart(
        (
            (*upper, _variance_time(traces, clock_s)),
            (*lower, _autocorrelations(names, interval, short)),
        ),
        f"Rate and mean lengths in intervals of {interval:g} s",
        width=2.5,
        height=2.3,
    )


def _clouds(names: Sequence[str], short: Sequence[Intervals], row: int) -> list[Panel]:
    """With the same limits for all: 0 to what nearly all points of every trace have."""
    field, label = _ROWS[row]
    clouds = [_cloud(found, field, number) for number, found in enumerate(short)]
    rate = Axis(
        "requests/s" if row == len(_ROWS) - 1 else "",
        low=0,
        high=1.05 * max((float(np.quantile(cloud.x, 0.999)) for cloud in clouds if cloud.x.size), default=0),
    )
    top = 1.05 * max((float(np.quantile(cloud.y, 0.995)) for cloud in clouds if cloud.y.size), default=0)
    return [
        Panel(
            rate,
            Axis("" if number else label, low=0, high=top),
            (cloud,),
            _title("" if row else names[number], found, field),
        )
        for number, (cloud, found) in enumerate(zip(clouds, short, strict=True))
    ]


def _cloud(found: Intervals, field: str, number: int) -> Dots:
    mean = found.mean(field)
    known = np.flatnonzero(np.isfinite(mean))
    chosen = known[few(known, _MOST_POINTS)]
    return Dots(found.rate[chosen], mean[chosen], style=number)


def _title(name: str, found: Intervals, field: str) -> str:
    correlation = rate_length_correlation(found, field)
    told = f"rank correlation {correlation:.2f}" if np.isfinite(correlation) else "no correlation"
    return f"{name}\n{told}" if name else told


def _variance_time(traces: Sequence[Measured], clock_s: float) -> Panel:
    curves = [trace.variance_time(clock_s) for trace in traces]
    lines = [
        Line(steps, values, trace.name, style=number)
        for number, (trace, (steps, values)) in enumerate(zip(traces, curves, strict=True))
    ]
    return Panel(
        Axis("interval, s", log=True),
        Axis(log=True),
        (*lines, Level(1)),
        "variance over mean of counts",
        legend="best",
    )


def _autocorrelations(names: Sequence[str], interval: float, short: Sequence[Intervals]) -> Panel:
    most = min(_MOST_LAGS, len(short[0]) // _LEAST_LAGS)
    lags = np.unique(np.geomspace(1, max(most, 1), 9).astype(int))
    # Of independent rates, 95 % are within it (Bartlett 1946).
    noise = 1.96 / np.sqrt(max(len(short[0]), 1))
    lines = (
        Line(
            lags * interval,
            np.array([autocorrelation(found.rate, int(lag)) for lag in lags]),
            name,
            style=number,
            marked=True,
        )
        for number, (name, found) in enumerate(zip(names, short, strict=True))
    )
    return Panel(
        Axis("lag, s", log=True),
        Axis(),
        (Strip(-noise, noise), *lines),
        "autocorrelation of rates",
    )

"""Figure 19 of the study in numbers: generated traces beside the actual one."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.client_names import unique_names
from tracetide.base.wording import Option, Told
from tracetide.charts.chart import Chart
from tracetide.compare.measured import FIELDS, Measured, measure, rate_length_correlation
from tracetide.measures.intervals import STEPS_S, Intervals, is_multiple
from tracetide.measures.scales import honest, honest_scales, is_honest
from tracetide.measures.series import autocorrelation, cv, dispersion
from tracetide.measures.source import Source
from tracetide.statistics.distances import ks_distance, wasserstein_distance
from tracetide.statistics.points import Points

Floats = npt.NDArray[np.float64]

LAGS = (1, 10)
_LEVELS = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
_ENOUGH = 30
_LEAST_PARTS = 20
_SHORT_S = tuple(lead * unit for unit in (1, 60, 3600) for lead in (1, 2, 5, 10, 20, 30))


@dataclass(frozen=True)
class Row:
    """One measure of all traces.

    Attributes:
        measure: its name.
        unit: "" for a number.
        values: by trace, the actual one first; NaN where it is not defined.
    """

    measure: str
    unit: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class TraceComparison:
    """An actual trace and generated ones.

    Attributes:
        names: of the traces, the actual one first.
        interval: length of the short intervals, seconds.
        clock_step: the coarsest step in which the times of a trace are recorded, seconds; intervals are
            multiples of it, or at least a hundred of them.
        rows: what was measured, and how far each trace is from the actual one.
    """

    names: tuple[str, ...]
    interval: float
    clock_step: float
    rows: tuple[Row, ...]
    _traces: tuple[Measured, ...]

    @property
    def has_coarse_clock(self) -> bool:
        """Whether some intervals would have said how the clock was read, and others are taken."""
        return not is_honest(STEPS_S[0], self.clock_step)

    @property
    def clock_note(self) -> str:
        """What intervals are, in words."""
        return f"times are in steps of {self.clock_step:g} s: intervals are multiples of it, or much longer"

    def intervals(self) -> Any:
        """The points of figure 19 as a pyarrow Table.

        Columns: `trace`, `start` (seconds), `rate` (requests/s), `mean_input_tokens` and
        `mean_output_tokens` (null where no request came).
        """
        import pyarrow as pa

        parts = []
        for trace in self._traces:
            found = trace.intervals(self.interval)
            columns: dict[str, Any] = {"start": found.start_s, "rate": found.rate}
            columns |= {f"mean_{field}": found.mean(field) for field in FIELDS}
            arrays = {name: pa.array(column, from_pandas=True) for name, column in columns.items()}
            parts.append(pa.table({"trace": pa.array([trace.name] * len(found), pa.string()), **arrays}))
        return pa.concat_tables(parts)

    def table(self) -> Any:
        """A pyarrow Table with a row for every measure: `measure`, `unit`, and a column for every trace.

        - `requests`, `duration`, `rate`; `rate p99` and `rate peak` of the short intervals;
        - `rate CV 10 s` and so on: the rates' standard deviation over their mean, in intervals of 0.1 s to
          10 days of which a trace has ten, or the next multiples of the clock's step; `dispersion 10 s`:
          variance over mean of the counts, which is 1 for a Poisson process; `rate autocorrelation lag 1`
          and `lag 10`, in short intervals;
        - `gap CV` of all gaps;
        - `mean input_tokens spread`: the CV of the intervals' means; `rate and mean input_tokens`: Spearman's
          correlation of rate and mean length over intervals; and the same of outputs;
        - `input and output rank correlation`; and their `mutual information`, nats, which is above 0 for any
          dependence of their ranks;
        - `input_tokens mean`, `p50`, `p90`, `p99`, `p99.9`, and of outputs, over all requests;
        - `KS ...` and `Wasserstein ...`: distances from the actual trace of the rates and mean lengths in
          short intervals, of gaps, and of lengths. KS is from 0 to 1; Wasserstein's has the values' unit;
        - `L1 joint ranks`: from 0 to 2, the distance of the shares of requests by the ranks of input and
          output, in eighths.

        What is not defined is null.
        """
        import pyarrow as pa

        columns: dict[str, Any] = {
            "measure": [row.measure for row in self.rows],
            "unit": [row.unit for row in self.rows],
        }
        for number, name in enumerate(self.names):
            columns[name] = pa.array([row.values[number] for row in self.rows], from_pandas=True)
        return pa.table(columns)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: `interval`, `clock_step`, `traces`, `measures` by name, `variance_time`.

        The last has for each trace the intervals of its variance-time curve, in seconds, and the variance
        over mean of the counts in them. None for what is not defined.
        """
        return {
            "interval": self.interval,
            "clock_step": self.clock_step,
            "traces": list(self.names),
            "measures": {
                row.measure: {
                    "unit": row.unit,
                    "values": _plain(row.values),
                }
                for row in self.rows
            },
            "variance_time": [
                {"intervals": steps.tolist(), "variance_over_mean": _plain(values.tolist())}
                for steps, values in (trace.variance_time(self.clock_step) for trace in self._traces)
            ],
        }

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Draw figure 19, burstiness over time scales and autocorrelation: `.png`, `.svg` or `.pdf`.

        Raises:
            ImportError: if matplotlib is not installed.
            ValueError: for another ending.
            OSError: if it cannot be written.
        """
        from tracetide.charts.picture import draw

        draw(self.chart, path)

    @property
    def chart(self) -> Chart:
        """Figure 19 as data."""
        from tracetide.compare.figure import chart

        return chart(self._traces, self.interval, self.clock_step)

    @property
    def traces(self) -> tuple[Measured, ...]:
        """What was measured, for pictures."""
        return self._traces


def check_names(names: Sequence[str] | None, traces: int, option: str = "names") -> None:
    """There must be as many as traces.

    Raises:
        ValueError: if not.
    """
    if names is not None and len(names) != traces:
        raise ValueError(f"{option}: {len(names)} are not allowed; there must be {traces}, one a trace")


def compare_sources(
    sources: Sequence[Source], names: Sequence[str] | None, step_s: float | None
) -> TraceComparison:
    """Go through the traces, the actual one first, and compare; the arguments are those of `compare`."""
    unique = unique_names([source.name for source in sources] if names is None else names)
    traces = [measure(source, name, step_s) for source, name in zip(sources, unique, strict=True)]
    clock_s = max(trace.clock_s for trace in traces)
    if step_s is not None:
        _check_interval(step_s, traces)
    interval = short_interval(traces, clock_s) if step_s is None else step_s
    rows = list(_rows(traces, interval, clock_s))
    return TraceComparison(tuple(unique), interval, clock_s, tuple(rows), tuple(traces))


def _check_interval(step_s: float, traces: Sequence[Measured]) -> None:
    """It must be honest for the clocks of all traces, or it would say how these were read.

    Raises:
        ValueError: if it is not.
    """
    for trace in traces:
        nearest = honest(step_s, trace.clock_s, trace.sums.step_s)
        if nearest != step_s:
            raise ValueError(
                Told(
                    Option("interval"),
                    f": {step_s:g} s is not allowed; the times of {trace.name} are in steps of "
                    f"{trace.clock_s:.3g} s: a multiple of that is, such as {nearest:g} s, or much more",
                )
            )


def short_interval(traces: Sequence[Measured], clock_s: float) -> float:
    """The shortest with thirty requests of the first trace on average, at most a twentieth of it.

    Of those that are honest for the step of the clock.
    """
    actual = traces[0]
    finest = max(trace.sums.step_s for trace in traces)
    possible = [float(step) for step in _SHORT_S if is_multiple(step, finest)]
    possible = honest_scales(possible, clock_s, finest, math.inf)
    possible = [step for step in possible if step * _LEAST_PARTS <= actual.duration_s] or possible[:1]
    if not possible:
        return finest
    return next((step for step in possible if step * actual.rate >= _ENOUGH), possible[-1])


def _rows(traces: Sequence[Measured], interval: float, clock_s: float) -> Iterator[Row]:
    short = [trace.intervals(interval) for trace in traces]
    for found, trace in zip(short, traces, strict=True):
        if not len(found):
            length = f"{trace.name} is only {trace.duration_s:.9g} s long"
            raise ValueError(Told(Option("interval"), f": {interval:g} s is not allowed; {length}"))
    yield Row("requests", "", tuple(float(trace.requests) for trace in traces))
    yield Row("duration", "s", tuple(trace.duration_s for trace in traces))
    yield Row("rate", "requests/s", tuple(trace.rate for trace in traces))
    yield Row("rate p99", "requests/s", tuple(float(np.quantile(found.rate, 0.99)) for found in short))
    yield Row("rate peak", "requests/s", tuple(float(found.rate.max()) for found in short))
    yield from _burstiness(traces, clock_s)
    for lag in LAGS:
        values = tuple(autocorrelation(found.rate, lag) for found in short)
        yield Row(f"rate autocorrelation lag {lag}", "", values)
    yield from _rate_and_length(short)
    what = "input and output"
    yield Row(f"{what} rank correlation", "", tuple(trace.pairs.spearman() for trace in traces))
    information = tuple(trace.pairs.mutual_information() for trace in traces)
    yield Row(f"{what} mutual information", "nats", information)
    for field in FIELDS:
        lengths = [trace.lengths[field] for trace in traces]
        yield Row(f"{field} mean", "tokens", tuple(points.mean for points in lengths))
        quantiles = np.array([points.quantiles(list(_LEVELS.values())) for points in lengths])
        for number, name in enumerate(_LEVELS):
            yield Row(f"{field} {name}", "tokens", tuple(quantiles[:, number].tolist()))
    yield from _distances(traces, short)


def _burstiness(traces: Sequence[Measured], clock_s: float) -> Iterator[Row]:
    counts = [{scale: trace.counts(scale) for scale in trace.scales(clock_s)} for trace in traces]
    scales = sorted({scale for found in counts for scale in found})
    nothing = np.empty(0)
    for scale in scales:
        yield Row(f"rate CV {scale:g} s", "", tuple(cv(found.get(scale, nothing)) for found in counts))
    for scale in scales:
        values = tuple(dispersion(found.get(scale, nothing)) for found in counts)
        yield Row(f"dispersion {scale:g} s", "", values)
    yield Row("gap CV", "", tuple(trace.gap_cv for trace in traces))


def _rate_and_length(short: Sequence[Intervals]) -> Iterator[Row]:
    for field in FIELDS:
        yield Row(f"mean {field} spread", "", tuple(cv(_known(found.mean(field))) for found in short))
    for field in FIELDS:
        values = tuple(rate_length_correlation(found, field) for found in short)
        yield Row(f"rate and mean {field}", "", values)


def _distances(traces: Sequence[Measured], short: Sequence[Intervals]) -> Iterator[Row]:
    compared: list[tuple[str, str, list[Points]]] = [
        ("rate", "requests/s", [Points.of(found.rate) for found in short])
    ]
    for field in FIELDS:
        means = [Points.of(found.mean(field)) for found in short]
        compared.append((f"mean {field}", "tokens", means))
    compared.append(("gaps", "s", [trace.gaps for trace in traces]))
    compared += [(field, "tokens", [trace.lengths[field] for trace in traces]) for field in FIELDS]
    for what, _, points in compared:
        yield Row(f"KS {what}", "", tuple(ks_distance(points[0], one) for one in points))
    for what, unit, points in compared:
        yield Row(f"Wasserstein {what}", unit, tuple(wasserstein_distance(points[0], one) for one in points))
    ranks = [trace.pairs.joint_ranks() for trace in traces]
    yield Row("L1 joint ranks", "", tuple(float(np.abs(ranks[0] - one).sum()) for one in ranks))


def _plain(values: Iterable[float]) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [value if math.isfinite(value) else None for value in values]


def _known(values: Floats) -> Floats:
    known: Floats = values[np.isfinite(values)]
    return known

"""What `fidelity.py` measures of requests: bursts, load, waits, joint lengths, rate against lengths.

What the package measures itself is taken from there; the rest is written here. A trace whose clock has steps
of seconds is measured on whole steps, and so is what is compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tracetide as tt
from scipy import stats
from tracetide.base.grid import NS
from tracetide.measures.burstiness import gap_cv
from tracetide.measures.intervals import Intervals, IntervalSums
from tracetide.measures.series import autocorrelation, cv, dispersion, rank_correlation
from tracetide.statistics.distances import ks_distance, wasserstein_distance
from tracetide.statistics.points import Points

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Figures: TypeAlias = dict[str, float]

FIELDS = ("input_tokens", "output_tokens")
SCALES_S = (1, 3, 10, 60)
RATE_SCALES_S = (3, 10, 60)
LOAD_S = 10
USES = (0.6, 0.8)
"""Of the one server before which waits are counted."""
RATIOS = (
    *(f"variance/mean {scale} s" for scale in SCALES_S),
    "gap CV in 1 min",
    "load 10 s, peak/mean",
    "load 10 s, p99/mean",
    *(f"{what} 10 s, CV" for what in ("load", "input", "output")),
    *(f"wait {what} at {use}" for use in USES for what in ("p99", "mean")),
)
"""Fourteen figures of bursts, load and waits, which are compared as ratios."""
CORRELATIONS = (
    "count autocorrelation 1-5",
    "count autocorrelation 6-30",
    "input and output",
    "output autocorrelation 2-20",
    *(f"rate and {what} {scale} s" for what in ("input", "output") for scale in RATE_SCALES_S),
    "input and output load 10 s",
)
DISTANCES = ("joint ranks, L1", "KS input", "KS output", "Wasserstein of counts 10 s")
"""From the actual requests; 0 for these themselves."""

_CELLS = 8
_MINUTE_S = 60
_LEAST_GAPS = 20
_TAIL = 0.05
_TINY = 1e-9


@dataclass(frozen=True)
class Requests:
    """Requests from time 0 on.

    Attributes:
        time_ns: ascending.
        input_tokens, output_tokens: of each.
        duration_s: how long the trace is.
        step_s: of its clock; 1 where that is finer.
    """

    time_ns: Ints
    input_tokens: Floats
    output_tokens: Floats
    duration_s: float
    step_s: int = 1

    def like(self, made: tt.Trace) -> Requests:
        """A generated trace, by the clock and up to the end of this one."""
        time_ns = np.rint(np.asarray(made.timestamp) * NS).astype(np.int64)
        if self.step_s > 1:
            time_ns -= time_ns % (self.step_s * NS)
        kept = slice(0, int(np.searchsorted(time_ns, round(self.duration_s * NS))))
        lengths = (np.asarray(made[field], dtype=np.float64)[kept] for field in FIELDS)
        return Requests(time_ns[kept], *lengths, self.duration_s, self.step_s)

    def part(self, begin_s: float, end_s: float) -> Requests:
        """The requests from `begin_s` to `end_s`, at times from 0."""
        first, last = np.searchsorted(self.time_ns, [round(begin_s * NS), round(end_s * NS)])
        return Requests(
            self.time_ns[first:last] - round(begin_s * NS),
            self.input_tokens[first:last],
            self.output_tokens[first:last],
            end_s - begin_s,
            self.step_s,
        )

    def chosen(self, rows: npt.NDArray[np.bool_]) -> Requests:
        """Some of the requests."""
        return replace(
            self,
            time_ns=self.time_ns[rows],
            input_tokens=self.input_tokens[rows],
            output_tokens=self.output_tokens[rows],
        )

    @staticmethod
    def merged(parts: Sequence[Requests]) -> Requests:
        """The requests of several traces of one duration, in the order of time."""
        columns = [np.concatenate([vars(part)[name] for part in parts]) for name in ("time_ns", *FIELDS)]
        order = np.argsort(columns[0], kind="stable")
        return Requests(*(column[order] for column in columns), parts[0].duration_s, parts[0].step_s)

    @property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """As a table that can be fitted."""
        lengths = {field: vars(self)[field].astype(np.uint32) for field in FIELDS}
        return {"timestamp": self.time_ns / NS, **lengths}

    def intervals(self, scale_s: float) -> Intervals:
        """Sums over intervals of about so many seconds, in whole steps of the clock."""
        step_s = max(1, round(scale_s / self.step_s)) * self.step_s
        sums = IntervalSums(FIELDS, step_s)
        sums.add(self.time_ns, self.input_tokens, self.output_tokens)
        return sums.at(step_s, self.duration_s)


def figures(requests: Requests) -> Figures:
    """All figures of one trace; scales below the clock's step are left out."""
    found: Figures = {}
    for scale in SCALES_S:
        if scale >= requests.step_s:
            found[f"variance/mean {scale} s"] = dispersion(requests.intervals(scale).requests)
    counts = requests.intervals(requests.step_s).requests
    by_lag = [autocorrelation(counts, lag) for lag in range(1, 31)]
    found["count autocorrelation 1-5"] = float(np.mean(by_lag[:5]))
    found["count autocorrelation 6-30"] = float(np.mean(by_lag[5:]))
    found["empty 10 s"] = float((requests.intervals(LOAD_S).requests == 0).mean())
    found["gap CV in 1 min"] = _gap_cv(requests)
    return found | _lengths(requests) | _rates(requests) | _load(requests) | _waits(requests)


def _gap_cv(requests: Requests) -> float:
    """The median over minutes with more than twenty gaps."""
    gaps = np.diff(requests.time_ns) / NS
    minute = requests.time_ns[1:] // (_MINUTE_S * NS)
    sums = [np.bincount(minute, weights) for weights in (None, gaps, gaps * gaps)]
    whole = int(requests.duration_s // _MINUTE_S)
    number, total, squares = (column[:whole] for column in sums)
    enough = (number > _LEAST_GAPS) & (total > 0)
    return float(np.median(gap_cv(number, total, squares)[enough])) if enough.any() else float("nan")


def _lengths(requests: Requests) -> Figures:
    inputs, outputs = requests.input_tokens, requests.output_tokens
    ranks = stats.rankdata(outputs)
    is_long = [column >= np.quantile(column, 1 - _TAIL) for column in (inputs, outputs)]
    return {
        "input and output": rank_correlation(inputs, outputs),
        "output autocorrelation 2-20": float(np.mean([autocorrelation(ranks, lag) for lag in range(2, 21)])),
        "long output, given a long input": float(is_long[1][is_long[0]].mean()) / _TAIL,
    }


def _rates(requests: Requests) -> Figures:
    """Spearman's correlation of the rate and the mean length of intervals."""
    found: Figures = {}
    for scale in RATE_SCALES_S:
        intervals = requests.intervals(scale)
        for field, what in zip(FIELDS, ("input", "output"), strict=True):
            found[f"rate and {what} {scale} s"] = rank_correlation(intervals.rate, intervals.mean(field))
    return found


def _load(requests: Requests) -> Figures:
    """Tokens of 10 s, in mean requests: inputs, outputs, and their sum."""
    sums = requests.intervals(LOAD_S).sums
    inputs, outputs = sums["input_tokens"], sums["output_tokens"]
    load = inputs / requests.input_tokens.mean() + outputs / requests.output_tokens.mean()
    return {
        "load 10 s, peak/mean": float(load.max() / load.mean()),
        "load 10 s, p99/mean": float(np.quantile(load, 0.99) / load.mean()),
        "load 10 s, CV": cv(load),
        "input 10 s, CV": cv(inputs),
        "output 10 s, CV": cv(outputs),
        "input and output load 10 s": _correlation(inputs, outputs),
    }


def _correlation(one: Floats, other: Floats) -> float:
    """Pearson's; NaN where one does not vary."""
    varies = np.ptp(one) > 0 and np.ptp(other) > 0
    return float(np.corrcoef(one, other)[0, 1]) if varies else float("nan")


def _waits(requests: Requests) -> Figures:
    """Before one server, busy for a share of the time: half of its work is input, half output (Lindley)."""
    gaps = np.diff(requests.time_ns) / NS
    inputs, outputs = requests.input_tokens, requests.output_tokens
    each = 0.5 * inputs / inputs.mean() + 0.5 * outputs / outputs.mean()
    found: Figures = {}
    for use in USES:
        work = each * (use * requests.duration_s / each.size)
        walk = np.append(0.0, np.cumsum(work[:-1] - gaps))
        wait = walk - np.minimum.accumulate(walk)
        found[f"wait p99 at {use}"] = float(np.quantile(wait, 0.99))
        found[f"wait mean at {use}"] = float(wait.mean())
    return found


def distances(requests: Requests, actual: Requests) -> Figures:
    """How far lengths and counts are from the actual ones."""
    both = (requests, actual)
    joint = [_joint_ranks(one) for one in both]
    counts = [one.intervals(LOAD_S).requests for one in both]
    return {
        "joint ranks, L1": float(np.abs(joint[0] - joint[1]).sum()),
        "KS input": ks_distance(*(Points.of(one.input_tokens) for one in both)),
        "KS output": ks_distance(*(Points.of(one.output_tokens) for one in both)),
        "Wasserstein of counts 10 s": wasserstein_distance(*(Points.of(one / one.mean()) for one in counts)),
    }


def _joint_ranks(requests: Requests) -> Floats:
    """Shares of requests in an even grid of ranks; equal lengths in the order in which they came."""
    size = requests.time_ns.size
    place = np.zeros((2, size), dtype=np.int64)
    for row, column in zip(place, (requests.input_tokens, requests.output_tokens), strict=True):
        row[np.argsort(column, kind="stable")] = np.arange(size) * _CELLS // size
    return np.bincount(place[0] * _CELLS + place[1], minlength=_CELLS * _CELLS) / size


def medians(found: Sequence[Figures]) -> Figures:
    """Of each figure, over seeds."""
    return {name: float(np.median([one[name] for one in found])) for name in found[0]}


def log_ratio(made: Mapping[str, float], actual: Mapping[str, float]) -> float:
    """The mean of |ln(made / actual)| over `RATIOS`."""
    return float(np.mean([off(made, actual, name) for name in RATIOS if name in actual]))


def off(made: Mapping[str, float], actual: Mapping[str, float], name: str) -> float:
    """|ln(made / actual)| of a figure that is above 0."""
    return float(abs(np.log(max(made[name], _TINY) / max(actual[name], _TINY))))


def correlation_difference(made: Mapping[str, float], actual: Mapping[str, float]) -> float:
    """The mean difference of `CORRELATIONS`."""
    return float(np.mean([abs(made[name] - actual[name]) for name in CORRELATIONS]))

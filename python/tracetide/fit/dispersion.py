"""Whether a profile's traffic is as bursty as the trace was: counts of both in short intervals."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.errors import DispersionWarning, outside
from tracetide.base.grid import NS
from tracetide.base.readable import path_text

Ints = npt.NDArray[np.int64]

INTERVAL_S = 10
LARGEST_FACTOR = 1.5
"""Between the variance / mean of the trace and that of its profile."""

_MOST_INTERVALS = 1 << 16
_LEAST_INTERVALS = 60
_LEAST_TICKS = 10
"""Of the trace's resolution: in shorter intervals, steps of the clock would count."""
_MOST_REQUESTS = 2_000_000
_SEEDS = 5
_SMOOTH = 0.5
"""Smoother traffic is all the same."""
_BLOCKS = 10
_LEAST_SCORE = 3.0


class IntervalCounts:
    """Requests in intervals of ten seconds, or twice, four times, ... as long for a long trace."""

    def __init__(self) -> None:
        self.interval_ns = INTERVAL_S * NS
        self.counts: Ints = np.zeros(1024, dtype=np.int64)

    def add(self, time_ns: Ints) -> None:
        """Take times, ascending."""
        while time_ns[-1] // self.interval_ns >= _MOST_INTERVALS:
            self._double()
        first, last = time_ns[0] // self.interval_ns, time_ns[-1] // self.interval_ns
        if last >= self.counts.size:
            size = 1 << int(last).bit_length()
            self.counts = np.pad(self.counts, (0, size - self.counts.size))
        self.counts[first : last + 1] += np.bincount(time_ns // self.interval_ns - first)

    def not_below(self, tick_ns: int) -> None:
        """Take longer intervals where the resolution of times asks for it."""
        while self.interval_ns < _LEAST_TICKS * tick_ns:
            self._double()

    def _double(self) -> None:
        even = np.append(self.counts, np.zeros(self.counts.size % 2, dtype=np.int64))
        self.counts = even.reshape(-1, 2).sum(axis=1)
        self.interval_ns *= 2


@dataclass(frozen=True)
class Dispersion:
    """Variance / mean of counts of the trace and of its profile.

    Attributes:
        interval_s: of the counts.
        actual, generated: variance / mean.
        error: standard error of the logarithm of their ratio, by the jackknife over tenths of the span.
    """

    interval_s: float
    actual: float
    generated: float
    error: float

    @property
    def is_far(self) -> bool:
        """Whether they differ by more than `LARGEST_FACTOR`, and by no chance."""
        generated, actual = (max(value, _SMOOTH) for value in (self.generated, self.actual))
        distance = abs(np.log(generated / actual))
        return bool(distance > max(np.log(LARGEST_FACTOR), _LEAST_SCORE * self.error))


def trial(profile: _core.Profile, counts: IntervalCounts, first_ns: int, end_ns: int) -> Dispersion | None:
    """Generate from a profile as long as its trace was and compare; at most two million requests in all.

    Args:
        profile: of the trace.
        counts: of the trace.
        first_ns, end_ns: when the trace began and ended.

    Returns:
        None where there are too few intervals to tell.
    """
    interval_ns = counts.interval_ns
    cumulated = np.cumsum(counts.counts)
    first = -(-first_ns // interval_ns)
    last = min(end_ns // interval_ns, int(np.searchsorted(cumulated, _MOST_REQUESTS)))
    if last - first < _LEAST_INTERVALS or cumulated[last - 1] == cumulated[first]:
        return None
    seeds = int(np.clip(_MOST_REQUESTS // cumulated[last - 1], 1, _SEEDS))
    made = np.stack([_generated(profile, seed, last, interval_ns) for seed in range(seeds)])
    actual, generated = counts.counts[first:last], made[:, first:last]
    if not generated.any():
        return None
    log_ratio = [
        np.log(_dispersion(np.delete(generated, block, axis=1)) / _dispersion(np.delete(actual, block)))
        for block in np.array_split(np.arange(last - first), _BLOCKS)
    ]
    error = np.sqrt((_BLOCKS - 1) * np.var(log_ratio))
    return Dispersion(interval_ns / NS, _dispersion(actual), _dispersion(generated), float(error))


def _generated(profile: _core.Profile, seed: int, intervals: int, interval_ns: int) -> Ints:
    """Counts in so many intervals from the profile's begin on."""
    job = _core.Job(profile, seed=seed, span_end=min(intervals * interval_ns, profile.period_ns) / NS)
    made = np.zeros(intervals, dtype=np.int64)
    for batch in _core.Stream(job):
        at = (np.asarray(batch.column("timestamp")) * (NS / interval_ns)).astype(np.int64)
        made += np.bincount(at[at < intervals], minlength=intervals)
    return made


def warn_if_far(origin: str, found: Dispersion | None) -> None:
    """Warn of a profile whose traffic is not as bursty as its trace's."""
    if found is None or not found.is_far:
        return
    word = "smoother" if found.generated < found.actual else "burstier"
    warnings.warn(
        DispersionWarning(
            f"{path_text(origin)}: requests in {found.interval_s:g} s have a variance/mean of "
            f"{found.actual:.3g}, those that the fitted profile makes of {found.generated:.3g}: they are "
            f"{word} than the trace"
        ),
        stacklevel=outside(),
    )


def _dispersion(counts: Ints) -> float:
    """Variance / mean, of several traces of the mean of both."""
    return max(float(counts.var(axis=-1).mean()), 1e-12) / max(float(counts.mean()), 1e-12)

"""What is measured of each of the traces that are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.measures.burstiness import WindowGaps
from tracetide.measures.gaps import Gaps
from tracetide.measures.intervals import Intervals, IntervalSums
from tracetide.measures.pairs import Pairs
from tracetide.measures.scales import doubled_scales, half_step, honest_scales
from tracetide.measures.series import dispersion, rank_correlation
from tracetide.measures.source import Source
from tracetide.statistics.log_histogram import LogHistogram
from tracetide.statistics.points import Points
from tracetide.statistics.whole_numbers import WholeNumbers, points_of_counts

Floats = npt.NDArray[np.float64]

FIELDS = ("input_tokens", "output_tokens")
_LEAST_INTERVALS = 10


@dataclass(frozen=True)
class Measured:
    """A trace.

    Attributes:
        name: unique among those compared.
        duration_s: seconds.
        requests: how many.
        clock_s: the step in which its times are recorded, seconds.
        gap_cv: standard deviation over mean of the gaps within windows (`measures.burstiness`).
        gaps: seconds, as points to within 1/2048.
        lengths: by field, tokens, exact.
        pairs: of input and output.
        sums: of requests and lengths over intervals.
        own_sums: of intervals of a given length, which those of `sums` need not divide.
    """

    name: str
    duration_s: float
    requests: int
    clock_s: float
    gap_cv: float
    gaps: Points
    lengths: dict[str, Points]
    pairs: Pairs
    sums: IntervalSums
    own_sums: IntervalSums | None

    @property
    def rate(self) -> float:
        """Requests/s over the whole."""
        return self.requests / self.duration_s

    def intervals(self, step_s: float) -> Intervals:
        """Sums over intervals of this length."""
        return self._at(step_s, self.own_sums if self.own_sums is not None else self.sums)

    def counts(self, step_s: float) -> Floats:
        """Requests in intervals of one of `scales`."""
        return self._at(step_s, self.sums).requests

    def _at(self, step_s: float, sums: IntervalSums) -> Intervals:
        return sums.at(step_s, self.duration_s, half_step(self.clock_s, self.sums.step_s))

    def scales(self, clock_s: float) -> list[float]:
        """Lengths of intervals, 0.1 s to 10 days, of which the trace has at least ten; honest for a clock."""
        longest = self.duration_s / _LEAST_INTERVALS
        return honest_scales(self.sums.steps(), clock_s, self.sums.step_s, longest)

    def variance_time(self, clock_s: float) -> tuple[Floats, Floats]:
        """Lengths of intervals, doubled up to a tenth of the trace; variance over mean of their counts."""
        longest = self.duration_s / _LEAST_INTERVALS
        steps = doubled_scales(self.sums.step_s, clock_s, self.sums.step_s, longest)
        return np.array(steps), np.array([dispersion(self.counts(step)) for step in steps])


def measure(source: Source, name: str, step_s: float | None) -> Measured:
    """Go through a trace once.

    Args:
        source: the trace.
        name: what to call it.
        step_s: the length of short intervals, if it is given.
    """
    sums = IntervalSums(FIELDS)
    own_sums = None if step_s is None else IntervalSums(FIELDS, step_s)
    gaps, gap_counts, windows, pairs = Gaps(), LogHistogram(), WindowGaps(), Pairs()
    lengths = {field: WholeNumbers() for field in FIELDS}
    requests, first_ns, last_ns = 0, 0, 0
    for piece in source.pieces(FIELDS):
        columns = [piece.column(field) for field in FIELDS]
        for one in (sums, own_sums):
            if one is not None:
                one.add(piece.time_ns, *columns)
        for field, column in zip(FIELDS, columns, strict=True):
            lengths[field].add(column)
        pairs.add(*columns)
        gap = gaps.add(piece.time_ns)
        gap_counts.add(gap)
        windows.add(piece.time_ns, gap)
        first_ns = first_ns if requests else int(piece.time_ns[0])
        requests, last_ns = requests + len(piece), int(piece.time_ns[-1])
    duration_s = source.duration(first_ns / NS, last_ns / NS, requests)
    return Measured(
        name,
        duration_s,
        requests,
        gaps.clock_s,
        windows.result(duration_s).cv,
        gap_counts.points(),
        {field: points_of_counts(counted.counts()) for field, counted in lengths.items()},
        pairs,
        sums,
        own_sums,
    )


def rate_length_correlation(found: Intervals, field: str) -> float:
    """Spearman's, of rate and mean length over intervals with requests; NaN where one does not vary."""
    return rank_correlation(found.rate, found.mean(field))

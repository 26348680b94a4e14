"""How bursty requests are: the CV of the gaps between them, while their rate stays; and whether it does.

The CV of all gaps of a trace has the shifts of its rate in it: Poisson arrivals of a day with a peak would be
called bursty. So it is taken within windows, of gaps from which the resolution of the recorded times is
undone (`measures.gaps`), and averaged over the gaps. That the rate shifts between windows is told apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.measures.client_cells import Cells, ClientCells
from tracetide.measures.intervals import MOST_INTERVALS
from tracetide.statistics.points import weighted_mean

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WINDOW_S = 600.0
GAPS = ("gaps", "gap", "squared_gap")
"""Sums that a CV takes."""

STATIONARY, NOT_STATIONARY, NOT_KNOWN = "stationary", "not stationary", "not known"

_ENOUGH_GAPS = 20
_LEAST_WINDOWS = 3
_LEAST_SHIFT = 0.1
_SIGMAS = 3
_CLIENT_STEPS_S = (3600, 600)
_LEAST_CLIENT_STEPS = 10


@dataclass(frozen=True)
class Burstiness:
    """How bursty a trace is.

    Attributes:
        cv: standard deviation over mean of the gaps in a window, with n - 1, averaged over all gaps in
            windows with at least three; 1 for Poisson arrivals. NaN where there are none.
        window_s: length of a window; longer than asked for where there would be too few gaps in most.
        rate_shift: the standard deviation over mean of the windows' rates, without what gaps of this CV make
            of their own; NaN for fewer than three windows.
        stationarity: `STATIONARY`, `NOT_STATIONARY` where the rate shifts by at least a tenth and by more
            than chance, or `NOT_KNOWN`.
    """

    cv: float
    window_s: float
    rate_shift: float
    stationarity: str


class WindowGaps:
    """Takes gaps in the order of time, and sums them over windows that begin with the first request.

    At most 2^20 windows are kept; where there would be more, two are made one.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_ns = max(1, round(window_s * NS))
        self._first_ns = -1
        self._sums: Floats = np.zeros((1 + len(GAPS), 0))

    def add(self, time_ns: Ints, gap_s: Floats) -> None:
        """Take requests at ascending times, with the gap before each; NaN before the very first."""
        if self._first_ns < 0:
            self._first_ns = int(time_ns[0])
        while (int(time_ns[-1]) - self._first_ns) // self._window_ns >= MOST_INTERVALS:
            self._double()
        window = (time_ns - self._first_ns) // self._window_ns
        size = max(int(window[-1]) + 1, self._sums.shape[1])
        gap = np.nan_to_num(gap_s)
        known = (~np.isnan(gap_s)).astype(np.float64)
        self._sums = np.pad(self._sums, ((0, 0), (0, size - self._sums.shape[1])))
        for row, weights in enumerate((None, known, gap, gap * gap)):
            self._sums[row] += np.bincount(window, weights, size)

    def result(self, end_s: float) -> Burstiness:
        """Of all that was taken; the trace ends at `end_s`, which tells whether its last window is whole."""
        while self._sums.shape[1] > 1 and not self._is_enough():
            self._double()
        requests, gaps, total, squares = self._sums
        cv = weighted_mean(gap_cv(gaps, total, squares), gaps)
        whole = int((end_s * NS + 0.5 - self._first_ns) // self._window_ns)
        counts = np.append(requests, np.zeros(max(0, whole - requests.size)))[:whole]
        shift, is_more = _shift(counts, cv)
        stationarity = NOT_KNOWN if math.isnan(shift) else NOT_STATIONARY if is_more else STATIONARY
        return Burstiness(cv, self._window_ns / NS, shift, stationarity)

    def _is_enough(self) -> bool:
        gaps = self._sums[1]
        return bool(gaps[gaps >= _ENOUGH_GAPS].sum() >= 0.5 * gaps.sum())

    def _double(self) -> None:
        sums = np.pad(self._sums, ((0, 0), (0, self._sums.shape[1] % 2)))
        self._sums = sums[:, ::2] + sums[:, 1::2]
        self._window_ns *= 2


def gap_cv(gaps: Any, total: Any, squares: Any) -> Any:
    """Coefficients of variation, with n - 1, from counts, sums and sums of squares; NaN below three gaps."""
    enough = (gaps >= 3) & (total > 0)
    n, s, q = np.where(enough, gaps, 3), np.where(enough, total, 1), squares
    variance = np.maximum(q - s * s / n, 0) / (n - 1)
    return np.where(enough, np.sqrt(variance) * n / s, np.nan)


def client_cells(cells: ClientCells, duration_s: float) -> Cells:
    """Intervals in which a client has one rate: an hour, as in the study; or less, so that there are ten."""
    steps = (step for step in _CLIENT_STEPS_S if duration_s >= _LEAST_CLIENT_STEPS * step)
    return cells.at(next(steps, 60))


def client_cvs(cells: Cells, clients: int) -> Floats:
    """The CV of each client's gaps in its intervals, averaged over the gaps; NaN where none has three."""
    values = gap_cv(*(cells.sums[name] for name in GAPS))
    return cells.client_means(values, cells.sums["gaps"], clients)


def _shift(counts: Floats, cv: float) -> tuple[float, bool]:
    """The CV of the rates of windows beyond that of a stationary renewal process, and whether it is one.

    There the counts' variance is cv^2 times their mean (Cox 1962), which n windows tell to a share of
    sqrt(2 / (n - 1)).
    """
    if counts.size < _LEAST_WINDOWS or not counts.mean() > 0 or math.isnan(cv):
        return math.nan, False
    own = cv * cv * float(counts.mean())
    excess = float(counts.var(ddof=1)) - own
    shift = math.sqrt(max(excess, 0.0)) / float(counts.mean())
    # Rounding a count to a whole number makes a variance of its own, at most 1/4.
    noise = _SIGMAS * (own + 0.25) * math.sqrt(2 / (counts.size - 1))
    return shift, shift >= _LEAST_SHIFT and excess > noise

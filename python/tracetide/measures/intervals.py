"""Sums over equal intervals of time, of which longer ones follow exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS_S = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 86400.0, 864000.0, 8640000.0)
"""Lengths of intervals, each a multiple of the one before."""

MOST_INTERVALS = 1 << 20


@dataclass(frozen=True)
class Intervals:
    """Sums over whole intervals from time 0 on.

    Attributes:
        step_s: length of an interval.
        requests: float64, shape (intervals,).
        sums: float64 by name, shape (intervals,).
    """

    step_s: float
    requests: Floats
    sums: dict[str, Floats]

    def __len__(self) -> int:
        return self.requests.size

    @property
    def start_s(self) -> Floats:
        """Where the intervals begin."""
        starts: Floats = np.arange(len(self), dtype=np.float64) * self.step_s
        return starts

    @property
    def rate(self) -> Floats:
        """Requests/s."""
        return self.requests / self.step_s

    def mean(self, name: str) -> Floats:
        """The mean of a column over the requests of each interval; NaN where there are none."""
        return self.ratio(self.sums[name], self.requests)

    @staticmethod
    def ratio(one: Floats, other: Floats) -> Floats:
        """One over the other, NaN where that is 0."""
        found: Floats = np.divide(one, other, out=np.full(one.size, np.nan), where=other > 0)
        return found


class IntervalSums:
    """Takes requests in the order of time; sums over intervals of `step_s` seconds.

    Without `step_s` intervals are a tenth of a second, and are merged to the next of `STEPS_S` whenever there
    would be more than 2^20 of them: memory is 8 MiB a column, whatever the trace. Sums of whole numbers are
    exact below 2^53.
    """

    def __init__(self, names: Sequence[str], step_s: float | None = None) -> None:
        self._names = tuple(names)
        self._is_fixed = step_s is not None
        self._step_ns = round((STEPS_S[0] if step_s is None else step_s) * NS)
        self._sums: Floats = np.zeros((1 + len(self._names), 1024))

    @property
    def step_s(self) -> float:
        """Length of an interval."""
        return self._step_ns / NS

    def add(self, time_ns: Ints, *values: npt.NDArray[np.generic]) -> None:
        """Take requests at ascending times with a value for each of the names.

        Raises:
            ValueError: if a fixed step makes too many intervals.
        """
        last = int(time_ns[-1])
        while last // self._step_ns >= MOST_INTERVALS:
            self._merge(last)
        index = time_ns // self._step_ns
        first, size = int(index[0]), int(index[-1] - index[0]) + 1
        if first + size > self._sums.shape[1]:
            more = max(first + size - self._sums.shape[1], self._sums.shape[1])
            self._sums = np.pad(self._sums, ((0, 0), (0, more)))
        index -= first
        here = self._sums[:, first : first + size]
        here[0] += np.bincount(index, minlength=size)
        for row, column in enumerate(values, 1):
            here[row] += np.bincount(index, column, size)

    def _merge(self, last_ns: int) -> None:
        if self._is_fixed:
            raise ValueError(
                f"interval: {self.step_s:g} s is not allowed; a trace of {last_ns / NS:.9g} s has more than "
                f"{MOST_INTERVALS:,} such intervals"
            )
        longer = [round(step * NS) for step in STEPS_S if round(step * NS) > self._step_ns]
        if not longer:
            raise ValueError(
                f"timestamp: {last_ns / NS:.9g} s is not allowed; it must be below "
                f"{MOST_INTERVALS * self.step_s:.9g} s"
            )
        self._sums = _summed(self._sums, longer[0] // self._step_ns)
        self._step_ns = longer[0]

    def steps(self) -> list[float]:
        """Those of `STEPS_S` that `at` takes."""
        return [step for step in STEPS_S if round(step * NS) % self._step_ns == 0]

    def at(self, step_s: float, duration_s: float, late_s: float = 0) -> Intervals:
        """Sums over intervals of a multiple of the step; a last interval that is not whole is left out.

        Requests count as if they had come `late_s` later, to within the step.
        """
        factor, rest = divmod(round(step_s * NS), self._step_ns)
        if rest or not factor:
            raise ValueError(
                f"interval: {step_s:g} s is not allowed; it must be a multiple of {self.step_s:g} s"
            )
        # Half a nanosecond is rounding of the duration, which is no multiple of a binary fraction.
        whole = int((duration_s * NS + 0.5) // (factor * self._step_ns))
        later = np.pad(self._sums, ((0, 0), (round(late_s * NS / self._step_ns), 0)))
        sums = _summed(later, factor)[:, :whole]
        sums = np.pad(sums, ((0, 0), (0, whole - sums.shape[1])))
        return Intervals(step_s, sums[0], dict(zip(self._names, sums[1:], strict=True)))


def is_multiple(step_s: float, of_s: float) -> bool:
    """Whether one length of intervals is one or more of another, in whole nanoseconds."""
    return round(step_s * NS) % round(of_s * NS) == 0


def _summed(sums: Floats, factor: int) -> Floats:
    """Sums of `factor` neighbours."""
    padded = np.pad(sums, ((0, 0), (0, -sums.shape[1] % factor)))
    found: Floats = padded.reshape(sums.shape[0], -1, factor).sum(axis=2)
    return found

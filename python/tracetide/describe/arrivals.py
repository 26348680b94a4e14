"""When the requests of a trace come, counted in a stream."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.base.errors import TraceError
from tracetide.base.grid import NS
from tracetide.measures.burstiness import GAPS, Burstiness, WindowGaps, client_cells, client_cvs
from tracetide.measures.client_cells import ClientCells
from tracetide.measures.gaps import Gaps
from tracetide.measures.scales import FINE, half_step, honest
from tracetide.measures.series import dispersion
from tracetide.passes.pieces import PIECE_ROWS, ByClient

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

_MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class Dispersion:
    """Variance over mean of counts.

    Attributes:
        step_s: in intervals of so many seconds.
        value: NaN where it is not defined.
    """

    step_s: float
    value: float


@dataclass(frozen=True)
class Arrived:
    """What is known of the arrivals of a whole trace.

    Attributes:
        requests: that have a time.
        first_s, last_s: the earliest and the latest, seconds.
        by_client: int64 by client's code, those with a time.
    """

    requests: int
    first_s: float
    last_s: float
    by_client: Ints
    _windows: WindowGaps
    _cells: ClientCells
    _fine: _Counts
    _seconds: _Counts
    _clock_s: float

    def rates(self, end_s: float, steps: int) -> Floats:
        """Requests/s in equal steps from 0 to `end_s`."""
        if end_s <= 0:
            return np.empty(0)
        edges = np.linspace(0, end_s, steps + 1)[1:-1]
        before = np.append(self._fine.before(edges), self.requests)
        found: Floats = np.diff(before, prepend=0) * (steps / end_s)
        return found

    def burstiness(self, end_s: float) -> Burstiness:
        """Of all requests, of a trace that ends at `end_s`."""
        return self._windows.result(end_s)

    def client_cvs(self, end_s: float) -> Floats:
        """The CV of each client's gaps, by code."""
        size = self.by_client.size
        return client_cvs(client_cells(self._cells, end_s), size)

    def dispersion(self, duration_s: float) -> Dispersion:
        """Of counts in seconds, or in longer steps where there are very many, or where the clock has such."""
        counts = self._seconds.until(duration_s)
        step_s = honest(self._seconds.step_s, self._clock_s, self._seconds.step_s)
        if step_s != self._seconds.step_s:
            if self._fine.step_s > self._clock_s / 4:  # of weeks: the middles of steps are not known so well
                step_s = FINE * self._clock_s
            # In the middle of their step, which may be uneven.
            ends = step_s * np.arange(1, math.floor(duration_s / step_s) + 1, dtype=np.float64)
            before = self._fine.before(ends - half_step(self._clock_s, self._seconds.step_s))
            counts = np.diff(before, prepend=0)
        return Dispersion(step_s, dispersion(counts.astype(np.float64)))


class Arrivals:
    """Takes the times of requests; those without one are left out."""

    def __init__(self, *, is_ordered: bool) -> None:
        """Where times are not in order they are kept, to be sorted at the end."""
        self._kept: list[tuple[Floats, Codes]] | None = None if is_ordered else []
        self._fine, self._seconds = _Counts(1), _Counts(NS)
        self._requests = 0
        self._first, self._last = 0, -1
        self._waiting: list[tuple[Ints, Codes]] = []
        self._gaps, self._windows, self._cells = Gaps(), WindowGaps(), ClientCells(GAPS)
        self._by_client: Ints = np.zeros(0, dtype=np.int64)
        self._clients = 0

    def add(self, times: Floats, codes: Codes) -> None:
        """Take the next requests; a time that is NaN is none."""
        if codes.size:
            self._clients = max(self._clients, int(codes.max()) + 1)
        known = ~np.isnan(times)
        if not known.all():
            times, codes = times[known], codes[known]
        if times.size and times.max() * NS >= 2.0**63:
            raise TraceError(
                f"column 'timestamp': {times.max():.9g} s is not allowed; it must be below 2^63 nanoseconds"
            )
        if self._kept is not None:
            self._kept.append((times, codes))
        elif times.size:
            self._add(np.rint(times * NS).astype(np.int64), codes)

    def result(self) -> Arrived:
        """Of all that was taken."""
        if self._kept:
            times, codes = (np.concatenate(column) for column in zip(*self._kept, strict=True))
            order = np.argsort(times, kind="stable")
            self._kept = None
            self.add(times[order], codes[order])
        rows = sum(times.size for times, _ in self._waiting)
        if rows:
            self._flush(rows)
        missing = np.zeros(self._clients - self._by_client.size, dtype=np.int64)
        return Arrived(
            self._requests,
            self._first / NS,
            self._last / NS,
            np.append(self._by_client, missing),
            self._windows,
            self._cells,
            self._fine,
            self._seconds,
            self._gaps.clock_s,
        )

    def _add(self, time_ns: Ints, codes: Codes) -> None:
        """Take requests, in pieces that do not depend on the batches: the resolution of times is theirs."""
        self._waiting.append((time_ns, codes))
        if sum(times.size for times, _ in self._waiting) >= PIECE_ROWS:
            self._flush(PIECE_ROWS)

    def _flush(self, rows: int) -> None:
        """Measure all pieces of so many rows that wait."""
        time, code = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
        start = 0
        while start + rows <= time.size:
            self._measure(time[start : start + rows], code[start : start + rows])
            start += rows
        self._waiting = [(time[start:], code[start:])]

    def _measure(self, time_ns: Ints, codes: Codes) -> None:
        self._fine.add(time_ns)
        self._seconds.add(time_ns)
        if not self._requests:
            self._first = int(time_ns[0])
        self._requests += time_ns.size
        self._last = int(time_ns[-1])
        counts = np.bincount(codes, minlength=self._by_client.size)
        counts[: self._by_client.size] += self._by_client
        self._by_client = counts
        rows = ByClient(codes)
        self._windows.add(time_ns, self._gaps.add(time_ns))
        gap = self._gaps.by_client(rows)
        known = np.nan_to_num(gap)
        columns = [~np.isnan(gap), known, known * known]
        self._cells.add(rows.client, np.asarray(rows.sort(time_ns), dtype=np.int64), columns)


class _Counts:
    """Counts of times in equal steps from 0 on, at most 2^20: there the step is doubled."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns
        self._counts: Ints = np.zeros(1, dtype=np.int64)

    @property
    def step_s(self) -> float:
        """Length of a step, in seconds."""
        return self._step_ns / NS

    def add(self, time_ns: Ints) -> None:
        last = int(time_ns.max())
        while last // self._step_ns >= _MOST_STEPS:
            self._double()
        size = max(last // self._step_ns + 1, self._counts.size)
        counts = np.bincount(time_ns // self._step_ns, minlength=size)
        counts[: self._counts.size] += self._counts
        self._counts = counts

    def before(self, edges_s: Floats) -> Ints:
        """How many come before each of ascending times: those of a step together, by its middle."""
        steps = np.rint(edges_s * NS / self._step_ns).astype(np.int64)
        found: Ints = np.append(0, np.cumsum(self._counts))[np.minimum(steps, self._counts.size)]
        return found

    def until(self, end_s: float) -> Ints:
        """The counts of the whole steps before a time."""
        while end_s * NS / self._step_ns > _MOST_STEPS:  # a job's end may be far behind the last request
            self._double()
        steps = math.floor(end_s * NS / self._step_ns)
        missing = max(0, steps - self._counts.size)
        return np.append(self._counts[:steps], np.zeros(missing, dtype=np.int64))

    def _double(self) -> None:
        even = self._counts if self._counts.size % 2 == 0 else np.append(self._counts, 0)
        self._counts = even[::2] + even[1::2]
        self._step_ns *= 2

"""When the requests of a trace come, counted in a stream."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tracetide.errors import TraceError
from tracetide.grid import NS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]

_MOST_STEPS = 1 << 20


@dataclass(frozen=True)
class Arrived:
    """What is known of the arrivals of a whole trace.

    Attributes:
        requests: that have a time.
        first_s, last_s: the earliest and the latest, seconds.
        by_client: int64 by client's code, those with a time.
        cv: standard deviation over mean of all gaps; NaN where there are fewer than two.
        client_cv: by client's code.
    """

    requests: int
    first_s: float
    last_s: float
    by_client: Ints
    cv: float
    client_cv: Floats
    _fine: _Counts
    _seconds: _Counts

    def rates(self, end_s: float, steps: int) -> Floats:
        """Requests/s in equal steps from 0 to `end_s`."""
        if end_s <= 0:
            return np.empty(0)
        edges = np.linspace(0, end_s, steps + 1)[1:-1]
        before = np.append(self._fine.before(edges), self.requests)
        found: Floats = np.diff(before, prepend=0) * (steps / end_s)
        return found

    def dispersion(self, duration_s: float) -> float:
        """Variance over mean of the counts in seconds, or in longer steps where there are very many."""
        counts = self._seconds.until(duration_s)
        mean = counts.mean() if counts.size > 1 else 0.0
        return float(counts.var() / mean) if mean > 0 else float("nan")


class Arrivals:
    """Takes the times of requests; those without one are left out."""

    def __init__(self, *, is_ordered: bool) -> None:
        """Where times are not in order they are kept, to be sorted at the end."""
        self._kept: list[tuple[Floats, Codes]] | None = None if is_ordered else []
        self._fine, self._seconds = _Counts(1), _Counts(NS)
        self._requests = 0
        self._first, self._last = 0, -1
        self._gaps = _Gaps()
        self._client_gaps = _Gaps()
        self._client_last: Ints = np.zeros(0, dtype=np.int64)
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
        self._grow(self._clients)
        gaps, client_gaps = self._gaps, self._client_gaps
        gaps.grow(1)
        return Arrived(
            self._requests,
            self._first / NS,
            self._last / NS,
            client_gaps.counts + (self._client_last >= 0),
            float(gaps.cv()[0]),
            client_gaps.cv(),
            self._fine,
            self._seconds,
        )

    def _add(self, time_ns: Ints, codes: Codes) -> None:
        self._fine.add(time_ns)
        self._seconds.add(time_ns)
        gaps = np.diff(time_ns, prepend=self._last)[self._last < 0 :]
        self._gaps.add(np.zeros(gaps.size, dtype=np.int64), gaps)
        if not self._requests:
            self._first = int(time_ns[0])
        self._requests += time_ns.size
        self._last = int(time_ns[-1])
        self._grow(self._clients)
        order = np.argsort(codes, kind="stable")
        client, time = codes[order].astype(np.int64), time_ns[order]
        is_first = np.append(True, client[1:] != client[:-1])
        before = np.append(0, time[:-1])
        before[is_first] = self._client_last[client[is_first]]
        has_one = before >= 0
        self._client_gaps.add(client[has_one], (time - before)[has_one])
        is_last = np.append(is_first[1:], True)
        self._client_last[client[is_last]] = time[is_last]

    def _grow(self, size: int) -> None:
        more = size - self._client_last.size
        if more > 0:
            self._client_last = np.append(self._client_last, np.full(more, -1, dtype=np.int64))
        self._client_gaps.grow(size)


class _Gaps:
    """Number, mean and squared deviations of gaps by client (Chan et al. 1979: exact where all are alike)."""

    def __init__(self) -> None:
        self.counts: Ints = np.zeros(0, dtype=np.int64)
        self._mean: Floats = np.zeros(0)
        self._squares: Floats = np.zeros(0)

    def grow(self, size: int) -> None:
        more = size - self.counts.size
        if more > 0:
            self.counts = np.append(self.counts, np.zeros(more, dtype=np.int64))
            self._mean = np.append(self._mean, np.zeros(more))
            self._squares = np.append(self._squares, np.zeros(more))

    def add(self, client: Ints, gap: Ints) -> None:
        """Take gaps of clients in ascending order."""
        if not gap.size:
            return
        self.grow(int(client[-1]) + 1)
        starts = np.flatnonzero(np.append(True, client[1:] != client[:-1]))
        counts = np.diff(np.append(starts, client.size))
        at = client[starts]
        mean = np.add.reduceat(gap, starts) / counts
        squares = np.add.reduceat((gap - np.repeat(mean, counts)) ** 2, starts)
        both = self.counts[at] + counts
        apart = mean - self._mean[at]
        self._squares[at] += squares + apart**2 * self.counts[at] * counts / both
        self._mean[at] += apart * counts / both
        self.counts[at] = both

    def cv(self) -> Floats:
        """Standard deviation over mean; NaN for fewer than two gaps, or gaps of 0."""
        is_known = (self.counts > 1) & (self._mean > 0)
        deviation = np.sqrt(self._squares / np.maximum(self.counts, 1))
        found: Floats = np.divide(deviation, self._mean, out=np.full(deviation.size, np.nan), where=is_known)
        return found


class _Counts:
    """Counts of times in equal steps from 0 on, at most 2^20: there the step is doubled."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns
        self._counts: Ints = np.zeros(1, dtype=np.int64)

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

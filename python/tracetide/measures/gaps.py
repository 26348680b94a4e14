"""Gaps between consecutive requests, with the resolution of the recorded times undone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tracetide.base.grid import NS
from tracetide.passes.pieces import ByClient
from tracetide.passes.ticks import Ticks, jitter, least_gap

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Gaps:
    """Gaps of all requests, piece by piece, and of each client.

    Requests of one recorded time are spread over the resolution of the times (`fit.ticks`), all alike whoever
    sends them: so times in whole seconds do not look like bursts. Memory: 16 bytes a client.
    """

    def __init__(self) -> None:
        self._ticks = Ticks()
        self._rows = 0
        self._last = (-1, 0.0)
        self._client_last: Ints = np.empty(0, dtype=np.int64)
        self._client_late: Floats = np.empty(0)

    @property
    def clock_s(self) -> float:
        """The step in which times are recorded, as found so far, in seconds."""
        return self._ticks.largest / NS

    def add(self, time_ns: Ints) -> Floats:
        """The gap before each of the next requests, float64 in seconds; NaN before the very first one."""
        self._time = time_ns
        self._tick = tick = self._ticks.see(time_ns)
        rows = np.arange(self._rows, self._rows + time_ns.size)
        late = jitter(time_ns, rows, np.zeros(1, dtype=np.int64), tick)
        self._late = late = np.full(time_ns.size, 0.5 * tick) if late is None else late
        before, before_late = self._last
        gap = np.diff(time_ns, prepend=before) + np.diff(late, prepend=before_late)
        np.maximum(gap, least_gap(tick), out=gap)
        if before < 0:
            gap[0] = np.nan
        self._last = (int(time_ns[-1]), float(late[-1]))
        self._rows += time_ns.size
        seconds: Floats = gap * 1e-9
        return seconds

    def by_client(self, rows: ByClient) -> Floats:
        """Of the requests that `add` took last, in the order of `rows`, the gap since the client's last one.

        float64 in seconds; NaN where a client has none.
        """
        self._grow(int(rows.client[-1]))
        time, late = (np.asarray(rows.sort(column)) for column in (self._time, self._late))
        previous, previous_late = np.empty_like(time), np.empty_like(late)
        previous[1:], previous_late[1:] = time[:-1], late[:-1]
        previous[rows.starts] = self._client_last[rows.clients]
        previous_late[rows.starts] = self._client_late[rows.clients]
        gap = (time - previous) + (late - previous_late)
        np.maximum(gap, least_gap(self._tick), out=gap)
        gap[previous < 0] = np.nan
        ends = rows.starts + rows.counts - 1
        self._client_last[rows.clients] = time[ends]
        self._client_late[rows.clients] = late[ends]
        seconds: Floats = gap * 1e-9
        return seconds

    def _grow(self, client: int) -> None:
        more = client + 1 - self._client_last.size
        if more > 0:
            more += 1024
            self._client_last = np.append(self._client_last, np.full(more, -1, dtype=np.int64))
            self._client_late = np.append(self._client_late, np.zeros(more))

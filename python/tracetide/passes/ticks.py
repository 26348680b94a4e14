"""The resolution of a trace's times, and equal times spread over it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ENOUGH = 10
_MOSTLY_TIES = 0.5
_LOW_QUANTILE = 0.05
_LEAST = 1e-3
_SEEN_FROM = 10


class Ticks:
    """Finds the resolution, in ns.

    It is the greatest common divisor of all times since the first, once ten different times were seen, and 1
    before. Where more than half of the rows of a piece have the time of the row above, times were recorded in
    steps, possibly uneven ones: then it is at least the 5 % quantile of the steps.
    """

    def __init__(self) -> None:
        self._first = -1
        self._last = -1
        self._divisor = 0
        self._seen = 0
        self.largest = 1

    def see(self, time_ns: Ints) -> int:
        """Take the next times, ascending; the resolution in them."""
        if self._first < 0:
            self._first = int(time_ns[0])
        if self._divisor != 1:
            self._divide(time_ns - self._first)
        steps = np.diff(time_ns)
        steps = steps[steps > 0]
        self._seen += steps.size + int(time_ns[0] != self._last)
        self._last = int(time_ns[-1])
        tick = self._divisor if self._divisor and self._seen >= _ENOUGH else 1
        if steps.size >= _ENOUGH and steps.size < (1 - _MOSTLY_TIES) * time_ns.size:
            steps.sort()
            tick = max(tick, int(steps[int(_LOW_QUANTILE * steps.size)]))
        self.largest = max(self.largest, tick)
        return tick

    def _divide(self, since: Ints) -> None:
        if self._divisor:
            since = since[since % self._divisor != 0]
        # A few decide it nearly always, and the rest need only be divided.
        for part in (since[:1000], since[1000:]):
            if part.size:
                self._divisor = int(np.gcd(np.gcd.reduce(part), self._divisor))
                if self._divisor == 1:
                    return


def jitter(time_ns: Ints, row: Ints, client_starts: Ints, tick: int) -> Floats | None:
    """What to add to times, evenly distributed over a tick, so that those of a client differ.

    A request at t came some time in [t, t + tick), in which all times are as likely: so times that are
    recorded in seconds, say, do not look like bursts. Those of one client at one time stay in order.

    Args:
        time_ns: in the order of clients and time.
        row: the number of each row in the trace, which decides.
        client_starts: where clients begin.
        tick: the resolution.

    Returns:
        ns by row, or None where no client has two requests at one time.
    """
    is_first = np.append(True, time_ns[1:] != time_ns[:-1])
    is_first[client_starts] = True
    if is_first.all():
        return None
    share = _uniform(row)
    run = np.cumsum(is_first) - 1
    tied = np.flatnonzero(~is_first | np.append(~is_first[1:], False))
    share[tied] = share[tied][np.lexsort((share[tied], run[tied]))]
    return tick * share


def least_gap(tick: int) -> float:
    """In ns, for gaps that are 0 even so."""
    return _LEAST * tick


def seen_from(tick: int) -> float:
    """In ns: a shorter gap is hardly known, as each of its times is known to a tick."""
    return _SEEN_FROM * tick


def _uniform(row: Ints) -> Floats:
    """Numbers above 0 and below 1, each a function of one row's: that of SplitMix64 (Steele 2014)."""
    z = row.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    shares: Floats = ((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return shares

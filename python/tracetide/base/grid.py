"""Time in the core: whole nanoseconds, and the windows of a job."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NS = 1_000_000_000


def windows_at(
    window_ns: int,
    span_start_s: float,
    span_end_s: float,
    duration_s: float,
    times_s: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Begin and end, in seconds, of the windows of a job in which times of it lie.

    A job begins inside a window if its span does; a span is cut from the profile first and then repeated.
    """
    start, end, duration = (round(seconds * NS) for seconds in (span_start_s, span_end_s, duration_s))
    times = np.floor(times_s * NS).astype(np.int64)
    before = times // (end - start) * (end - start) - start
    window = (times - before) // window_ns * window_ns
    begin = np.maximum(window, start) + before
    finish = np.minimum(np.minimum(window + window_ns, end) + before, duration)
    return begin / NS, finish / NS

"""The windows of a job: how a span of a profile is repeated over a duration."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NS = 1_000_000_000
_MOST_WINDOWS = 2**32


def window_edges_s(
    window_ns: int, span_start_s: float, span_end_s: float, duration_s: float
) -> npt.NDArray[np.float64]:
    """Starts of a job's windows and the job's end, in seconds from its start.

    A job begins inside a window if its span does; a span is cut from the profile first and then
    repeated. The core makes the same windows; this is for rates that are given per window.

    Returns:
        float64, shape (windows + 1,).
    """
    start, end, duration = (round(seconds * NS) for seconds in (span_start_s, span_end_s, duration_s))
    span = end - start
    if span <= 0 or duration <= 0:
        raise ValueError(
            f"duration: {duration_s} s of a span of {span_end_s - span_start_s} s is not allowed; "
            "both must be at least 1 ns"
        )
    inner = np.arange(start // window_ns + 1, (end - 1) // window_ns + 1, dtype=np.int64) * window_ns - start
    one_pass = np.concatenate([np.zeros(1, dtype=np.int64), inner])
    passes = -(-duration // span)
    if passes * one_pass.size > _MOST_WINDOWS:
        raise ValueError(f"duration: {duration_s} s is not allowed; a job has at most 2^32 windows")
    starts = (np.arange(passes, dtype=np.int64)[:, None] * span + one_pass).ravel()
    return np.append(starts[starts < duration], duration) / NS


def windows_at(
    window_ns: int,
    span_start_s: float,
    span_end_s: float,
    duration_s: float,
    times_s: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Begin and end, in seconds, of the windows of a job in which times of it lie; see `window_edges_s`."""
    start, end, duration = (round(seconds * NS) for seconds in (span_start_s, span_end_s, duration_s))
    times = np.floor(times_s * NS).astype(np.int64)
    before = times // (end - start) * (end - start) - start
    window = (times - before) // window_ns * window_ns
    begin = np.maximum(window, start) + before
    finish = np.minimum(np.minimum(window + window_ns, end) + before, duration)
    return begin / NS, finish / NS

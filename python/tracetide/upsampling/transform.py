"""Scaling a trace in time."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from tracetide.base.durations import MOST_SECONDS
from tracetide.columns import Array, Column, ListColumn
from tracetide.io.reading import TraceScan
from tracetide.trace import Trace
from tracetide.upsampling.sessions import Floats, Sessions, in_memory, times

METHODS = ("itt", "naive")


def upsample(
    trace: Trace | TraceScan | str | os.PathLike[str], factor: float, *, method: str = "itt"
) -> Trace:
    """The same requests in a shorter time: `factor` times as many a second.

    Every request of every conversation is kept, and none is added, so the trace lasts 1/factor as long.

    Args:
        trace: in memory, a `TraceScan`, or a file as for `tracetide.read`; all requests need a time.
        factor: above 0; below 1 the trace becomes longer.
        method: `"naive"` divides all times by the factor, so that users answer faster, too. `"itt"` divides
            the times at which conversations begin, and keeps the times between the turns of each: what more
            users do. Requests without a conversation are conversations of one turn.

    Returns:
        The trace in order of time; requests of one time keep their order. `delay` is divided, too, if naive.
        Times are whole nanoseconds. `request_id` is left out, because positions change.

    Raises:
        ValueError: naming the argument, the value and what is allowed; if a request has no time, or there
            are no conversations for `"itt"`.

    Source: Xiang et al., NSDI '26 (arXiv 2505.09999), figure 16.
    """
    trace = in_memory(trace)
    if isinstance(factor, bool | str) or not (math.isfinite(factor) and factor > 0):
        raise ValueError(f"factor: {factor!r} is not allowed; it must be a number above 0")
    if method not in METHODS:
        raise ValueError(f"method: {method!r} is not allowed; it must be one of {', '.join(METHODS)}")
    moved = moved_times(trace, factor, method)
    order = np.argsort(moved, kind="stable")
    columns: dict[str, Column] = {}
    for name in trace.columns:
        if name == "timestamp":
            columns[name] = moved[order]
        elif name == "delay" and method == "naive":
            columns[name] = (trace[name] / factor)[order]
        elif name != "request_id":
            columns[name] = _taken(trace[name], order)
    metadata = {"upsampled": {"factor": float(factor), "method": method}, "of": trace.metadata}
    return Trace(columns, metadata, block_size=trace.block_size)


def moved_times(trace: Trace, factor: float, method: str) -> Floats:
    """The new time of every request, in the old order."""
    time = times(trace)
    with np.errstate(over="ignore"):
        if method == "naive":
            moved = time / factor
        else:
            sessions = Sessions.of(trace)
            start = sessions.start[sessions.number]
            moved = start / factor + (time - start)
    last = np.abs(moved).max(initial=0)
    if not last <= MOST_SECONDS:
        raise ValueError(
            f"factor: {factor!r} is not allowed; the last time would be {last:.4g} s, and 4e9 s are the most"
        )
    found: Floats = np.rint(moved * 1e9) / 1e9
    return found


def _taken(column: Column, order: Any) -> Column:
    if not isinstance(column, ListColumn):
        array: Array = column[order]
        return array
    lengths = np.diff(column.offsets)[order]
    offsets = np.append(0, np.cumsum(lengths))
    # The items of request i are those from its old offset on.
    at = np.repeat(column.offsets[:-1][order] - offsets[:-1], lengths) + np.arange(int(offsets[-1]))
    return ListColumn(offsets.astype(np.int32), column.values[at])

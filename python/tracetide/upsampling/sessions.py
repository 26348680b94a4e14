"""The conversations of a trace."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.wording import Option, Told
from tracetide.io.reading import TraceScan, scan
from tracetide.trace import Requests, Trace
from tracetide.trace.requests import columns_in

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sessions:
    """Which conversation each request belongs to; a request without one is a conversation of its own.

    Attributes:
        number: int64, shape (requests,): of the conversation, from 0.
        start: float64, shape (conversations,): the time of its first request, seconds.
        turns: int64, shape (conversations,): its requests.
    """

    number: Ints
    start: Floats
    turns: Ints

    @staticmethod
    def of(trace: Requests) -> Sessions:
        """From the column `session_id`, where a missing value or an empty text is none.

        Raises:
            ValueError: if there is no such column.
        """
        if "session_id" not in trace:
            raise ValueError(
                Told(
                    f"session_id: missing; the trace has {', '.join(trace.columns)}, and without "
                    "conversations all gaps are alike: ",
                    Option("method", "naive"),
                    " scales them",
                )
            )
        from tracetide.columns.arrow import column_array
        from tracetide.columns.session_numbers import session_numbers

        codes = session_numbers(column_array(columns_in(trace), "session_id"))
        _, number = np.unique(codes, return_inverse=True)
        number = number.astype(np.int64)
        turns = np.bincount(number)
        start = np.full(turns.size, np.inf)
        np.minimum.at(start, number, trace["timestamp"])
        return Sessions(number, start, turns.astype(np.int64))

    def gaps(self, time: Floats) -> Floats:
        """The times between consecutive requests of a conversation, in no particular order."""
        order = np.lexsort((time, self.number))
        follows = np.diff(self.number[order]) == 0
        found: Floats = np.diff(time[order])[follows]
        return found


def times(trace: Requests) -> Any:
    """The timestamps, all of which must be there.

    Raises:
        ValueError: naming the first row that has none.
    """
    time = trace["timestamp"]
    missing = np.flatnonzero(np.isnan(time))
    if missing.size:
        raise ValueError(
            f"timestamp: row {missing[0] + 1} has none, which is not allowed; later turns of a "
            "mooncake-session trace have only a delay after an end that is not recorded"
        )
    return time


def in_memory(trace: Trace | TraceScan | str | os.PathLike[str]) -> Trace:
    """A whole trace, read if need be."""
    if isinstance(trace, Trace):
        return trace
    from tracetide.trace.read import trace_of_scan

    return trace_of_scan(trace if isinstance(trace, TraceScan) else scan(trace))

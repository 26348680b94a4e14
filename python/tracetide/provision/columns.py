"""The columns that serving looks at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tracetide.columns import NO_SESSION
from tracetide.trace import Requests
from tracetide.trace.requests import columns_in

if TYPE_CHECKING:
    from tracetide.io.reading import TraceScan

_NEEDED = ("timestamp", "input_tokens", "output_tokens")


class ServingColumns(NamedTuple):
    """Consecutive requests: arrays of shape (requests,).

    Attributes:
        timestamp: float64, seconds.
        input_tokens, output_tokens: uint32.
        session_id: uint64, `tracetide.NO_SESSION` for a request that stands alone; or None.
        delay: float64, seconds after the end of the turn before, or NaN; or None.
    """

    timestamp: npt.NDArray[np.float64]
    input_tokens: npt.NDArray[np.uint32]
    output_tokens: npt.NDArray[np.uint32]
    session_id: npt.NDArray[np.uint64] | None = None
    delay: npt.NDArray[np.float64] | None = None

    def take(self, rows: npt.NDArray[np.int64]) -> ServingColumns:
        """Only those rows."""
        return ServingColumns(
            self.timestamp[rows],
            self.input_tokens[rows],
            self.output_tokens[rows],
            None if self.session_id is None else self.session_id[rows],
            None if self.delay is None else self.delay[rows],
        )

    def later(self, seconds: float, repetition: int) -> ServingColumns:
        """So many seconds later, with sessions of their own in every repetition."""
        if repetition == 0:
            return self
        sessions = self.session_id
        if sessions is not None:
            # Sessions are numbered from 0, and leave the highest digits alone.
            own = sessions ^ np.uint64(repetition << 40)
            sessions = np.where(sessions == NO_SESSION, sessions, own)
        return self._replace(timestamp=np.round(self.timestamp + seconds, 9), session_id=sessions)


def columns_of(requests: Requests) -> ServingColumns:
    """Of a trace or a batch.

    Raises:
        ValueError: naming a column that is missing.
    """
    for name in _NEEDED:
        if name not in requests:
            raise ValueError(f"{name}: missing; the trace has {', '.join(requests.columns)}")
    return ServingColumns(
        _contiguous(requests["timestamp"], np.float64),
        _contiguous(requests["input_tokens"], np.uint32),
        _contiguous(requests["output_tokens"], np.uint32),
        _sessions(requests),
        _contiguous(requests["delay"], np.float64) if "delay" in requests else None,
    )


def columns_of_scan(scan: TraceScan) -> Iterator[ServingColumns]:
    """Of a trace that is read in a stream, batch by batch."""
    from tracetide.columns.session_numbers import SessionNumbers

    names = [name for name in (*_NEEDED, "session_id", "delay") if name in scan.columns]
    numbers = SessionNumbers()
    for batch in scan.batches(names):
        found: dict[str, Any] = {
            name: batch.column(name).to_numpy(zero_copy_only=False) for name in names if name != "session_id"
        }
        yield ServingColumns(
            _contiguous(found["timestamp"], np.float64),
            _contiguous(found["input_tokens"], np.uint32),
            _contiguous(found["output_tokens"], np.uint32),
            numbers.of(batch.column("session_id")) if "session_id" in names else None,
            _contiguous(found["delay"], np.float64) if "delay" in found else None,
        )


def _sessions(requests: Requests) -> npt.NDArray[np.uint64] | None:
    if "session_id" not in requests:
        return None
    ids: npt.NDArray[Any] = requests["session_id"]
    if ids.dtype == np.uint64:
        return np.ascontiguousarray(ids, dtype=np.uint64)
    from tracetide.columns.arrow import column_array
    from tracetide.columns.session_numbers import SessionNumbers

    return SessionNumbers().of(column_array(columns_in(requests), "session_id"))


def _contiguous(column: Any, dtype: Any) -> Any:
    return np.ascontiguousarray(column, dtype=dtype)

"""Columns of native traces: names, types, and lists of values per request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

DTYPES: dict[str, type[np.generic]] = {
    "request_id": np.uint64,
    "timestamp": np.float64,
    "client_id": np.uint32,
    "input_tokens": np.uint32,
    "output_tokens": np.uint32,
    "reason_tokens": np.uint32,
    "text_tokens": np.uint32,
    "session_id": np.uint64,
    "turn": np.uint16,
    "delay": np.float64,
}
"""Columns with one value per request; `timestamp` in seconds from the job's start."""

LIST_COLUMNS = ("image_tokens", "audio_tokens", "video_tokens")
"""Columns with a list of uint32 per request: the tokens of each item."""

REQUIRED = ("timestamp", "client_id", "input_tokens", "output_tokens")
"""Columns that every native trace has."""


NO_SESSION = 2**64 - 1
"""The `session_id` of a request that stands alone, in NumPy."""

NULLABLE = ("session_id", "delay")
"""Columns that may lack a value: null in files; in NumPy `NO_SESSION` or None, and NaN."""


class ListColumn:
    """A list of values per request, as offsets into one flat array.

    The items of request i are `values[offsets[i]:offsets[i + 1]]`.

    Attributes:
        offsets: int32, shape (rows + 1,), never decreasing.
        values: uint32, shape (at least offsets[-1],).
    """

    __slots__ = ("offsets", "values")

    def __init__(self, offsets: npt.NDArray[np.int32], values: npt.NDArray[np.uint32]) -> None:
        if offsets.ndim != 1 or offsets.size == 0 or values.ndim != 1:
            raise ValueError(
                f"list column: offsets of shape {offsets.shape} and values of shape {values.shape} are not "
                "allowed; both must have one dimension, and offsets one entry more than rows"
            )
        self.offsets = offsets
        self.values = values

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, row: int | slice) -> Array | ListColumn:
        """The items of one request (a view), or the lists of a run of requests."""
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            if step != 1:
                raise ValueError(f"list column: a step of {step} is not allowed; it must be 1")
            return ListColumn(self.offsets[start : max(start, stop) + 1], self.values)
        index = row + len(self) if row < 0 else row
        if not 0 <= index < len(self):
            raise IndexError(f"row {row} of a list column with {len(self)} rows")
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Array]:
        for start, stop in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            yield self.values[start:stop]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ListColumn):
            return NotImplemented
        return np.array_equal(self.lengths(), other.lengths()) and np.array_equal(self.flat(), other.flat())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<ListColumn of {len(self):,} lists, {self.flat().size:,} values>"

    def lengths(self) -> npt.NDArray[np.int32]:
        """Items per request: int32, shape (rows,)."""
        return np.diff(self.offsets)

    def flat(self) -> npt.NDArray[np.uint32]:
        """The values of all rows one after the other (a view): uint32."""
        return self.values[self.offsets[0] : self.offsets[-1]]

    def take(self, rows: npt.NDArray[np.int64]) -> ListColumn:
        """The lists of the given rows, in their order, copied."""
        lengths = self.lengths()[rows].astype(np.int64)
        ends = np.cumsum(lengths)
        within = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - lengths, lengths)
        values = self.values[np.repeat(self.offsets[:-1][rows], lengths) + within]
        return ListColumn(np.concatenate([[0], ends]).astype(np.int32), values)

    def sums(self) -> npt.NDArray[np.uint64]:
        """The sum of each request's values: uint64, shape (rows,)."""
        running = np.zeros(self.flat().size + 1, dtype=np.uint64)
        np.cumsum(self.flat(), out=running[1:], dtype=np.uint64)
        ends: npt.NDArray[np.uint64] = running[self.offsets - self.offsets[0]]
        return np.diff(ends)


Column: TypeAlias = "Array | ListColumn"

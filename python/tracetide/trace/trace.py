"""Requests as columns: a whole trace, or a batch of one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from tracetide import _core
from tracetide.columns import Array, Column, ListColumn, check_columns

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from tracetide.io.writing import Written

Self = TypeVar("Self", bound="Requests")


class Requests:
    """Consecutive requests, in time order, as one NumPy array or `ListColumn` per column.

    Columns are items and attributes: `requests["timestamp"]`, `requests.timestamp`. Their names, types
    and units are those of a native trace: `timestamp` float64 in seconds from the job's start,
    `client_id` and all token counts uint32, items of images, audio and video as lists of uint32. A trace
    of a job with conversations also has `session_id` uint64 (`tracetide.NO_SESSION` for a request that
    stands alone), `turn` uint16 from 1 on, and `delay` float64 in seconds after the previous turn's end (NaN
    on a first turn). One that is read may have more: `session_id` as texts, `hash_ids` as lists of uint32,
    `client` (numbers or texts).
    """

    __slots__ = ("_columns",)

    def __init__(self, columns: Mapping[str, Column]) -> None:
        """Columns of one length, in time order. Nothing is copied.

        Raises:
            ValueError: if there is none, their lengths differ, one has not its native type, a time or delay
                is neither from 0 to 2^63 ns nor NaN, or a time is before the one above.
        """
        self._columns = dict(columns)
        check_columns(self._columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def __len__(self) -> int:
        """The number of requests."""
        return len(next(iter(self._columns.values())))

    @overload
    def __getitem__(self, key: str) -> Any: ...
    @overload
    def __getitem__(self: Self, key: slice) -> Self: ...
    def __getitem__(self, key: str | slice) -> Any:
        """A column by name, or a run of requests by slice (views, with step 1)."""
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                raise ValueError(
                    f"slice: a step of {step} is not allowed; it must be 1, to keep the time order"
                )
            return self._slice(start, max(start, stop))
        try:
            return self._columns[key]
        except KeyError:
            raise KeyError(f"{key!r} is not a column; there are {', '.join(self._columns)}") from None

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._columns:
            return self._columns[name]
        raise AttributeError(f"{type(self).__name__} has no attribute or column {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._columns]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same columns with the same types and values."""
        if not isinstance(other, Requests):
            return NotImplemented
        return self.columns == other.columns and all(
            _same(column, other._columns[name]) for name, column in self._columns.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def _slice(self: Self, start: int, stop: int) -> Self:
        raise NotImplementedError

    def _sliced_columns(self, start: int, stop: int) -> dict[str, Column]:
        return {name: column[start:stop] for name, column in self._columns.items()}

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow table on the same memory; the lists are `list<uint32>`."""
        from tracetide.columns.arrow import table_of

        return table_of(self)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """For everything that takes Arrow data: polars, DuckDB, pandas, pyarrow. On the same memory.

        A requested schema is not followed, as the interface allows.
        """
        from tracetide.columns.capsules import stream_of

        return stream_of(self)

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The same as one struct array."""
        from tracetide.columns.capsules import array_of

        return array_of(self)

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame; needs pandas (`pip install 'tracetide[pandas]'`)."""
        return self.to_arrow().to_pandas()


class Trace(Requests):
    """A whole trace in memory.

    Attributes:
        metadata: the job it was made by, as `Job.metadata()`, or an empty dict.
    """

    __slots__ = ("_block_size", "metadata")

    def __init__(
        self, columns: Mapping[str, Column], metadata: Mapping[str, Any] | None = None, *, block_size: int = 0
    ) -> None:
        """A trace of columns of one length in time order, which are not copied. The job tells its own
        `block_size`.

        Raises:
            ValueError: if there is none, their lengths differ, one has not its native type, a time or delay
                is neither from 0 to 2^63 ns nor NaN, or a time is before the one above.
        """
        super().__init__(columns)
        self.metadata = dict(metadata or {})
        self._block_size = block_size

    @property
    def block_size(self) -> int:
        """Tokens of a block of its `hash_ids`, as was stated or as the job tells; 0: not known.

        Raises:
            TraceError: if the metadata have one that is not allowed.
        """
        from tracetide.io.job_facts import facts_of

        return self._block_size or facts_of(self.metadata).block_size

    @classmethod
    def _of(
        cls, columns: Mapping[str, Column], metadata: Mapping[str, Any] | None = None, *, block_size: int = 0
    ) -> Trace:
        """Of columns that are known to be right; those that are read may be in another order than time's,
        where rows stand by session."""
        made = cls.__new__(cls)
        made._columns = dict(columns)
        made.metadata = dict(metadata or {})
        made._block_size = block_size
        return made

    @classmethod
    def from_core(cls, batch: _core.Batch, metadata: Mapping[str, Any] | None = None) -> Trace:
        """The core's columns, not copied."""
        return cls._of(_columns_of(batch), metadata)

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, format: str | None = None) -> Trace:
        """Read a native trace. For those of other tools and for other tables see `tracetide.read`.

        Args:
            path: a `.parquet`, `.arrow`, `.csv` or `.jsonl` file; the last two also with `.gz` or `.zst`.
            format: the format, whatever the ending.

        Raises:
            ValueError: if it is not a native trace; the message names the file, the row and the column.
            OSError: if it cannot be read.
        """
        from tracetide.io.reading import read
        from tracetide.io.writing import format_of

        format_of(path, format)
        return read(path, format="native", columns={"client_id": "client_id"})

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        hash_ids: bool = True,
        block_size: int = 0,
    ) -> Written:
        """Write the trace; the file appears under its name only when complete.

        The arguments, results and errors are those of `Job.write`, and so are the bytes.

        Args:
            path: the file.
            format: native, or that of another tool.
            hash_ids: whether formats that have them get them.
            block_size: tokens of a block in the file, by default what the format expects. Ids become those
                of such blocks where `Trace.block_size` is known; else they must have this size.
        """
        from tracetide.io.writing import NATIVE, format_of, write_trace

        chosen = format_of(path, format).name
        # Once more, as arrays may have been changed since. Lines of sessions may be in any order.
        check_columns(self._columns, in_order=chosen != "llmservingsim")
        if chosen in NATIVE and "timestamp" in self and np.isnan(self["timestamp"]).any():
            row = int(np.isnan(self["timestamp"]).argmax())
            raise ValueError(
                f"timestamp: row {row + 1} has none, which is not allowed; every request of a native trace "
                "needs a time, which a later turn of a mooncake-session trace does not have"
            )
        return write_trace(self, path, format=format, hash_ids=hash_ids, block_size=block_size)

    def _slice(self, start: int, stop: int) -> Trace:
        return Trace._of(self._sliced_columns(start, stop), block_size=self.block_size)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Trace._of, block_size=self._block_size), (self._columns, self.metadata)

    def __repr__(self) -> str:
        last = (
            f", last at {self._columns['timestamp'][-1]:.3f} s" if len(self) and "timestamp" in self else ""
        )
        return f"<Trace of {len(self):,} requests{last}: {', '.join(self.columns)}>"


class Batch(Requests):
    """A run of consecutive requests of a job.

    Attributes:
        first_request: the position of its first request in the whole job.
    """

    __slots__ = ("first_request",)

    def __init__(self, columns: Mapping[str, Column], first_request: int = 0) -> None:
        """A batch of columns of one length in time order, which are not copied.

        Raises:
            ValueError: as of a `Trace`.
        """
        super().__init__(columns)
        self.first_request = first_request

    @classmethod
    def _of(cls, columns: Mapping[str, Column], first_request: int) -> Batch:
        """Of columns that are known to be right."""
        made = cls.__new__(cls)
        made._columns = dict(columns)
        made.first_request = first_request
        return made

    @classmethod
    def from_core(cls, batch: _core.Batch) -> Batch:
        """The core's columns, not copied."""
        return cls._of(_columns_of(batch), batch.first_request)

    def _slice(self, start: int, stop: int) -> Batch:
        return Batch._of(self._sliced_columns(start, stop), self.first_request + start)

    def __reduce__(self) -> tuple[Any, ...]:
        return Batch._of, (self._columns, self.first_request)

    def __repr__(self) -> str:
        return (
            f"<Batch of {len(self):,} requests from number {self.first_request:,}: {', '.join(self.columns)}>"
        )


def _columns_of(batch: _core.Batch) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    for name in batch.names:
        column = batch.column(name)
        columns[name] = ListColumn._of(*column) if isinstance(column, tuple) else column
    return columns


def _same(one: Column, other: Column) -> bool:
    if isinstance(one, ListColumn) or isinstance(other, ListColumn):
        return one == other if isinstance(one, ListColumn) and isinstance(other, ListColumn) else False
    array: Array = one
    return array.dtype == other.dtype and np.array_equal(array, other, equal_nan=array.dtype.kind == "f")

"""Requests as columns, and a batch of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

from tracetide import _core
from tracetide.columns import Array, Column, ListColumn, check_columns

if TYPE_CHECKING:
    import pandas
    import pyarrow

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

    def _metadata(self) -> Mapping[str, Any]:
        """Of the job, for Arrow data."""
        return {}

    def _slice(self: Self, start: int, stop: int) -> Self:
        raise NotImplementedError

    def _sliced_columns(self, start: int, stop: int) -> dict[str, Column]:
        return {name: column[start:stop] for name, column in self._columns.items()}

    def to_arrow(self) -> pyarrow.Table:
        """A pyarrow table on the same memory; the lists are `list<uint32>`."""
        from tracetide.columns.arrow import table_of

        return table_of(self._columns, self._metadata())

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """For everything that takes Arrow data: polars, DuckDB, pandas, pyarrow. On the same memory.

        A requested schema is not followed, as the interface allows.
        """
        from tracetide.columns.capsules import stream_of

        return stream_of(self._columns, len(self), self._metadata())

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        """The same as one struct array."""
        from tracetide.columns.capsules import array_of

        return array_of(self._columns, len(self), self._metadata())

    def to_pandas(self) -> pandas.DataFrame:
        """A pandas data frame; needs pandas (`pip install 'tracetide[pandas]'`)."""
        return self.to_arrow().to_pandas()


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
        return cls._of(columns_of(batch), batch.first_request)

    def _slice(self, start: int, stop: int) -> Batch:
        return Batch._of(self._sliced_columns(start, stop), self.first_request + start)

    def __reduce__(self) -> tuple[Any, ...]:
        return Batch._of, (self._columns, self.first_request)

    def __repr__(self) -> str:
        return (
            f"<Batch of {len(self):,} requests from number {self.first_request:,}: {', '.join(self.columns)}>"
        )


def columns_in(requests: Requests) -> Mapping[str, Column]:
    """Its columns by name, not copied."""
    return requests._columns


def columns_of(batch: _core.Batch) -> dict[str, Column]:
    """The core's columns, not copied."""
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

"""Columns of native traces: names, types, and lists of values per request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.utf8 import is_utf8

Array: TypeAlias = npt.NDArray[Any]

KIND_TYPES: dict[str, type[np.generic]] = {
    "real": np.float64,
    "u16": np.uint16,
    "u32": np.uint32,
    "u64": np.uint64,
}
"""By the core's names of kinds of columns with one value per request."""

DTYPES: dict[str, type[np.generic]] = {
    "request_id": np.uint64,
    **{name: KIND_TYPES[kind] for name, kind, *_ in _core.COLUMNS if kind in KIND_TYPES},
}
"""Columns with one value per request; `timestamp` in seconds from the job's start."""

TOKEN_COLUMNS = tuple(name for name, _, _, unit, _ in _core.COLUMNS if unit == "tokens" and name in DTYPES)
"""Columns with a number of tokens per request."""

LIST_COLUMNS = tuple(name for name, kind, _, unit, _ in _core.COLUMNS if kind == "list" and unit == "tokens")
"""Columns with a list of uint32 per request: the tokens of each item."""

CATEGORY_COLUMNS = {
    category: tuple(name for name, _, jobs, *_ in _core.COLUMNS if jobs == category)
    for category in _core.CATEGORY_FIELDS
}
"""Columns that only requests of a category have."""

NO_SESSION = _core.NO_SESSION
"""The `session_id` of a request that stands alone, in NumPy."""

NULLABLE = tuple(name for name, *_, is_nullable in _core.COLUMNS if is_nullable)
"""Columns that may lack a value: null in files; in NumPy `NO_SESSION` or None, and NaN."""

LATEST = 2**63 / 1e9
"""Times and delays are before it, in seconds, as they are whole nanoseconds in 64 bits."""

MOST_ITEMS = 2**31 - 1
"""Values in a list column in memory."""

_LISTS = tuple(name for name, kind, *_ in _core.COLUMNS if kind == "list")
_TEXT_OR_NUMBER = ("session_id",)
_KINDS = "biufO"
"""Of NumPy's types, those of columns without a meaning of their own: numbers, and objects that are texts."""


class ListColumn:
    """A list of values per request, as offsets into one flat array.

    The items of request i are `values[offsets[i]:offsets[i + 1]]`.

    Attributes:
        offsets: int32, shape (rows + 1,), from 0 on, never decreasing.
        values: uint32, shape (at least offsets[-1],).

    Raises:
        ValueError: for arrays of another type or shape, or offsets that do not point into the values.
    """

    __slots__ = ("offsets", "values")

    def __init__(self, offsets: npt.NDArray[np.int32], values: npt.NDArray[np.uint32]) -> None:
        for name, array, dtype in (("offsets", offsets, np.int32), ("values", values, np.uint32)):
            if not _is_array(array, dtype):
                raise ValueError(
                    f"list column: {name} as {_described(array)} are not allowed; they must be "
                    f"{_wanted(dtype)}"
                )
        if not offsets.size:
            raise ValueError("list column: no offsets are not allowed; there must be one more than rows")
        self.offsets = offsets
        self.values = values
        self._check("list column")

    @classmethod
    def _of(cls, offsets: npt.NDArray[np.int32], values: npt.NDArray[np.uint32]) -> ListColumn:
        """Of arrays that are known to be right."""
        made = cls.__new__(cls)
        made.offsets, made.values = offsets, values
        return made

    def _check(self, what: str) -> None:
        """Raise a ValueError about `what` unless the offsets point into the values."""
        back = self.offsets[1:] < self.offsets[:-1]
        if self.offsets[0] < 0 or back.any():
            at = 0 if self.offsets[0] < 0 else int(back.argmax()) + 1
            raise ValueError(
                f"{what}: the offsets {self.offsets[max(at - 1, 0) : at + 1].tolist()} are not allowed; they "
                "must be from 0 on and never decrease"
            )
        if self.offsets[-1] > self.values.size:
            raise ValueError(
                f"{what}: a last offset of {self.offsets[-1]} is not allowed for {self.values.size} values; "
                "offsets must not go beyond the values"
            )

    def __len__(self) -> int:
        return self.offsets.size - 1

    def __getitem__(self, row: int | slice) -> Array | ListColumn:
        """The items of one request (a view), or the lists of a run of requests."""
        if isinstance(row, slice):
            start, stop, step = row.indices(len(self))
            if step != 1:
                raise ValueError(f"list column: a step of {step} is not allowed; it must be 1")
            return ListColumn._of(self.offsets[start : max(start, stop) + 1], self.values)
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
        if ends.size and ends[-1] > MOST_ITEMS:
            raise ValueError(
                f"list column: {ends[-1]} values are not allowed in memory; it must be at most {MOST_ITEMS}"
            )
        within = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - lengths, lengths)
        values = self.values[np.repeat(self.offsets[:-1][rows], lengths) + within]
        return ListColumn._of(np.concatenate([[0], ends]).astype(np.int32), values)

    def sums(self) -> npt.NDArray[np.uint64]:
        """The sum of each request's values: uint64, shape (rows,)."""
        running = np.zeros(self.flat().size + 1, dtype=np.uint64)
        np.cumsum(self.flat(), out=running[1:], dtype=np.uint64)
        ends: npt.NDArray[np.uint64] = running[self.offsets - self.offsets[0]]
        return np.diff(ends)


Column: TypeAlias = "Array | ListColumn"


def category_of(columns: Iterable[str]) -> str:
    """The category of requests with these columns."""
    there = set(columns)
    found = [category for category, own in CATEGORY_COLUMNS.items() if there & set(own)]
    return found[-1] if found else "language"


def check_columns(columns: Mapping[str, Column], *, in_order: bool = True) -> None:
    """Raise a ValueError unless these can be the columns of consecutive requests.

    Names and texts are such that UTF-8 has. Known columns have their native types; times and delays are
    times, or NaN where there is none; lists lie within their values. With `in_order`, times never decrease.
    """
    for name, column in columns.items():
        if not is_utf8(name):
            raise ValueError(f"columns: the name {name!r} is not allowed; it must be text that UTF-8 has")
        _check_type(name, column)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"columns: lengths {lengths} are not allowed; all columns must have one length")
    for name, column in columns.items():
        if isinstance(column, ListColumn):
            column._check(name)
        elif name in ("timestamp", "delay"):
            _check_times(name, column)
        elif column.dtype == object:
            _check_texts(name, column)
    times = columns.get("timestamp")
    if in_order and isinstance(times, np.ndarray):
        _check_order(times)


def _is_array(found: Any, dtype: Any) -> bool:
    is_array = isinstance(found, np.ndarray) and not isinstance(found, np.ma.MaskedArray)
    return is_array and found.ndim == 1 and found.dtype == dtype


def _described(found: Any) -> str:
    if isinstance(found, ListColumn):
        return "a list column"
    if isinstance(found, np.ndarray):
        masked = "masked " if isinstance(found, np.ma.MaskedArray) else ""
        return f"a {masked}{found.dtype} array of shape {found.shape}"
    return f"{type(found).__name__!r}"


def _wanted(dtype: Any) -> str:
    return f"a {np.dtype(dtype)} array of one dimension"


def _check_type(name: str, column: Any) -> None:
    if name in _LISTS:
        is_right, wanted = isinstance(column, ListColumn), "a tracetide.ListColumn"
    elif name in _TEXT_OR_NUMBER:
        is_number = isinstance(column, np.ndarray) and column.dtype.kind in "iuf"
        is_right = _is_array(column, column.dtype if is_number else object)
        wanted = "an array of one dimension, of numbers or of texts as objects"
    elif name in DTYPES:
        is_right, wanted = _is_array(column, DTYPES[name]), _wanted(DTYPES[name])
    else:
        is_plain = isinstance(column, np.ndarray) and column.dtype.kind in _KINDS
        is_right = isinstance(column, ListColumn) or (is_plain and _is_array(column, column.dtype))
        wanted = "an array of one dimension, of numbers or of texts as objects, or a tracetide.ListColumn"
    if not is_right:
        raise ValueError(f"columns: {name!r} as {_described(column)} is not allowed; it must be {wanted}")


def _check_times(name: str, seconds: Array) -> None:
    wrong = ~((seconds >= 0) & (seconds < LATEST)) & ~np.isnan(seconds)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(
            f"{name}: {seconds[row]} in row {row + 1} is not allowed; it must be from 0 to 2^63 ns, or NaN "
            "where there is none"
        )


def _check_order(seconds: Array) -> None:
    missing = np.isnan(seconds)
    rows = np.flatnonzero(~missing) if missing.any() else None
    known = seconds if rows is None else seconds[rows]
    back = known[1:] < known[:-1]
    if back.any():
        at = int(back.argmax()) + 1
        row = at if rows is None else int(rows[at])
        raise ValueError(
            f"timestamp: {known[at]} in row {row + 1} after {known[at - 1]} is not allowed; requests must be "
            "in the order of their times, as numpy.argsort(timestamp, kind='stable') gives it"
        )


def _check_texts(name: str, texts: Array) -> None:
    allowed = (str, type(None)) if name in NULLABLE else (str,)
    wrong = [kind for kind in set(map(type, texts)) if not issubclass(kind, allowed)]
    if wrong:
        row = next(row for row, text in enumerate(texts) if not isinstance(text, allowed))
        raise ValueError(
            f"{name}: {texts[row]!r} in row {row + 1} is not allowed; objects in an array must be texts"
        )
    if not is_utf8("".join(filter(None, texts))):
        row = next(row for row, text in enumerate(texts) if text and not is_utf8(text))
        raise ValueError(
            f"{name}: {texts[row]!r} in row {row + 1} is not allowed; it must be text that UTF-8 has"
        )

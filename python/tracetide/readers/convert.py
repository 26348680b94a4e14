"""From what a source gives to native columns, with every check of a value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.errors import TraceError
from tracetide.readers.fields import LIST_TYPE, UNITS, Field
from tracetide.readers.place import Place, shown
from tracetide.wording import Option, Told

LATEST = 1e10
"""Times must be before it, in seconds: past it a unit is wrong, for example milliseconds for seconds."""

_ITEMS = "its items must be whole numbers from 0 to 4294967295"
_LIST = r"^\[\s*(\d+(\s*,\s*\d+)*)?\s*\]$"


class Converter:
    """Makes one native column from the runs of a source, in their order."""

    def __init__(self, field: Field) -> None:
        self._field = field

    def __call__(self, array: pa.Array, place: Place) -> pa.Array:
        """The column of a run.

        Raises:
            TraceError: naming the row, the column, the value and what is allowed.
        """
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if _is_text(array.type) and not pa.types.is_string(array.type):
            array = array.cast(pa.string())
        if array.null_count and not self._field.nullable:
            place.missing(_first(array.is_null()), self._field.source)
        try:
            return self._converted(array, place)
        except pa.ArrowException as error:
            raise TraceError(
                f"{place.at(0, self._field.source)} or below: a value of type {array.type} is not allowed; "
                f"it must be {self._field.type}: {shown(str(error).splitlines()[0])}"
            ) from None

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        raise NotImplementedError


class WholeNumbers(Converter):
    """Token counts, client numbers, turns, ids: whole numbers from 0 to what the type holds."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        wanted = self._field.type
        if array.type == wanted:
            return array
        array = numbers_of(array, place, self._field)
        largest = int(np.iinfo(wanted.to_pandas_dtype()).max)
        if pa.types.is_floating(array.type):
            values = array.to_numpy(zero_copy_only=False)
            present = ~_nulls(array)
            wrong = present & ~(np.isfinite(values) & (values == np.floor(values)))
            wrong |= present & ((values < 0) | (values >= largest + 1.0))
            if wrong.any():
                row = int(wrong.argmax())
                place.fail(row, self._field.source, float(values[row]), _whole(largest))
            return array.cast(wanted)
        low_high = pc.min_max(array).as_py()
        if low_high["min"] is not None and (low_high["min"] < 0 or low_high["max"] > largest):
            bad = pc.less(array, 0) if low_high["min"] < 0 else pc.greater(array, largest)
            row = _first(bad)
            place.fail(row, self._field.source, array[row].as_py(), _whole(largest))
        return array.cast(wanted)


class Rounds(WholeNumbers):
    """Turns that the source counts from 0."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        turns = pc.add(super()._converted(array, place).cast(pa.uint32()), pa.scalar(1, pa.uint32()))
        if len(turns) and pc.max(turns).as_py() > 65535:
            row = _first(pc.greater(turns, 65535))
            place.fail(row, self._field.source, turns[row].as_py() - 1, "it must be at most 65534")
        return turns.cast(pa.uint16())


class Times(Converter):
    """Timestamps in seconds; where they are ordered, never decreasing.

    Those counted from the first row may be before it where they are `signed`.
    """

    def __init__(self, field: Field, *, rebase: bool, ordered: bool, signed: bool = False) -> None:
        super().__init__(field)
        self._rebase = rebase
        self._ordered = ordered
        self._signed = signed
        self._origin: Any = None
        self._last = 0.0
        self._is_date = field.unit == "date"

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        values, per_second = self._ticks(array, place)
        nulls = _nulls(array)
        if self._rebase or self._is_date:
            if self._origin is None and not nulls.all():
                self._origin = values[~nulls][0]
            if self._origin is not None:
                values = values - self._origin
        seconds = seconds_of(values, per_second)
        self._check(array, seconds, nulls, place)
        return pa.array(seconds, mask=nulls if nulls.any() else None)

    def _ticks(self, array: pa.Array, place: Place) -> tuple[Any, int]:
        """Numbers in the source's unit, and how many are a second."""
        kind = array.type
        if self._is_date or pa.types.is_temporal(kind):
            self._is_date = True
            dates = _dates(array, place, self._field)
            return dates.cast(pa.int64()).fill_null(0).to_numpy(), UNITS["ns"]
        array = numbers_of(array, place, self._field)
        if pa.types.is_uint64(array.type):
            is_small = pc.max(array).as_py() in range(2**63)
            array = array.cast(pa.int64() if is_small else pa.float64(), safe=False)
        zero = pa.scalar(0, array.type)
        return array.fill_null(zero).to_numpy(zero_copy_only=False), UNITS[self._field.unit]

    def _check(self, array: pa.Array, seconds: Any, nulls: Any, place: Place) -> None:
        known = seconds if not nulls.any() else seconds[~nulls]
        if not known.size:
            return
        rows = np.flatnonzero(~nulls) if nulls.any() else None
        back = self._ordered & (np.diff(known, prepend=self._last) < 0)
        least = -LATEST if self._signed and self._origin is not None else 0.0
        wrong = ~((known >= least) & (known < LATEST)) | back
        if wrong.any():
            at = int(wrong.argmax())
            self._fail(at, int(rows[at]) if rows is not None else at, known, array, place)
        self._last = float(known[-1])

    def _fail(self, at: int, row: int, known: Any, array: pa.Array, place: Place) -> None:
        value = known[at]
        found = array[row].as_py() if not pa.types.is_temporal(array.type) else str(array[row])
        name = self._field.source
        above = known[at - 1] if at else self._last
        if not np.isfinite(value):
            place.fail(row, name, found, "it must be a finite number")
        if self._ordered and value < above and (value >= 0 or self._origin is not None):
            place.fail(
                row,
                name,
                found,
                f"it must not be before the row above ({above:.9g} s)",
            )
        if value < 0:
            place.fail(row, name, found, "it must be a time from 0 on")
        place.fail(
            row,
            name,
            found,
            Told(
                f"it must be less than 1e10 s; is {self._field.unit!r} its unit? (see ", Option("units"), ")"
            ),
        )


class Delays(Converter):
    """Seconds after the previous turn's end, from 0 on; missing on the first turn."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        array = numbers_of(array, place, self._field).cast(pa.float64(), safe=False)
        values = array.to_numpy(zero_copy_only=False)
        nulls = _nulls(array)
        seconds = seconds_of(values, UNITS[self._field.unit])
        wrong = ~nulls & ~((seconds >= 0) & (seconds < LATEST))
        if wrong.any():
            row = int(wrong.argmax())
            place.fail(row, self._field.source, float(values[row]), "it must be a finite number from 0 on")
        return pa.array(seconds, mask=nulls)


class Items(Converter):
    """Lists of whole numbers."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        if pa.types.is_string(array.type):
            array = self._lists_of_texts(array, place)
        if pa.types.is_fixed_size_list(array.type) or pa.types.is_large_list(array.type):
            array = array.cast(pa.list_(array.type.value_type))
        if not pa.types.is_list(array.type):
            place.fail(0, self._field.source, array[0].as_py(), "it must be a list of whole numbers")
        if array.type.value_type == pa.uint32() and not array.values.null_count:
            return pa.ListArray.from_arrays(array.offsets, array.values, LIST_TYPE)
        flat = array.flatten()
        if not len(flat):
            return array.cast(LIST_TYPE)
        if not (pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type)):
            row = _row_of(array, 0)
            place.fail(row, self._field.source, array[row].as_py(), _ITEMS)
        if flat.null_count:
            place.missing(_row_of(array, _first(flat.is_null())), self._field.source)
        inner = Place(place.origin)
        try:
            values = WholeNumbers(_item(self._field))(flat, inner)
        except TraceError:
            values = flat.to_numpy(zero_copy_only=False)
            wrong = ~((values >= 0) & (values <= 2**32 - 1) & (values == np.floor(values)))
            at = int(wrong.argmax())
            place.fail(_row_of(array, at), self._field.source, values[at].item(), _ITEMS)
        return pa.ListArray.from_arrays(_offsets(array), values, LIST_TYPE)

    def _lists_of_texts(self, array: pa.Array, place: Place) -> pa.Array:
        """Lists from texts such as `[256,512]`."""
        wrong = pc.invert(pc.match_substring_regex(array, _LIST))
        if pc.any(wrong).as_py():
            row = _first(wrong)
            raise TraceError(
                f"{place.at(row, self._field.source)}: {shown(array[row].as_py())} is not a list "
                "of whole numbers such as [256,512]"
            )
        inner = pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(array), 1, -1)
        is_empty = pc.equal(pc.utf8_trim_whitespace(inner), "")
        parts = pc.split_pattern(pc.if_else(is_empty, pa.scalar(None, pa.string()), inner), ",")
        lengths = pc.list_value_length(parts).fill_null(0).to_numpy()
        numbers = pc.cast(pc.utf8_trim_whitespace(parts.flatten()), pa.float64())
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), numbers)


class Labels(Converter):
    """Texts or whole numbers, as the source has them."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        wanted = self._field.type
        if array.type == wanted:
            return array
        if pa.types.is_integer(wanted):
            return WholeNumbers(self._field)._converted(array, place)
        try:
            return array.cast(wanted)
        except pa.ArrowException:
            row = _first_failure(array, wanted)
            place.fail(row, self._field.source, array[row].as_py(), "it must be a text in UTF-8")


class Numbers(Converter):
    """Further numbers, as the source has them."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        if array.type == self._field.type:
            return array
        array = numbers_of(array, place, self._field)
        try:
            return array.cast(self._field.type)
        except pa.ArrowException:
            row = _first_failure(array, self._field.type)
            place.fail(
                row,
                self._field.source,
                array[row].as_py(),
                f"it must be {self._field.type} as in the first rows",
            )


def converter(field: Field, *, rebase: bool, ordered: bool = True, signed: bool = False) -> Converter:
    """The converter of a field."""
    if field.kind == "time":
        return Times(field, rebase=rebase, ordered=ordered, signed=signed)
    kinds: dict[str, type[Converter]] = {
        "tokens": WholeNumbers,
        "id": WholeNumbers,
        "turn": WholeNumbers,
        "round": Rounds,
        "delay": Delays,
        "items": Items,
        "label": Labels,
        "number": Numbers,
    }
    return kinds[field.kind](field)


def seconds_of(values: Any, per_second: int) -> Any:
    """Times in seconds: where a value is a whole number of nanoseconds, as times of traces are, the double
    that is nearest to it, which a division of a rounded value may miss.
    """
    seconds = np.asarray(values / per_second, dtype=np.float64)
    if per_second == 1 or np.issubdtype(np.asarray(values).dtype, np.integer):
        return seconds  # exact, rounded once
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        whole = np.rint(values * (1e9 / per_second)) / 1e9
        is_near = np.abs(whole - seconds) <= 2 * np.spacing(np.abs(seconds))
    return np.where(is_near, whole, seconds)


def numbers_of(array: pa.Array, place: Place, field: Field) -> pa.Array:
    """Integers or floats; texts are parsed, which only text files need."""
    kind = array.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return array.cast(pa.float64()) if pa.types.is_float16(kind) else array
    if pa.types.is_null(kind) or pa.types.is_decimal(kind):
        return array.cast(pa.float64())
    if pa.types.is_string(kind) and place.text is not None:
        texts = pc.utf8_trim_whitespace(array)
        if not field.nullable and pc.any(pc.equal(texts, "")).as_py():
            place.missing(_first(pc.equal(texts, "")), field.source)
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, kind), texts)
        for wanted in (pa.int64(), pa.uint64(), pa.float64()):
            try:
                return texts.cast(wanted)
            except pa.ArrowException:
                continue
        row = _first_failure(texts, pa.float64())
        place.fail(row, field.source, array[row].as_py(), _number(field))
    row = _first(array.is_valid())
    allowed = Told(_number(field), f"; the column has the type {kind}")
    place.fail(row, field.source, array[row].as_py(), allowed)


def _dates(array: pa.Array, place: Place, field: Field) -> pa.Array:
    """Dates as nanoseconds."""
    if pa.types.is_string(array.type):
        texts = array
        # Seven decimals are Azure's; pyarrow reads up to nine, but with and without zone not as one type.
        has_zone = pc.match_substring_regex(texts, r"(Z|[+-]\d\d:?\d\d)$")
        plain = pc.if_else(has_zone, pa.scalar(None, pa.string()), texts)
        zoned = pc.if_else(has_zone, texts, pa.scalar(None, pa.string()))
        found = []
        for part, wanted in ((plain, pa.timestamp("ns")), (zoned, pa.timestamp("ns", "UTC"))):
            try:
                found.append(part.cast(wanted).cast(pa.int64()))
            except pa.ArrowException:
                row = _first_failure(part, wanted)
                place.fail(row, field.source, array[row].as_py(), _DATE)
        return pc.coalesce(*found).cast(pa.timestamp("ns"))
    if not pa.types.is_timestamp(array.type) and not pa.types.is_date(array.type):
        place.fail(0, field.source, array[0].as_py(), _DATE)
    try:
        return array.cast(pa.timestamp("ns", getattr(array.type, "tz", None)))
    except pa.ArrowException:
        row = _first_failure(array, pa.timestamp("ns", getattr(array.type, "tz", None)))
        place.fail(row, field.source, str(array[row]), _DATE)


_DATE = "it must be a date such as '2023-11-16 18:15:46.6805900', from 1678 to 2261"


def _number(field: Field) -> str:
    if field.kind != "time":
        return "it must be a number"
    return Told("it must be a number, or a date, stated by ", Option("units", {"timestamp": "date"}))


def _is_text(kind: pa.DataType) -> bool:
    is_view = getattr(pa.types, "is_string_view", None)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or (is_view and is_view(kind)))


def _first(mask: pa.Array) -> int:
    """The first row that is true."""
    return int(pc.index(mask, True).as_py())


def _first_failure(array: pa.Array, wanted: pa.DataType) -> int:
    """The first row that cannot be cast, by halving."""
    low, high = 0, len(array)
    while high - low > 1:
        middle = (low + high) // 2
        try:
            array[low:middle].cast(wanted)
            low = middle
        except pa.ArrowException:
            high = middle
    return low


def _nulls(array: pa.Array) -> Any:
    if not array.null_count:
        return np.zeros(len(array), dtype=bool)
    return array.is_null().to_numpy(zero_copy_only=False)


def _offsets(array: pa.Array) -> pa.Array:
    """Offsets into the flattened values."""
    lengths = pc.list_value_length(array).to_numpy()
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))


def _row_of(array: pa.Array, item: int) -> int:
    """The row of an item of the flattened values."""
    return int(np.searchsorted(_offsets(array).to_numpy(), item, side="right")) - 1


def _item(field: Field) -> Field:
    return Field(field.name, field.source, "tokens", pa.uint32())


def _whole(largest: int) -> str:
    return f"it must be a whole number from 0 to {largest}"

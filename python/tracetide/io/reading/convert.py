"""From what a source gives to native columns, with every check of a value."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.errors import TraceError
from tracetide.base.wording import Option, Told
from tracetide.columns import LATEST
from tracetide.columns.session_numbers import without_empty
from tracetide.io.reading.block_ids import SmallIds
from tracetide.io.reading.fields import NATIVE, OWN_BLOCKS, UNITS, Field
from tracetide.io.reading.place import Place, shown

_WRONG_UNIT = 1e10
"""Past it, in seconds, a unit is wrong, for example milliseconds for seconds."""

_SCALES = tuple(10.0**decimals for decimals in range(9, -1, -1))

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
        array = self._plain(array)
        if pa.types.is_string(array.type):
            _check_texts(array, place, self._field)
        if array.null_count and not self._field.nullable:
            place.missing(_first(array.is_null()), self._field.source)
        try:
            return self._converted(array, place)
        except pa.ArrowMemoryError:
            raise
        except pa.ArrowException as error:
            raise TraceError(
                f"{place.at(0, self._field.source)} or below: a value of type {array.type} is not allowed; "
                f"it must be {self._field.type}: {shown(str(error).splitlines()[0])}"
            ) from None

    def _plain(self, array: pa.Array) -> pa.Array:
        """One array of values, texts as `string`."""
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if _is_text(array.type) and not pa.types.is_string(array.type):
            array = array.cast(pa.string())
        if self._field.nullable and pa.types.is_floating(array.type):
            array = _without_nan(array)
        return array

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

    With `rebase`, and if they are dates, they count from `origin`: by default the first one.
    """

    def __init__(self, field: Field, *, rebase: bool, ordered: bool, origin: Any = None) -> None:
        super().__init__(field)
        self._rebase = rebase
        self._ordered = ordered
        self._origin = origin
        self._last = 0.0
        self._is_date = field.unit == "date"

    def earliest(self, array: pa.Array, place: Place) -> Any:
        """The earliest time of a run as an origin, or None."""
        array = self._plain(array)
        values = self._ticks(array, place)[0][~_nulls(array)]
        values = values[np.isfinite(values)]  # what is not is refused later
        return values.min() if values.size else None

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        values, per_second = self._ticks(array, place)
        nulls = _nulls(array)
        if self._rebase or self._is_date:
            if self._origin is None and not nulls.all():
                self._origin = values[~nulls][0]
            if self._origin is not None:
                self._check_span(array, values, per_second, nulls, place)
                values = _since(values, self._origin)
        seconds = seconds_of(values, per_second)
        self._check(array, seconds, nulls, place)
        return pa.array(seconds, mask=nulls if nulls.any() else None)

    def _check_span(self, array: pa.Array, values: Any, per_second: int, nulls: Any, place: Place) -> None:
        """Before the origin is taken away, which whole numbers would survive with another sign."""
        since = values.astype(np.float64) - float(self._origin)
        wrong = ~nulls & np.isfinite(since) & (np.abs(since) >= LATEST * per_second)
        if wrong.any():
            row = int(wrong.argmax())
            found = str(array[row]) if pa.types.is_temporal(array.type) else array[row].as_py()
            place.fail(row, self._field.source, found, "it must be within 292 years of the first time")

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
        wrong = ~((known >= 0) & (known < LATEST)) | back
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
        if value < _WRONG_UNIT:
            place.fail(row, name, found, f"it must be less than {LATEST:.0f} s, or 2^63 nanoseconds")
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

    _type = pa.uint32()

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        if pa.types.is_string(array.type):
            array = self._lists_of_texts(array, place)
        if pa.types.is_fixed_size_list(array.type) or pa.types.is_large_list(array.type):
            array = array.cast(pa.list_(array.type.value_type))
        if not pa.types.is_list(array.type):
            place.fail(0, self._field.source, array[0].as_py(), "it must be a list of whole numbers")
        if array.type.value_type in (pa.uint32(), self._type) and not array.values.null_count:
            return self._lists(array.offsets, array.values)
        flat = array.flatten()
        if not len(flat):
            return array.cast(self._field.type)
        if not (pa.types.is_integer(flat.type) or pa.types.is_floating(flat.type)):
            row = _row_of(array, 0)
            place.fail(row, self._field.source, array[row].as_py(), _items_allowed(self._type))
        if flat.null_count:
            place.missing(_row_of(array, _first(flat.is_null())), self._field.source)
        inner = Place(place.origin)
        item = Field(self._field.name, self._field.source, "tokens", self._type)
        try:
            values = WholeNumbers(item)(flat, inner)
        except TraceError:
            values = flat.to_numpy(zero_copy_only=False)
            largest = np.iinfo(self._type.to_pandas_dtype()).max
            wrong = ~((values >= 0) & (values <= largest) & (values == np.floor(values)))
            at = int(wrong.argmax())
            place.fail(_row_of(array, at), self._field.source, values[at].item(), _items_allowed(self._type))
        return self._lists(_offsets(array), values)

    def _lists(self, offsets: pa.Array, values: pa.Array) -> pa.Array:
        """Of numbers that are right."""
        return pa.ListArray.from_arrays(offsets, values, self._field.type)

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
        texts = pc.utf8_trim_whitespace(parts.flatten())
        try:
            numbers = texts.cast(pa.uint64())
        except pa.ArrowException:
            numbers = texts.cast(pa.float64())  # too large, and refused for that
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), numbers)


class Sessions(Converter):
    """Ids of sessions; an empty one is none."""

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        return without_empty(Labels(self._field)._converted(array, place))


class Blocks(Items):
    """Ids of prompt blocks, any below 2^64, as ids below 2^32 unless those of the source are wanted."""

    _type = pa.uint64()

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self._small = None if field.type == OWN_BLOCKS else SmallIds(2**32)

    def _converted(self, array: pa.Array, place: Place) -> pa.Array:
        if pa.types.is_list(array.type) and pa.types.is_floating(array.type.value_type):
            self._check_exact(array, place)
        return super()._converted(array, place)

    def _lists(self, offsets: pa.Array, values: pa.Array) -> pa.Array:
        first = offsets[0]
        values = values.slice(first.as_py(), offsets[-1].as_py() - first.as_py())
        if self._small is not None:
            values = pa.array(self._small.of(values.to_numpy(zero_copy_only=False)))
        return super()._lists(pc.subtract(offsets, first), values.cast(self._field.type.value_type))

    def _check_exact(self, array: pa.Array, place: Place) -> None:
        """Different whole numbers of this size may be one float."""
        large = pc.greater_equal(array.flatten(), 2.0**53)
        if pc.any(large).as_py():
            at = _first(large)
            found = array.flatten()[at].as_py()
            place.fail(_row_of(array, at), self._field.source, found, "floats must be below 2^53")


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
            place.fail(row, self._field.source, array[row].as_py(), _UTF8)


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
                _stays(self._field),
            )


def converter(field: Field, *, rebase: bool, ordered: bool = True, origin: Any = None) -> Converter:
    """The converter of a field; `origin` is what times are counted from."""
    if field.kind == "time":
        return Times(field, rebase=rebase, ordered=ordered, origin=origin)
    if field.name == "session_id" and field.nullable:
        return Sessions(field)
    kinds: dict[str, type[Converter]] = {
        "tokens": WholeNumbers,
        "id": WholeNumbers,
        "turn": WholeNumbers,
        "round": Rounds,
        "delay": Delays,
        "items": Items,
        "blocks": Blocks,
        "label": Labels,
        "number": Numbers,
    }
    return kinds[field.kind](field)


def _since(values: Any, origin: Any) -> Any:
    """Times less an origin. A decimal such as Unix time is rounded in a double; where all its digits can
    be told from that, the difference is theirs, which two rounded values miss by a hundred nanoseconds.
    """
    if np.issubdtype(values.dtype, np.integer) or not np.isfinite(origin):
        return values - origin
    scale = next(scale for scale in _SCALES if abs(origin) * scale < 2**53 or scale == 1)
    start = np.rint(origin * scale)
    if start / scale != origin:
        return values - origin
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
        whole = np.rint(values * scale)
        rounded = float(Fraction(float(origin)) - Fraction(int(start), int(scale)))
        return np.where(whole / scale == values, (whole - start) / scale, (values - origin) + rounded)


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
    place.fail(row, field.source, _shown(array[row]), allowed)


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
        place.fail(0, field.source, _shown(array[0]), _DATE)
    try:
        return array.cast(pa.timestamp("ns", getattr(array.type, "tz", None)))
    except pa.ArrowException:
        row = _first_failure(array, pa.timestamp("ns", getattr(array.type, "tz", None)))
        place.fail(row, field.source, _shown(array[row]), _DATE)


_UTF8 = "it must be a text in UTF-8"
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


def _check_texts(array: pa.Array, place: Place, field: Field) -> None:
    """Binary files may have texts that are none, which nothing looks at until they are written."""
    try:
        array.validate(full=True)
    except pa.ArrowException:
        texts = array.cast(pa.binary())
        row = _first_failure(texts, pa.string())
        place.fail(row, field.source, texts[row].as_py(), _UTF8)


def _shown(value: pa.Scalar) -> Any:
    """As Python shows it, which has fewer dates than Arrow."""
    try:
        shown = value.as_py()
    except (OverflowError, ValueError):
        return f"{value.value} {getattr(value.type, 'unit', '')}".rstrip()
    return str(shown) if pa.types.is_temporal(value.type) else shown


def _stays(field: Field) -> str:
    """What further numbers may be, which nothing but the first rows tells."""
    return f"it must be {field.type}" + (" as in the first rows" if field.name not in NATIVE else "")


def _without_nan(array: pa.Array) -> pa.Array:
    """As pandas and NumPy say null."""
    is_nan = pc.is_nan(array)
    return pc.if_else(is_nan, pa.scalar(None, array.type), array) if pc.any(is_nan).as_py() else array


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


def _items_allowed(kind: pa.DataType) -> str:
    return f"its items must be whole numbers from 0 to {np.iinfo(kind.to_pandas_dtype()).max}"


def _whole(largest: int) -> str:
    return f"it must be a whole number from 0 to {largest}"

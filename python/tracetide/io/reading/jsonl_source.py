"""JSON lines. Parsed by pyarrow straight into the wanted types; where that fails, line by line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.json

from tracetide.base.errors import TraceError
from tracetide.base.utf8 import is_utf8
from tracetide.columns.arrow import LIST_TYPE
from tracetide.io.reading.fields import OWN_BLOCKS, Field
from tracetide.io.reading.file import File
from tracetide.io.reading.place import Place, shown
from tracetide.io.reading.source import MOST_COLUMNS
from tracetide.io.reading.text_blocks import (
    DATA_ERRORS,
    Block,
    blocks,
    may_have_other_values,
    native_reader,
)

_PARSED_AT_ONCE = 1 << 20
_SAMPLE = 1 << 18
_SAMPLE_LINES = 1000
_MOST_TEXTS = 1 << 20


class JsonlSource:
    """A file with one JSON object a line."""

    container = "jsonl"

    def __init__(self, file: File, codec: str | None) -> None:
        """Read the keys and types of the first rows.

        Raises:
            TraceError: if there are none.
        """
        self.origin = path = file.name
        self.metadata: Mapping[str, Any] = {}
        self.file = file
        self.codec = codec
        self.repeated: frozenset[str] = frozenset()
        found = blocks(file, codec, quoted=False)
        first = next((block for block in found if block.data.strip()), None)
        if first is None:
            raise TraceError(f"{path}: an empty file is not allowed; it must have an object in every line")
        if first.data.lstrip()[:1] == b"[":
            raise TraceError(
                f"{path}:{first.first_line}: a JSON array is not allowed; "
                "it must be JSON lines, an object in every line"
            )
        self.types: Mapping[str, pa.DataType] = self._sampled(first)

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, block by block."""
        exact = pa.schema([(source, kind) for source, kind in self._schema(fields, exact=True).items()])
        loose = pa.schema([(source, kind) for source, kind in self._schema(fields, exact=False).items()])
        rows = 0
        for block in blocks(self.file, self.codec, quoted=False):
            if not block.data.strip():
                continue
            place = Place(self.origin, rows, block.data, block.first_line)
            table = self._parse(block.data, exact, loose)
            if table is None:
                arrays = _Lines(block.data, place).columns(fields)
            else:
                arrays = [_combined(table.column(field.source)) for field in fields]
            rows += len(arrays[0])
            yield place, arrays

    def later_type(self, name: str) -> pa.DataType:
        """The type of a key without values in the first rows, as its first one is; null if none has."""
        rows = 0
        key = re.compile(re.escape(json.dumps(name).encode()) + rb"\s*:\s*(?!null|\s)")
        for block in blocks(self.file, self.codec, quoted=False):
            lines = [line for line in block.data.split(b"\n") if line.strip()]
            place = Place(self.origin, rows, block.data, block.first_line)
            for row, line in enumerate(lines):
                if key.search(line) and (value := _object(line, place, row).get(name)) is not None:
                    return _type_of(value)
            rows += len(lines)
        return pa.null()

    def _schema(self, fields: Sequence[Field], *, exact: bool) -> dict[str, pa.DataType]:
        schema: dict[str, pa.DataType] = {}
        for field in fields:
            wanted = field.type
            if field.kind == "time":
                wanted = pa.int64() if field.unit == "ns" and exact else pa.float64()
                if field.unit == "date":
                    wanted = pa.string()
            elif field.kind in ("tokens", "turn", "number") and not exact:
                wanted = pa.float64()
            elif field.kind in ("items", "blocks"):
                wanted = pa.list_(pa.uint32() if exact or field.kind == "items" else pa.uint64())
            if field.kind == "label" or field.source not in schema:
                schema[field.source] = wanted
        return schema

    def _parse(self, data: bytes, exact: pa.Schema, loose: pa.Schema) -> pa.Table | None:
        """The columns, or None if only a look at every line can tell what is wrong."""
        if may_have_other_values(data):
            return None
        lines = data.count(b"\n") + (not data.endswith(b"\n"))
        for schema, size in ((exact, _PARSED_AT_ONCE), (exact, len(data) + 1), (loose, len(data) + 1)):
            try:
                table = pyarrow.json.read_json(
                    native_reader(data),
                    read_options=pyarrow.json.ReadOptions(block_size=size),
                    parse_options=pyarrow.json.ParseOptions(
                        explicit_schema=schema, unexpected_field_behavior="ignore"
                    ),
                )
            except DATA_ERRORS:
                continue
            return table if table.num_rows == lines else None
        return None

    def _sampled(self, block: Block) -> dict[str, pa.DataType]:
        """Keys and types of the first lines."""
        data = block.data.lstrip()
        lines = [line for line in data[: data.find(b"\n", _SAMPLE) + 1 or None].split(b"\n") if line.strip()]
        place = Place(self.origin, 0, block.data, block.first_line)
        types: dict[str, pa.DataType] = {}
        for row, line in enumerate(lines[:_SAMPLE_LINES]):
            for name, value in _object(line, place, row).items():
                if not is_utf8(name):
                    raise TraceError(f"{place.at(row)}: the key {shown(name)} is no text in UTF-8")
                found = _type_of(value)
                known = types.get(name, pa.null())
                if (known == pa.int64() and found == pa.float64()) or known == pa.null():
                    types[name] = found
            if len(types) > MOST_COLUMNS:
                raise TraceError(
                    f"{place.at(row)}: {len(types):,} keys are not allowed; "
                    f"there must be at most {MOST_COLUMNS:,}"
                )
        return types


class _Lines:
    """The rows of a block, one by one: slow, with an exact error."""

    def __init__(self, data: bytes, place: Place) -> None:
        self._place = place
        lines = [line for line in data.split(b"\n") if line.strip()]
        self._rows = [_object(line, place, row) for row, line in enumerate(lines)]

    def columns(self, fields: Sequence[Field]) -> list[pa.Array]:
        return [self._column(field) for field in fields]

    def _column(self, field: Field) -> pa.Array:
        values = [row.get(field.source) for row in self._rows]
        if field.kind in ("items", "blocks"):
            kind = LIST_TYPE if field.kind == "items" else OWN_BLOCKS
            largest_item = 2**kind.value_type.bit_width - 1
            lists = [self._items(v, row, field, largest_item) for row, v in enumerate(values)]
            return pa.array(lists, kind)
        if pa.types.is_string(field.type) or field.unit == "date":
            self._expect(values, field, str, "a text")
            for row, value in enumerate(values):
                if value is not None and not is_utf8(value):
                    self._place.fail(row, field.source, value, "it must be a text in UTF-8")
            return pa.array(values, pa.string())
        self._expect(values, field, (int, float), "a number")
        if field.type == pa.float64() or any(isinstance(value, float) for value in values):
            return pa.array([None if v is None else _float(v) for v in values], pa.float64())
        largest = max((abs(value) for value in values if value is not None), default=0)
        if largest >= 2**63:
            if field.kind in ("id", "label"):
                for row, value in enumerate(values):
                    if value is not None and not 0 <= value < 2**64:
                        self._place.fail(row, field.source, value, "it must be from 0 to 2^64 - 1")
                return pa.array(values, pa.uint64())
            return pa.array([None if v is None else _float(v) for v in values], pa.float64())
        return pa.array(values, pa.int64())

    def _expect(self, values: list[Any], field: Field, types: Any, what: str) -> None:
        for row, value in enumerate(values):
            if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
                self._place.fail(row, field.source, value, f"it must be {what}")

    def _items(self, value: Any, row: int, field: Field, largest: int) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            self._place.fail(row, field.source, value, "it must be a list of whole numbers")
        for item in value:
            if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item <= largest:
                self._place.fail(
                    row, field.source, item, f"its items must be whole numbers from 0 to {largest}"
                )
        return value


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _object(line: bytes, place: Place, row: int) -> dict[str, Any]:
    """The object of a line."""
    if line.count(b'"') > 2 * _MOST_TEXTS:
        raise TraceError(
            f"{place.at(row)}: more than {_MOST_TEXTS:,} keys and texts in a line are not allowed"
        )
    try:
        found = json.loads(line, object_pairs_hook=_unique)
    except _DuplicateKey as error:
        raise TraceError(
            f"{place.at(row)}: the key {shown(error.args[0])} is there twice; every key must be there once"
        ) from None
    except UnicodeDecodeError:
        raise TraceError(f"{place.at(row)}: {shown(line)} is not UTF-8 text") from None
    except RecursionError:
        raise TraceError(f"{place.at(row)}: {shown(line)} is nested too deeply") from None
    except ValueError as error:
        raise TraceError(f"{place.at(row)}: {shown(line.decode())} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise TraceError(f"{place.at(row)}: {shown(found)} is not allowed; every line must be an object")
    return found


class _DuplicateKey(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _DuplicateKey(next(name for name in names if names.count(name) > 1))
    return found


def _type_of(value: Any) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, int):
        return pa.int64()
    if isinstance(value, float):
        return pa.float64()
    if isinstance(value, str):
        return pa.string()
    if isinstance(value, list):
        return pa.list_(pa.int64())
    return pa.null() if value is None else pa.struct([])


def _combined(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

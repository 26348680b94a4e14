"""CSV files. Parsed by pyarrow straight into the wanted types; where that fails, as texts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tracetide.base.errors import TraceError
from tracetide.io.reading.fields import Field
from tracetide.io.reading.file import File
from tracetide.io.reading.place import Place, shown
from tracetide.io.reading.source import MOST_COLUMNS, check_names
from tracetide.io.reading.text_blocks import DATA_ERRORS, Block, blocks, native_reader

_PARSED_AT_ONCE = 1 << 20
_SAMPLE = 1 << 18


class CsvSource:
    """A CSV file with a header line."""

    container = "csv"

    def __init__(self, file: File, codec: str | None) -> None:
        """Read the header and the types of the first rows.

        Raises:
            TraceError: if there is no header or no rows.
        """
        self.origin = path = file.name
        self.metadata: Mapping[str, Any] = {}
        self._file = file
        self._codec = codec
        header, line, rows = _header_and_rows(file, codec)
        if not header:
            raise TraceError(f"{path}: an empty file is not allowed; it must have a header line and rows")
        self.names = _names(header, f"{path}:{line}")
        self.repeated = frozenset(name for name, count in Counter(self.names).items() if count > 1)
        first = next((block.data for block in rows if block.data.strip()), b"").lstrip(b"\r\n")
        if len(first) > _SAMPLE:
            first = first[: first.rfind(b"\n", 0, _SAMPLE) + 1] or first[:_SAMPLE]
        self.types: Mapping[str, pa.DataType] = dict(zip(self.names, self._sampled(first), strict=True))

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, block by block."""
        check_names(fields, self.names, self.origin)
        keys = [str(self.names.index(field.source)) for field in fields]
        types: dict[str, pa.DataType] = {}
        for key, field in zip(keys, fields, strict=True):
            wanted = self._parsed_type(field)
            types[key] = wanted if types.get(key, wanted) == wanted else pa.string()
        rows = 0
        for block in _header_and_rows(self._file, self._codec)[2]:
            if not block.data.strip():
                continue
            place = Place(self.origin, rows, block.data, block.first_line, quoted=True)
            table = self._parse(block.data, types, place)
            arrays = [_combined(table.column(key)) for key in keys]
            rows += table.num_rows
            if table.num_rows:
                yield place, arrays

    def later_type(self, name: str) -> pa.DataType:
        """The type of a column without values in the first rows, as its first ones are; null if none has."""
        position = self.names.index(name)
        for block in _header_and_rows(self._file, self._codec)[2]:
            found = self._sampled(block.data)
            if not pa.types.is_null(found[position]):
                return found[position]
        return pa.null()

    def _parsed_type(self, field: Field) -> pa.DataType:
        if field.kind in ("items", "blocks", "label"):
            return field.type if pa.types.is_integer(field.type) else pa.string()
        if field.kind == "time":
            if field.unit == "date":
                return self._date_type(field.source)
            return pa.int64() if field.unit == "ns" else pa.float64()
        return field.type

    def _date_type(self, name: str) -> pa.DataType:
        """With a time zone if the first dates have one, as pyarrow reads one sort or the other."""
        found = self.types[name]
        return pa.timestamp("ns", found.tz) if pa.types.is_timestamp(found) else pa.string()

    def _parse(self, data: bytes, types: Mapping[str, Any], place: Place) -> pa.Table:
        options = pyarrow.csv.ConvertOptions(
            include_columns=list(types), column_types=types, strings_can_be_null=False, null_values=[""]
        )
        parse = pyarrow.csv.ParseOptions(newlines_in_values=b'"' in data)
        read = pyarrow.csv.ReadOptions(block_size=_PARSED_AT_ONCE, column_names=self._keys())
        try:
            return pyarrow.csv.read_csv(
                native_reader(data), read_options=read, parse_options=parse, convert_options=options
            )
        except DATA_ERRORS:
            return self._texts(data, list(types), place)

    def _texts(self, data: bytes, keys: list[str], place: Place) -> pa.Table:
        """The columns as texts; an error for a row with too many or too few values."""
        _check_utf8(data, place)
        wrong: list[Any] = []

        def note(row: Any) -> str:
            wrong.append(row)
            return "error"

        options = pyarrow.csv.ConvertOptions(
            include_columns=keys, column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False
        )
        parse = pyarrow.csv.ParseOptions(newlines_in_values=b'"' in data, invalid_row_handler=note)
        read = pyarrow.csv.ReadOptions(block_size=len(data) + 1, column_names=self._keys(), use_threads=False)
        try:
            return pyarrow.csv.read_csv(
                native_reader(data), read_options=read, parse_options=parse, convert_options=options
            )
        except DATA_ERRORS as error:
            if wrong and wrong[0].number is not None:
                row = wrong[0]
                raise TraceError(
                    f"{place.at(row.number - 1)}: {row.actual_columns} values are not allowed; the header "
                    f"has {row.expected_columns} columns: {shown(row.text)}"
                ) from None
            last = place.first_line + data.count(b"\n")
            raise TraceError(
                f"{self.origin}: lines {place.first_line} to {last} are no CSV: "
                f"{shown(str(error).splitlines()[0])}"
            ) from None

    def _keys(self) -> list[str]:
        """Names for pyarrow, which are unique whatever the header says."""
        return [str(number) for number in range(len(self.names))]

    def _sampled(self, sample: bytes) -> list[pa.DataType]:
        """What pyarrow takes the columns of the first rows for."""
        options = pyarrow.csv.ConvertOptions(strings_can_be_null=False, null_values=[""])
        read = pyarrow.csv.ReadOptions(column_names=self._keys(), block_size=max(len(sample), 1) + 1)
        parse = pyarrow.csv.ParseOptions(newlines_in_values=b'"' in sample)
        if sample.strip():
            try:
                table = pyarrow.csv.read_csv(
                    native_reader(sample), read_options=read, parse_options=parse, convert_options=options
                )
                return list(table.schema.types)
            except DATA_ERRORS:
                pass  # the error is told with its row when the columns are read
        return [pa.string()] * len(self.names)


def _header_and_rows(file: File, codec: str | None) -> tuple[bytes, int, Iterator[Block]]:
    """The first line that is not empty, its number, and what is below; no line at all in an empty file."""
    found = blocks(file, codec, quoted=True)
    for block in found:
        data = block.data
        begin = len(data) - len(data.lstrip())
        if begin == len(data):
            continue
        start = data.rfind(b"\n", 0, begin) + 1
        end = data.find(b"\n", begin) + 1 or len(data)
        line = block.first_line + data.count(b"\n", 0, start)
        return data[start:end], line, itertools.chain([Block(data[end:], line + 1)], found)
    return b"", 1, iter(())


def _names(line: bytes, where: str) -> list[str]:
    """The columns that a header line names."""
    if b"\0" in line:
        raise TraceError(f"{where}: binary data are not allowed; it must be a trace of a known format")
    if line.count(b",") >= MOST_COLUMNS:
        columns = line.count(b",") + 1
        raise TraceError(
            f"{where}: {columns:,} columns are not allowed; there must be at most {MOST_COLUMNS:,}"
        )
    try:
        line.decode()
        table = pyarrow.csv.read_csv(
            native_reader(line.rstrip(b"\r\n") + b"\n"),
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True, block_size=len(line) + 2),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(line.count(b",") + 1)},
                strings_can_be_null=False,
            ),
        )
    except UnicodeDecodeError as error:
        raise TraceError(
            f"{where}: byte {line[error.start : error.start + 1]!r} is not UTF-8; "
            "it must be a text in UTF-8, or a binary trace of a known format"
        ) from None
    except DATA_ERRORS as error:
        raise TraceError(f"{where}: it is no CSV header: {shown(str(error).splitlines()[0])}") from None
    return [column[0].as_py().strip() if len(column) else "" for column in table.columns]


def _check_utf8(data: bytes, place: Place) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = place.first_line + data.count(b"\n", 0, error.start)
        found = data[error.start : error.start + 1]
        raise TraceError(
            f"{place.origin}:{line}: the byte {found!r} is not allowed; it must be text in UTF-8"
        ) from None


def _combined(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

"""CSV files. Parsed by pyarrow straight into the wanted types; where that fails, as texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv

from tracetide.errors import TraceError
from tracetide.readers.fields import Field
from tracetide.readers.file import File
from tracetide.readers.place import Place, shown
from tracetide.readers.text_blocks import blocks

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
        first = b""
        for block in blocks(file, codec, quoted=True):
            first += block.data
            if first[_header_end(first) :].strip():
                break
        if not first.strip():
            raise TraceError(f"{path}: an empty file is not allowed; it must have a header line and rows")
        end = _header_end(first)
        self.names = _names(first[:end], path)
        sample = first[end:]
        if len(sample) > _SAMPLE:
            sample = sample[: sample.rfind(b"\n", 0, _SAMPLE) + 1] or sample[:_SAMPLE]
        self.types: Mapping[str, pa.DataType] = dict(zip(self.names, self._sampled(sample), strict=True))

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, block by block."""
        for field in fields:
            if self.names.count(field.source) > 1:
                raise TraceError(
                    f"{self.origin}: column {field.source!r}: it is there {self.names.count(field.source)} "
                    "times; a column that is read must have a name of its own"
                )
        keys = [str(self.names.index(field.source)) for field in fields]
        types: dict[str, pa.DataType] = {}
        for key, field in zip(keys, fields, strict=True):
            wanted = self._parsed_type(field)
            types[key] = wanted if types.get(key, wanted) == wanted else pa.string()
        rows = 0
        for number, block in enumerate(blocks(self._file, self._codec, quoted=True)):
            data, line = block.data, block.first_line
            if number == 0:
                end = _header_end(data)
                line += data.count(b"\n", 0, end)
                data = data[end:]
            if not data.strip():
                continue
            place = Place(self.origin, rows, data, line, quoted=True)
            table = self._parse(data, types, place)
            arrays = [_combined(table.column(key)) for key in keys]
            rows += table.num_rows
            if table.num_rows:
                yield place, arrays

    def _parsed_type(self, field: Field) -> pa.DataType:
        if field.kind == "items" or field.kind == "label":
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
                pa.BufferReader(data), read_options=read, parse_options=parse, convert_options=options
            )
        except (pa.ArrowException, OSError):
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
                pa.BufferReader(data), read_options=read, parse_options=parse, convert_options=options
            )
        except (pa.ArrowException, OSError) as error:
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
                    pa.BufferReader(sample), read_options=read, parse_options=parse, convert_options=options
                )
                return list(table.schema.types)
            except (pa.ArrowException, OSError):
                pass  # the error is told with its row when the columns are read
        return [pa.string()] * len(self.names)


def _header_end(data: bytes) -> int:
    """Where the header line ends."""
    end = data.find(b"\n") + 1
    return end or len(data)


def _names(line: bytes, path: str) -> list[str]:
    """The columns that a header line names."""
    if b"\0" in line:
        raise TraceError(f"{path}:1: binary data are not allowed; it must be a trace of a known format")
    try:
        line.decode()
        table = pyarrow.csv.read_csv(
            pa.BufferReader(line.rstrip(b"\r\n") + b"\n"),
            read_options=pyarrow.csv.ReadOptions(autogenerate_column_names=True, block_size=len(line) + 2),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(line.count(b",") + 1)},
                strings_can_be_null=False,
            ),
        )
    except UnicodeDecodeError as error:
        raise TraceError(
            f"{path}:1: byte {line[error.start : error.start + 1]!r} is not UTF-8; "
            "it must be a text in UTF-8, or a binary trace of a known format"
        ) from None
    except (pa.ArrowException, OSError) as error:
        raise TraceError(f"{path}:1: it is no CSV header: {shown(str(error).splitlines()[0])}") from None
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

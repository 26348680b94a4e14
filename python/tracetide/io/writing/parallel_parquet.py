"""A Parquet file whose row groups are encoded on several threads.

pyarrow encodes a file on one thread. Here every row group is encoded on its own, as a small Parquet file in
memory (pyarrow lets go of the interpreter meanwhile), and the small files are spliced: their pages are
written one after the other, and one footer lists all row groups with their offsets moved to where their pages
are now. A footer is a Thrift struct in the compact protocol; it is read and written field by field, so that
whatever pyarrow puts in it is kept. The file is the one that pyarrow alone would write of the same row
groups, byte for byte; the number of threads and the sizes of the batches that come in make no difference.

Format: https://parquet.apache.org/docs/file-format/ (structs by number: `parquet.thrift` there);
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple, Protocol, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from tracetide.io.writing.row_groups import RowGroups

MAGIC = b"PAR1"
_TAIL = 8  # the footer's length in 4 bytes, and the magic


class Writable(Protocol):
    """A binary file at its beginning; only written to, never read, moved or closed."""

    def write(self, data: Any, /) -> Any:
        """Write a bytes-like object, as files do."""


def encoding_options(schema: pa.Schema) -> dict[str, Any]:
    """The options of `pyarrow.parquet.ParquetWriter` for requests, chosen by measured speed and size.

    Times are split by byte, as their high bytes hardly change, and then compressed lightly; a higher level
    makes nothing smaller. Whole numbers are packed differences, without compression where it gains next to
    nothing: with the lengths of ServeGen's data three quarters of the time of a dictionary for 3 to 6 % more
    bytes. (Splitting them by byte is about as quick, but DuckDB before 2.0 cannot read it.) Lists go by
    dictionary, compressed, as their lengths repeat. Fields that are not nullable save a sixth of the time.
    """
    dictionary: list[str] = []
    encoding: dict[str, str] = {}
    compression: dict[str, str] = {}
    level: dict[str, int] = {}
    for field in schema:
        if pa.types.is_floating(field.type):
            encoding[field.name], compression[field.name], level[field.name] = "BYTE_STREAM_SPLIT", "zstd", -1
        elif pa.types.is_integer(field.type):
            encoding[field.name] = "DELTA_BINARY_PACKED"
            compression[field.name] = "zstd" if field.type.bit_width == 64 else "none"  # 64 bits: positions
        elif field.name == "hash_ids":  # hardly any twice, and next to each other
            leaf = f"{field.name}.list.element"
            encoding[leaf], compression[leaf] = "DELTA_BINARY_PACKED", "zstd"
        else:
            # Whatever a list's element is called in Arrow, it is `list.element` in Parquet.
            leaf = f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
            dictionary.append(leaf)
            compression[leaf] = "zstd"
    return {
        "compression": compression,
        "compression_level": level,
        "use_dictionary": dictionary or False,
        "column_encoding": encoding,
        "write_batch_size": 1 << 16,
    }


class ParallelParquetWriter:
    """Writes record batches of any size as row groups of one size.

    Args:
        sink: a binary file at its beginning, opened (and later closed) by the caller.
        schema: of every batch. Its metadata goes into the file.
        rows_per_group: rows of every row group but the last; of fewer where its lists reach 2^25 values.
        threads: encode on so many threads; 0 means one for each core.
        metadata: further metadata of the file.
        options: for `pyarrow.parquet.ParquetWriter`; `encoding_options(schema)` if not given.

    At most `threads + 2` row groups are in memory. Batches are kept, not copied, until their row group is
    encoded: they must not change meanwhile. Errors, also those of the threads, come out of `write_batch` and
    `close`; after one the file is incomplete and the writer closed. One writer is for one thread at a time.
    """

    def __init__(
        self,
        sink: Writable,
        schema: pa.Schema,
        *,
        rows_per_group: int,
        threads: int = 0,
        metadata: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if rows_per_group < 1:
            raise ValueError(f"rows_per_group: {rows_per_group} is not allowed; it must be at least 1")
        if threads < 0:
            raise ValueError(f"threads: {threads} is not allowed; it must be 0 (all cores) or more")
        threads = threads or os.cpu_count() or 1
        self._sink = sink
        self._schema = schema.remove_metadata()
        self._row_groups = RowGroups(rows_per_group)
        self._options = dict(encoding_options(schema) if options is None else options)
        self._in_flight = threads + 2

        merged = (schema.metadata or {}) | {k.encode(): v.encode() for k, v in (metadata or {}).items()}
        with pa.BufferOutputStream() as empty:
            pq.ParquetWriter(
                empty, schema.with_metadata(merged) if merged else schema, **self._options
            ).close()
            self._footer = _read_footer(memoryview(empty.getvalue()))

        self._waiting: list[pa.RecordBatch] = []  # less than a row group
        self._encoding: deque[Future[_EncodedGroup]] = deque()  # in the file's order
        self._groups: list[_Struct] = []
        self._rows = 0
        self._position = 0
        self._closed = False
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="parquet")
        try:
            self._write(MAGIC)
        except BaseException:
            self.abort()
            raise

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Append rows. Waits while too many row groups are in memory."""
        if self._closed:
            raise ValueError("the writer is closed")
        if not batch.schema.equals(self._schema):
            raise ValueError(
                f"a batch has the columns {_names(batch.schema)}; the file has {_names(self._schema)}"
            )
        try:
            for part, is_whole in self._row_groups.pieces(batch):
                self._waiting.append(part)
                if is_whole:
                    self._submit()
        except BaseException:
            self.abort()
            raise

    def close(self) -> None:
        """Write what is left and the footer. The sink stays open."""
        if self._closed:
            return
        try:
            if self._waiting:
                self._submit()
            while self._encoding:
                self._finish_oldest()
            footer = _write_struct(_file_metadata(self._footer, self._rows, self._groups))
            self._write(footer + len(footer).to_bytes(4, "little") + MAGIC)
        finally:
            self.abort()

    def abort(self) -> None:
        """Give up without a footer: the file stays incomplete."""
        self._closed = True
        self._waiting.clear()
        self._encoding.clear()
        self._executor.shutdown(cancel_futures=True)

    def __enter__(self) -> ParallelParquetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _submit(self) -> None:
        while len(self._encoding) >= self._in_flight or (self._encoding and self._encoding[0].done()):
            self._finish_oldest()
        batches, self._waiting = self._waiting, []
        self._encoding.append(self._executor.submit(_encode, batches, self._schema, self._options))

    def _finish_oldest(self) -> None:
        group = self._encoding.popleft().result()
        self._groups.append(_moved(group.metadata, self._position - len(MAGIC), len(self._groups)))
        self._rows += group.rows
        self._write(group.pages)

    def _write(self, data: Any) -> None:
        view = memoryview(data)
        while view:
            written = self._sink.write(view)
            written = len(view) if written is None else written
            self._position += written
            view = view[written:]


def _names(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


class _EncodedGroup(NamedTuple):
    pages: memoryview
    metadata: _Struct
    rows: int


def _encode(batches: list[pa.RecordBatch], schema: pa.Schema, options: Mapping[str, Any]) -> _EncodedGroup:
    """One row group. Pages end where arrays do, so there must be one array a column."""
    table = pa.Table.from_batches(batches, schema)
    if len(batches) > 1:
        table = table.combine_chunks()
    with pa.BufferOutputStream() as stream:
        with pq.ParquetWriter(stream, schema, **{**options, "store_schema": False}) as writer:
            writer.write_table(table, row_group_size=table.num_rows)
        file = memoryview(stream.getvalue())
    footer_start = _footer_start(file)
    groups = _read_footer(file)[_FILE_ROW_GROUPS].value
    return _EncodedGroup(file[len(MAGIC) : footer_start], groups.values[0], table.num_rows)


# Field numbers of parquet.thrift.
_FILE_ROWS = 3
_FILE_ROW_GROUPS = 4
_GROUP_COLUMNS = 1
_GROUP_FILE_OFFSET = 5
_GROUP_ORDINAL = 7
_CHUNK_METADATA = 3
_CHUNK_OFFSETS = (2, 4, 6)  # file_offset, offset_index_offset, column_index_offset
_COLUMN_OFFSETS = (9, 10, 11, 14)  # of data page, index page, dictionary page, Bloom filter
_LARGEST_ORDINAL = (1 << 15) - 1


def _file_metadata(empty: _Struct, rows: int, groups: list[_Struct]) -> _Struct:
    return {
        **empty,
        _FILE_ROWS: _Value(_I64, rows),
        _FILE_ROW_GROUPS: _Value(_LIST, _List(_STRUCT, groups)),
    }


def _moved(group: _Struct, distance: int, ordinal: int) -> _Struct:
    """A row group's metadata when its pages are moved by `distance` bytes."""
    chunks = []
    for chunk in group[_GROUP_COLUMNS].value.values:
        column = _shifted(chunk[_CHUNK_METADATA].value, _COLUMN_OFFSETS, distance)
        chunks.append(_shifted(chunk, _CHUNK_OFFSETS, distance) | {_CHUNK_METADATA: _Value(_STRUCT, column)})
    moved = _shifted(group, (_GROUP_FILE_OFFSET,), distance)
    moved[_GROUP_COLUMNS] = _Value(_LIST, _List(_STRUCT, chunks))
    if (
        moved.pop(_GROUP_ORDINAL, None) and ordinal <= _LARGEST_ORDINAL
    ):  # not all versions of pyarrow write it
        moved[_GROUP_ORDINAL] = _Value(_I16, ordinal)
    return moved


def _shifted(struct: _Struct, fields: tuple[int, ...], distance: int) -> _Struct:
    """With `distance` added to offsets; 0 means that there is none."""
    offsets = {
        field: struct[field]._replace(value=struct[field].value + distance)
        for field in fields
        if field in struct and struct[field].value != 0
    }
    return struct | offsets


def _footer_start(file: memoryview) -> int:
    return len(file) - _TAIL - int.from_bytes(file[-_TAIL : -_TAIL + 4], "little")


def _read_footer(file: memoryview) -> _Struct:
    return _Reader(file[_footer_start(file) : -_TAIL]).struct()


# The Thrift compact protocol: types, and values as they are read.
_TRUE, _FALSE, _I8, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_INTEGERS = (_I16, _I32, _I64)


class _Value(NamedTuple):
    kind: int
    value: Any


class _List(NamedTuple):
    kind: int
    values: list[Any]


_Struct: TypeAlias = dict[int, _Value]


class _Reader:
    """Reads values one after the other."""

    def __init__(self, data: memoryview) -> None:
        self._data = data.cast("B")  # Arrow's buffers count as signed bytes
        self._at = 0

    def struct(self) -> _Struct:
        fields: _Struct = {}
        number = 0
        while (head := self._byte()) != 0:
            kind = head & 15
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = _Value(kind, kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind))
        return fields

    def _value(self, kind: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._unsigned())
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            return self._list()
        if kind in (_TRUE, _FALSE, _I8):  # in a list a truth value is a byte
            return self._bytes(1)
        if kind == _DOUBLE:
            return self._bytes(8)
        raise ValueError(f"a Parquet footer holds a value of the unknown Thrift type {kind}")

    def _list(self) -> _List:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._unsigned()
        return _List(head & 15, [self._value(head & 15) for _ in range(size)])

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, size: int) -> bytes:
        self._at += size
        return bytes(self._data[self._at - size : self._at])

    def _unsigned(self) -> int:
        number = shift = 0
        while (byte := self._byte()) & 128:
            number |= (byte & 127) << shift
            shift += 7
        return number | byte << shift

    def _integer(self) -> int:
        folded = self._unsigned()
        return folded >> 1 ^ -(folded & 1)


def _write_struct(struct: _Struct) -> bytes:
    out = bytearray()
    _append_struct(out, struct)
    return bytes(out)


def _append_struct(out: bytearray, struct: _Struct) -> None:
    before = 0
    for number, (kind, value) in sorted(struct.items()):
        if 1 <= number - before <= 15:
            out.append(number - before << 4 | kind)
        else:
            out.append(kind)
            _append_integer(out, number)
        before = number
        if kind not in (_TRUE, _FALSE):
            _append_value(out, kind, value)
    out.append(0)


def _append_value(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _append_integer(out, value)
    elif kind == _BINARY:
        _append_unsigned(out, len(value))
        out += value
    elif kind == _STRUCT:
        _append_struct(out, value)
    elif kind in (_LIST, _SET):
        size = len(value.values)
        out.append(min(size, 15) << 4 | value.kind)
        if size >= 15:
            _append_unsigned(out, size)
        for item in value.values:
            _append_value(out, value.kind, item)
    else:
        out += value


def _append_unsigned(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _append_integer(out: bytearray, number: int) -> None:
    _append_unsigned(out, number << 1 if number >= 0 else (-number << 1) - 1)

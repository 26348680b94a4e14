"""Parquet files, Arrow IPC files and streams, and tables in memory."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracetide.base.errors import TraceError
from tracetide.io.job_facts import parse_job
from tracetide.io.reading.fields import Field
from tracetide.io.reading.file import File
from tracetide.io.reading.place import Place
from tracetide.io.reading.source import check_names

_ROWS = 1 << 18
_JOB_KEY = b"tracetide.job"


class TableSource:
    """Record batches of one schema.

    `again` gives them from the start on; with None they can be read once.
    """

    def __init__(
        self,
        origin: str,
        container: str,
        schema: pa.Schema,
        open_batches: Callable[[list[str]], Iterator[pa.RecordBatch]],
    ) -> None:
        self.origin = origin
        self.container = container
        with _refusing(origin, container):
            self._names = list(schema.names)
            self.types: Mapping[str, pa.DataType] = dict(zip(self._names, schema.types, strict=True))
        self.repeated = frozenset(name for name, count in Counter(self._names).items() if count > 1)
        self.metadata: Mapping[str, Any] = _job(schema, origin)
        self._open = open_batches

    def later_type(self, name: str) -> pa.DataType:
        """The type of a column, which its schema tells whatever its values are."""
        return self.types[name]

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, at most 2^18 rows at a time."""
        check_names(fields, self._names, self.origin)
        names = list(dict.fromkeys(field.source for field in fields))
        rows = 0
        with _refusing(self.origin, self.container):
            for whole in self._open(names):
                for start in range(0, whole.num_rows, _ROWS):
                    batch = whole.slice(start, _ROWS)
                    if self.container != "parquet":
                        _check_offsets(batch)
                    yield Place(self.origin, rows), [batch.column(field.source) for field in fields]
                    rows += batch.num_rows


def _check_offsets(batch: pa.RecordBatch) -> None:
    """Raise an ArrowInvalid where offsets of others' data point anywhere. Texts are looked at row by row."""
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            _without_texts(column.indices).validate(full=True)
            _without_texts(column.dictionary).validate(full=True)
            column.validate()
        else:
            _without_texts(column).validate(full=True)


def _without_texts(column: pa.Array) -> pa.Array:
    """Texts as bytes, on the same memory."""
    if pa.types.is_string(column.type):
        return column.view(pa.binary())
    return column.view(pa.large_binary()) if pa.types.is_large_string(column.type) else column


def parquet_source(file: File) -> TableSource:
    """A Parquet file, read row group by row group."""
    with _refusing(file.name, "parquet"), pa.OSFile(file.system_path) as native:
        schema = pq.read_schema(native)

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        # pyarrow buffers ahead by default and keeps every row group that it has read.
        with (
            pa.OSFile(file.system_path) as native,
            pq.ParquetFile(native, pre_buffer=False) as opened,
        ):
            yield from opened.iter_batches(batch_size=_ROWS, columns=names)

    return TableSource(file.name, "parquet", schema, batches)


def arrow_source(file: File, *, is_stream: bool) -> TableSource:
    """An Arrow IPC file or stream, mapped into memory."""

    @contextlib.contextmanager
    def opened() -> Iterator[Any]:
        open_file = pa.ipc.open_stream if is_stream else pa.ipc.open_file
        with pa.memory_map(file.system_path) as mapped, open_file(mapped) as reader:
            yield reader

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        with opened() as reader:
            if is_stream:
                yield from (batch.select(names) for batch in reader)
            else:
                yield from (reader.get_batch(i).select(names) for i in range(reader.num_record_batches))

    with _refusing(file.name, "arrow"), opened() as reader:
        schema = reader.schema
    return TableSource(file.name, "arrow", schema, batches)


def memory_source(data: Any) -> TableSource:
    """A pyarrow table or record batch, a data frame, or anything with `__arrow_c_stream__`."""
    origin = type(data).__name__
    with _refusing(origin, "memory"):
        if isinstance(data, pa.RecordBatchReader):
            return _once(data, origin)
        if isinstance(data, pa.RecordBatch):
            data = pa.Table.from_batches([data])
        elif type(data).__module__.partition(".")[0] == "pandas":
            data = pa.Table.from_pandas(data, preserve_index=False)
        if isinstance(data, pa.Table):
            return TableSource(
                origin, "memory", data.schema, lambda names: iter(data.select(names).to_batches(_ROWS))
            )
        schema = pa.RecordBatchReader.from_stream(data).schema

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        with pa.RecordBatchReader.from_stream(data) as reader:
            yield from (batch.select(names) for batch in reader)

    return TableSource(origin, "memory", schema, batches)


def _once(reader: pa.RecordBatchReader, origin: str) -> TableSource:
    is_used = False

    def batches(names: list[str]) -> Iterator[pa.RecordBatch]:
        nonlocal is_used
        if is_used:
            raise TraceError(f"{origin}: it can be read only once, and has been; give a file or a table")
        is_used = True
        yield from (batch.select(names) for batch in reader)

    return TableSource(origin, "memory", reader.schema, batches)


@contextlib.contextmanager
def _refusing(origin: str, container: str) -> Iterator[None]:
    """Errors of pyarrow about the data as errors of the trace."""
    try:
        yield
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        if getattr(error, "errno", None) is not None:
            raise
        what = {"parquet": "a Parquet file", "arrow": "an Arrow file"}.get(container, "a table")
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TraceError(f"{origin}: not {what} that can be read: {reason[:200]}") from None


def _job(schema: pa.Schema, origin: str) -> dict[str, Any]:
    """What the file tells of the job that made it; nothing if it is not one of tracetide's."""
    text = (schema.metadata or {}).get(_JOB_KEY)
    return parse_job(text, f"{origin}: the metadata {_JOB_KEY.decode()!r}") if text else {}

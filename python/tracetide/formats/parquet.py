"""Parquet: row groups of a fixed size, times split by byte, everything else by dictionary, zstd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracetide.arrow import record_batch_of, schema_of, trace_of
from tracetide.columns import ListColumn
from tracetide.formats.base import Sink, SinkFile, Source
from tracetide.trace import Requests, Trace

ROW_GROUP = 1 << 20
"""Rows of every row group but the last, so that bytes never depend on how requests came."""


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests; the job is in the file's metadata under `tracetide.job`."""
    batches = source.batches(ROW_GROUP)
    first = next(batches)
    schema = schema_of(first, source.metadata)
    with (
        pa.PythonFile(SinkFile(sink), mode="w") as file,
        pq.ParquetWriter(file, schema, **_options(first)) as writer,
    ):
        batch: Requests | None = first
        while batch is not None:
            writer.write_batch(record_batch_of(batch, schema), row_group_size=ROW_GROUP)
            written(len(batch))
            batch = next(batches, None)


def read(path: Path, compression: str | None = None) -> Trace:
    """Read a file."""
    try:
        table = pq.read_table(str(path), partitioning=None)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"{path}: not a Parquet file that can be read: {str(error).splitlines()[0]}"
        ) from None
    return trace_of(table, str(path))


def _options(requests: Requests) -> dict[str, Any]:
    dictionary = [
        f"{name}.list.element" if isinstance(requests[name], ListColumn) else name
        for name in requests.columns
        if name != "timestamp"
    ]
    return {
        "compression": "zstd",
        "use_dictionary": dictionary,
        "use_byte_stream_split": ["timestamp"],
        "sorting_columns": [pq.SortingColumn(requests.columns.index("timestamp"))],
    }

"""Arrow IPC files: record batches of a fixed size, not compressed, so that readers can map them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from tracetide.arrow import record_batch_of, schema_of, trace_of
from tracetide.formats.base import Sink, SinkFile, Source
from tracetide.trace import Requests, Trace

RECORD_BATCH = 1 << 18
"""Rows of every record batch but the last, so that bytes never depend on how requests came."""


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests; the job is in the schema's metadata under `tracetide.job`."""
    batches = source.batches(RECORD_BATCH)
    first = next(batches)
    schema = schema_of(first, source.metadata)
    with pa.PythonFile(SinkFile(sink), mode="w") as file, pa.ipc.new_file(file, schema) as writer:
        batch: Requests | None = first
        while batch is not None:
            writer.write_batch(record_batch_of(batch, schema))
            written(len(batch))
            batch = next(batches, None)


def read(path: Path, compression: str | None = None) -> Trace:
    """Read a file; its columns are on mapped memory where it has one record batch."""
    try:
        with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
            table = reader.read_all()
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"{path}: not an Arrow file that can be read: {str(error).splitlines()[0]}"
        ) from None
    return trace_of(table, str(path))

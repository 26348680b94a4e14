"""Arrow IPC files: record batches of a fixed size, not compressed, so that readers can map them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from tracetide.io.writing.base import Format, Loss, Sink, SinkFile, Source, ToolOptions

RECORD_BATCH = 1 << 18
"""Rows of every record batch but the last, so that bytes never depend on how requests came."""


def write(
    source: Source, format: Format, options: ToolOptions, sink: Sink, written: Callable[[int], None]
) -> Loss:
    """Write all requests; the job is in the schema's metadata under `tracetide.job`."""
    write_batches(source.batches(RECORD_BATCH), source.schema, sink, written)
    return Loss()


def write_batches(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, sink: Sink, written: Callable[[int], None]
) -> None:
    """Write the batches as they come. Nothing is written before there is one."""
    first = next(batches, None)
    with pa.PythonFile(SinkFile(sink), mode="w") as file, pa.ipc.new_file(file, schema) as writer:
        batch = first
        while batch is not None:
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
            written(len(batch))
            batch = next(batches, None)

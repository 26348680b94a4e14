"""Arrow IPC files: record batches of a fixed size, not compressed, so that readers can map them."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from tracetide.arrow import record_batch_of, schema_of
from tracetide.formats.base import Sink, SinkFile, Source
from tracetide.trace import Requests

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

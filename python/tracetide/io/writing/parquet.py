"""Parquet: row groups of a fixed size, encoded on several threads (see `parallel_parquet`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracetide.io.writing.base import Format, Loss, Sink, Source, ToolOptions
from tracetide.io.writing.parallel_parquet import ParallelParquetWriter, encoding_options

ROW_GROUP = 1 << 20
"""Rows of every row group but the last, so that bytes never depend on how requests came. Where lists are
long, fewer: see `row_groups`."""


def write(
    source: Source, format: Format, options: ToolOptions, sink: Sink, written: Callable[[int], None]
) -> Loss:
    """Write all requests; the job is in the file's metadata under `tracetide.job`."""
    write_batches(source.batches(ROW_GROUP), source.schema, "timestamp", source.threads, sink, written)
    return Loss()


def write_batches(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    time: str,
    threads: int,
    sink: Sink,
    written: Callable[[int], None],
) -> None:
    """Write the batches, which are in the order of the column `time`."""
    first = next(batches, None)
    with ParallelParquetWriter(
        sink, schema, rows_per_group=ROW_GROUP, threads=threads, options=options_of(schema, time)
    ) as writer:
        for batch in chain([first] if first is not None else [], batches):
            writer.write_batch(batch.replace_schema_metadata(None))
            written(len(batch))


def options_of(schema: pa.Schema, time: str) -> dict[str, Any]:
    """How requests in the order of the column `time` are encoded."""
    return {
        **encoding_options(schema),
        "sorting_columns": [pq.SortingColumn(schema.names.index(time))],
    }

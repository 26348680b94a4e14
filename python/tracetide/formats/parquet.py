"""Parquet: row groups of a fixed size, encoded on several threads (see `parallel_parquet`)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pyarrow.parquet as pq

from tracetide.arrow import record_batch_of, schema_of
from tracetide.formats.base import Sink, Source
from tracetide.formats.parallel_parquet import ParallelParquetWriter, encoding_options

ROW_GROUP = 1 << 20
"""Rows of every row group but the last, so that bytes never depend on how requests came."""


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests; the job is in the file's metadata under `tracetide.job`."""
    batches = source.batches(ROW_GROUP)
    first = next(batches)
    schema = schema_of(first, source.metadata)
    times = pq.SortingColumn(first.columns.index("timestamp"))
    options = {**encoding_options(schema), "sorting_columns": [times]}
    with ParallelParquetWriter(
        sink, schema, rows_per_group=ROW_GROUP, threads=source.threads, options=options
    ) as writer:
        for batch in chain([first], batches):
            writer.write_batch(record_batch_of(batch, schema.remove_metadata()))
            written(len(batch))

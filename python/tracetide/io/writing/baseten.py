"""Baseten's completion traces: Parquet or an Arrow file, without prompts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.io.formats.baseten import BASETEN
from tracetide.io.writing.base import Format, Loss, Sink, Source, ToolOptions
from tracetide.io.writing.hash_blocks import HashBlocks

_ORIGIN_MS = 1_767_225_600_000
"""2026-01-01 00:00:00 UTC, from which its times count."""

_TOLD = ("input_tokens", "output_tokens", "session_id", "hash_ids")
_HASHES = pa.list_(pa.field("item", pa.int64(), nullable=False))


def write(
    source: Source, format: Format, options: ToolOptions, sink: Sink, written: Callable[[int], None]
) -> Loss:
    """Write all requests; times are Unix times in whole milliseconds, and prompts are empty."""
    from tracetide.io.writing import arrow, parquet

    rows = _Rows(source.schema, options, source.block_size)
    if format.container.endswith("parquet"):
        made = (rows.of(batch) for batch in source.batches(parquet.ROW_GROUP))
        parquet.write_batches(made, rows.schema, "timestamp_start_unix_ms", source.threads, sink, written)
    else:
        arrow.write_batches(map(rows.of, source.batches(arrow.RECORD_BATCH)), rows.schema, sink, written)
    left_out = [name for name in source.schema.names if name not in _TOLD]
    if "hash_ids" in source.schema.names and not rows.has_ids:
        left_out.append("hash_ids")
    return Loss(tuple(left_out))


class _Rows:
    """Makes Baseten's columns of native ones."""

    def __init__(self, schema: pa.Schema, options: ToolOptions, block_size: int) -> None:
        self._block = options.block_size or BASETEN.block_size
        self.has_ids = options.hash_ids and "hash_ids" in schema.names
        self._blocks = HashBlocks(block_size or self._block, self._block) if self.has_ids else None
        self._has_sessions = "session_id" in schema.names
        self._seen = 0
        fields = [
            pa.field("timestamp_start_unix_ms", pa.int64(), nullable=False),
            pa.field("prompt", pa.string(), nullable=False),
            pa.field("input_tokens", pa.int64(), nullable=False),
            pa.field("output_tokens", pa.int64(), nullable=False),
        ]
        if self._has_sessions:
            fields.append(pa.field("provided_session_id", pa.string()))
        if self.has_ids:
            fields.append(pa.field("total_hashes", _HASHES, nullable=False))
            fields.append(pa.field("block_size", pa.int64(), nullable=False))
        self.schema = pa.schema(fields)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = len(batch)
        seconds = batch.column("timestamp")
        if seconds.null_count:
            row = int(np.argmax(seconds.is_null().to_numpy(zero_copy_only=False)))
            raise TraceError(f"row {self._seen + row + 1}: it has no timestamp, which baseten does not allow")
        times = np.rint(seconds.to_numpy() * 1000).astype(np.int64) + _ORIGIN_MS
        columns = [
            pa.array(times),
            pa.repeat("", rows),
            batch.column("input_tokens").cast(pa.int64()),
            batch.column("output_tokens").cast(pa.int64()),
        ]
        if self._has_sessions:
            columns.append(batch.column("session_id").cast(pa.string()))
        if self._blocks is not None:
            columns += [self._ids(batch, self._blocks), pa.array(np.full(rows, self._block, dtype=np.int64))]
        self._seen += rows
        return pa.record_batch(columns, schema=self.schema)

    def _ids(self, batch: pa.RecordBatch, blocks: HashBlocks) -> pa.Array:
        ids = batch.column("hash_ids")
        inputs = batch.column("input_tokens").to_numpy()
        offsets, values = blocks.of(ids.offsets.to_numpy(), ids.values.to_numpy(), inputs, self._seen)
        flat = pa.array(values[offsets[0] : offsets[-1]].astype(np.int64))
        return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), flat, type=_HASHES)

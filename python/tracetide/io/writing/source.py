"""Requests that come as record batches, and scans, as sources of a writer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.columns.arrow import job_metadata
from tracetide.io.reading.fields import not_empty
from tracetide.io.reading.tracescan import TraceScan
from tracetide.io.writing.base import ToolOptions, ToolText
from tracetide.io.writing.row_groups import TEXT_VALUES, RowGroups
from tracetide.io.writing.text import header_of, rows_of
from tracetide.io.writing.tool_rows import ToolRows

_TEXT_ROWS = 1 << 16


class BatchSource:
    """Requests that come as record batches."""

    schema: pa.Schema
    threads: int
    block_size: int
    renumbers: bool

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """See `io.writing.base.Source`."""
        raise NotImplementedError

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Header and rows."""
        header = header_of(self.schema.names, container)
        if header:
            yield 0, header
        for batch in self.batches(_TEXT_ROWS):
            for piece, _ in RowGroups(_TEXT_ROWS, TEXT_VALUES).pieces(batch):
                yield len(piece), rows_of(piece, container)

    def tool_text(self, name: str, options: ToolOptions) -> ToolText:
        """In another tool's format."""
        rows = ToolRows(self.schema, name, options, self.block_size, renumbers=self.renumbers)
        return ToolText(rows.pieces(self.batches(_TEXT_ROWS)), rows.loss)


class ScanSource(BatchSource):
    """Requests that are read while they are written."""

    def __init__(
        self, scan: TraceScan, threads: int = 0, *, drop_empty: bool = False, needs_times: bool = False
    ) -> None:
        """A source of all requests of `scan`, or of those with input and output; perhaps all with a time."""
        self._scan = scan
        self._drop_empty = drop_empty
        self._needs_times = needs_times
        self.threads = threads
        self.schema = scan.schema.with_metadata(job_metadata(scan.metadata))
        self.block_size = scan.block_size
        self.renumbers = scan.format != "native"

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of `rows` rows, of fewer where their lists are long (see `row_groups`)."""
        if not rows:
            yield from self._kept()
            return
        held: list[pa.RecordBatch] = []
        groups = RowGroups(rows)
        for batch in self._kept():
            for piece, is_whole in groups.pieces(batch):
                held.append(piece)
                if is_whole:
                    yield _joined(held)
                    held = []
        if held:
            yield _joined(held)

    def _kept(self) -> Iterator[pa.RecordBatch]:
        none = True
        rows = 0
        for batch in self._scan.batches():
            if self._needs_times and batch.column("timestamp").null_count:
                row = rows + int(np.argmax(batch.column("timestamp").is_null()))
                raise TraceError(
                    f"{self._scan.origin}: row {row + 1} has no time, which is not allowed; the format needs "
                    "one for every request, and later turns of sessions have none here"
                )
            rows += len(batch)
            if self._drop_empty:
                batch = batch.filter(not_empty(batch))
            if len(batch):
                none = False
                yield batch
        if none:
            raise TraceError(f"{self._scan.origin}: no row has both input and output; there is nothing left")


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]

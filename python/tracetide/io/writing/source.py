"""Jobs, traces and scans as sources of requests for a writer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from tracetide import _core
from tracetide.base.errors import TraceError
from tracetide.columns import NO_SESSION
from tracetide.columns.arrow import job_metadata, job_schema, record_batch_of, schema_of
from tracetide.io.reading.fields import not_empty
from tracetide.io.reading.tracescan import TraceScan
from tracetide.io.writing.base import Loss, ToolOptions, ToolText
from tracetide.io.writing.row_groups import TEXT_VALUES, RowGroups
from tracetide.io.writing.text import header_of, rows_of
from tracetide.io.writing.tool_rows import ToolRows
from tracetide.job import Job
from tracetide.job.shards import Shard
from tracetide.trace import Trace

_TEXT_ROWS = 1 << 16
_LARGE_IDS = 1 << 36
"""Numbers of sessions from here on have no place in chats of Bailian's format, and are given new ones."""


class JobSource:
    """Requests that are made while they are written."""

    def __init__(self, job: Job, threads: int) -> None:
        """A source of all requests of `job`; `threads=0` means all cores."""
        self._job = job
        self.threads = threads
        self.block_size = job.block_size

    @cached_property
    def schema(self) -> pa.Schema:
        """With the job as metadata."""
        return job_schema(self._job)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of `rows` rows, the last may be shorter; as they are made for `rows=0`."""
        made = self._job.stream(threads=self.threads, batch_size=rows)
        return (record_batch_of(batch, self.schema) for batch in _refusing_none(made, self._job))

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Header and rows, formatted by the core's threads."""
        yield from self._formatted(self._stream(container, "fill"), container, "fill")

    def tool_text(self, name: str, options: ToolOptions) -> ToolText:
        """In another tool's format, by the core's threads."""
        hash_ids = "fill" if options.hash_ids else "leave"
        left_out = _core.left_out(self._job.core, format=name, hash_ids=hash_ids)
        stream = self._stream(name, hash_ids)
        return ToolText(
            self._formatted(stream, name, hash_ids),
            lambda: Loss(tuple(left_out), stream.rows_without_tokens),
        )

    def _stream(self, name: str, hash_ids: str) -> _core.TextStream:
        return _core.TextStream(self._job.core, format=name, hash_ids=hash_ids, threads=self.threads)

    def _formatted(self, stream: _core.TextStream, name: str, hash_ids: str) -> Iterator[tuple[int, bytes]]:
        header = _core.text_header(self._job.core, name, hash_ids)
        if header:
            yield 0, header
        yield from _refusing_none(stream, self._job)


class ShardSource:
    """Requests of a shard, which are made while they are written; in native formats."""

    def __init__(self, shard: Shard, threads: int) -> None:
        """A source of all requests of `shard`; `threads=0` means all cores."""
        self._shard = shard
        self.threads = threads
        self.block_size = shard.job.block_size

    @cached_property
    def schema(self) -> pa.Schema:
        """With the job and the shard's part of it as metadata."""
        return job_schema(self._shard.job).with_metadata(job_metadata(self._shard.metadata()))

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of `rows` rows, the last may be shorter; as they are made for `rows=0`."""
        made = self._shard.stream(threads=self.threads, batch_size=rows)
        return (record_batch_of(batch, self.schema) for batch in made)

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Header and rows, formatted by the core's threads."""
        job = self._shard.job.core
        header = _core.text_header(job, container, "fill")
        if header:
            yield 0, header
        yield from _core.TextStream(
            job,
            format=container,
            threads=self.threads,
            first_window=self._shard.first_window,
            last_window=self._shard.last_window,
        )

    def tool_text(self, name: str, options: ToolOptions) -> ToolText:
        """Not of a shard."""
        raise ValueError(f"format: {name} is not allowed for a shard")


class BatchSource:
    """Requests that come as record batches."""

    schema: pa.Schema
    threads: int
    block_size: int
    renumbers: bool

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """See `formats.base.Source`."""
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


class TraceSource(BatchSource):
    """Requests that are in memory."""

    def __init__(self, trace: Trace, threads: int = 0) -> None:
        """A source of all requests of `trace`; `threads=0` means all cores."""
        self._trace = trace
        self.threads = threads
        self.schema = schema_of(trace, trace.metadata)
        self.block_size = trace.block_size
        self.renumbers = "session_id" in trace and _needs_numbers(trace["session_id"])

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Slices of `rows` rows; the last may be shorter, and the only one empty. One for `rows=0`."""
        rows = rows or max(len(self._trace), 1)
        for start in range(0, max(len(self._trace), 1), rows):
            yield record_batch_of(self._trace[start : start + rows], self.schema)


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


def _needs_numbers(sessions: Any) -> bool:
    """Whether they are texts, or numbers that are too large."""
    return sessions.dtype == object or bool(((sessions >= _LARGE_IDS) & (sessions != NO_SESSION)).any())


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]


def _refusing_none(pieces: Iterator[Any], job: Job) -> Iterator[Any]:
    """The same pieces; an error if there is none."""
    none = True
    for piece in pieces:
        none = False
        yield piece
    if none:
        raise ValueError(
            f"job: it has no requests, though {job.expected:.3g} were expected in {job.duration:g} s; "
            "choose a higher rate, a longer duration or another seed"
        )

"""Requests that are made while they are written, as the source of a writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.columns.arrow import job_schema, record_batch_of
from tracetide.io.writing.base import Loss, ToolOptions, ToolText
from tracetide.trace import Batch
from tracetide.trace.requests import columns_in


class GeneratedSource:
    """Requests of a job, or of some consecutive windows of it."""

    def __init__(
        self,
        job: _core.Job,
        metadata: Mapping[str, Any],
        threads: int,
        windows: tuple[int, int] | None = None,
    ) -> None:
        """A source of the requests of `job`; `threads=0` means all cores.

        Args:
            job: the core's.
            metadata: what the files say of it.
            threads: of the generation; 0: all cores.
            windows: first, and behind the last; None: all, of which there must be a request.
        """
        self._job = job
        self._metadata = metadata
        self._windows: dict[str, Any] = {}
        if windows is not None:
            self._windows = {"first_window": windows[0], "last_window": windows[1]}
        self.threads = threads
        self.block_size = job.block_size

    @cached_property
    def schema(self) -> pa.Schema:
        """With the job as metadata."""
        return job_schema(self._job, self._metadata)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of `rows` rows, the last may be shorter; as they are made for `rows=0`."""
        made = _core.Stream(self._job, threads=self.threads, batch_size=rows, **self._windows)
        for batch in self._refusing_none(map(Batch.from_core, made)):
            yield record_batch_of(columns_in(batch), self.schema)

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Header and rows, formatted by the core's threads."""
        yield from self._formatted(self._stream(container, "fill"), container, "fill")

    def tool_text(self, name: str, options: ToolOptions) -> ToolText:
        """In another tool's format, by the core's threads; of a whole job."""
        hash_ids = "fill" if options.hash_ids else "leave"
        left_out = _core.left_out(self._job, format=name, hash_ids=hash_ids)
        stream = self._stream(name, hash_ids)
        return ToolText(
            self._formatted(stream, name, hash_ids),
            lambda: Loss(tuple(left_out), stream.rows_without_tokens, stream.split_turns),
        )

    def _stream(self, name: str, hash_ids: str) -> _core.TextStream:
        return _core.TextStream(
            self._job, format=name, hash_ids=hash_ids, threads=self.threads, **self._windows
        )

    def _formatted(self, stream: _core.TextStream, name: str, hash_ids: str) -> Iterator[tuple[int, bytes]]:
        header = _core.text_header(self._job, name, hash_ids)
        if header:
            yield 0, header
        yield from self._refusing_none(stream)

    def _refusing_none(self, pieces: Iterator[Any]) -> Iterator[Any]:
        """The same pieces; an error if a whole job has none."""
        none = not self._windows
        for piece in pieces:
            none = False
            yield piece
        if none:
            raise ValueError(no_requests(self._job))


def no_requests(job: _core.Job) -> str:
    """What to say of a job without requests."""
    return (
        f"job: it has no requests ({job.expected:.3g} were expected in {job.duration_ns / NS:g} s); "
        "choose a higher rate, a longer duration or another seed"
    )

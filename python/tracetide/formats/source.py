"""Jobs and traces as sources of requests for a writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tracetide import _core
from tracetide.job import Job
from tracetide.trace import Batch, Trace

_TEXT_ROWS = 1 << 16


class JobSource:
    """Requests that are made while they are written."""

    def __init__(self, job: Job, threads: int) -> None:
        """A source of all requests of `job`; `threads=0` means all cores."""
        self._job = job
        self.threads = threads

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The job's."""
        return self._job.metadata()

    def batches(self, rows: int) -> Iterator[Batch]:
        """Batches of `rows` rows, the last may be shorter; as they are made for `rows=0`."""
        return _refusing_none(self._job.stream(threads=self.threads, batch_size=rows), self._job)

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Header and rows, formatted by the core's threads."""
        header = _core.text_header(self._job.core, container)
        if header:
            yield 0, header
        pieces = _core.TextStream(self._job.core, format=container, threads=self.threads)
        yield from _refusing_none(pieces, self._job)


class TraceSource:
    """Requests that are in memory."""

    def __init__(self, trace: Trace, threads: int = 0) -> None:
        """A source of all requests of `trace`; `threads=0` means all cores."""
        self._trace = trace
        self.threads = threads

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The trace's."""
        return self._trace.metadata

    def batches(self, rows: int) -> Iterator[Trace]:
        """Slices of `rows` rows; the last may be shorter, and the only one empty. One for `rows=0`."""
        rows = rows or max(len(self._trace), 1)
        for start in range(0, max(len(self._trace), 1), rows):
            yield self._trace[start : start + rows]

    def text(self, container: str) -> Iterator[tuple[int, bytes]]:
        """Header and rows."""
        from tracetide.formats.text import header_of, rows_of

        header = header_of(self._trace, container)
        if header:
            yield 0, header
        for batch in self.batches(_TEXT_ROWS):
            if len(batch):
                yield len(batch), rows_of(batch, container)


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

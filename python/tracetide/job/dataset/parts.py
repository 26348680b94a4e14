"""Writing parts: the one thing that all engines do, wherever they run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import pyarrow as pa

from tracetide import _core
from tracetide.columns.arrow import job_metadata, job_schema, record_batch_of
from tracetide.io.writing.parallel_parquet import ParallelParquetWriter
from tracetide.io.writing.parquet import ROW_GROUP, options_of
from tracetide.job.dataset.folder import Folder, PartFile
from tracetide.job.dataset.partition import Counts, Layout, Part, Partition
from tracetide.job.dataset.records import Record
from tracetide.job.resolved import ResolvedJob
from tracetide.trace import Batch, Requests
from tracetide.trace.requests import columns_in

RECORDS = "_parts"
"""The folder of the records of complete parts, while a data set is being written."""

_CLOSERS = 2
"""Threads that finish parts (last row group, footer, synchronising) while the next ones are made."""

Run: TypeAlias = "tuple[int, int]"
"""Consecutive parts: the number of the first, and behind the last."""


@dataclass(frozen=True)
class Work:
    """What a data set is made of; can be pickled, and is the same for every worker.

    Attributes:
        job: whose requests are written.
        folder: where to.
        partition: how they are cut.
        counts: the requests of every window, where the partition needs them.
    """

    job: ResolvedJob
    folder: Folder
    partition: Partition
    counts: Counts | None = None

    @cached_property
    def parts(self) -> Sequence[Part]:
        """All parts of the data set."""
        return self.partition.parts(self.job, self.counts)

    @cached_property
    def layout(self) -> Layout:
        """Where they lie among the windows."""
        return self.partition.layout(self.job, self.counts)

    @cached_property
    def schema(self) -> pa.Schema:
        """Of all parts, without metadata."""
        return job_schema(self.job.core, {}).remove_metadata()

    def schema_of(self, part: Part) -> pa.Schema:
        """With the job and which part of it this is, and nothing about who writes it, or when."""
        unit = "" if self.partition.by == "time" else "_row"
        where = {f"start{unit}": part.start, f"end{unit}": part.end}
        return self.schema.with_metadata(job_metadata({**self.job.metadata(), "part": where}))


def write_run(
    work: Work, run: Run, *, threads: int, rows_written: Callable[[int], None] = lambda rows: None
) -> Iterator[Record]:
    """Write consecutive parts, and a record of each.

    Args:
        work: the data set.
        run: which parts.
        threads: to generate and to encode; 0: all cores. The bytes do not depend on it.
        rows_written: called with the rows of every piece.

    Yields:
        The records, in the order of the parts, each when its part is complete.
    """
    parts = work.parts[slice(*run)]
    finishing = _Finishing()
    writer: _PartWriter | None = None
    try:
        for part, piece in work.layout.cut(_batches(work, parts, threads), parts):
            if writer is None:
                writer = _PartWriter(work, part, threads)
            if piece is None:
                finished, writer = writer, None
                yield from finishing.add(finished)
            else:
                writer.write(piece)
                rows_written(len(piece))
        yield from finishing.rest()
    except BaseException:
        if writer is not None:
            writer.abort()
        finishing.abort()
        raise


def record_name(part: str) -> str:
    """The name of a part's record."""
    return f"{RECORDS}/{part}.json"


def recorded(folder: Folder, part: str) -> Record | None:
    """The record of a part, if there is a sound one and the file has its size; what is in it is not read."""
    data = folder.read(record_name(part))
    record = Record.from_json(data) if data is not None else None
    if record is None or record.name != part or folder.size(part) != record.bytes:
        return None
    return record


def _batches(work: Work, parts: Sequence[Part], threads: int) -> Iterator[Requests]:
    """The requests of all windows that the parts touch."""
    first, last = work.layout.windows(parts[0].start, parts[-1].end)
    if first >= last:
        return iter(())
    made = _core.Stream(work.job.core, threads=threads, first_window=first, last_window=last)
    batches = map(Batch.from_core, made)
    return work.layout.checked(batches, (first, last), work.job.window_edges, work.folder.name)


class _PartWriter:
    """One part being written."""

    def __init__(self, work: Work, part: Part, threads: int) -> None:
        self._work = work
        self._name = part.name
        self._rows = 0
        self._first: float | None = None
        self._last: float | None = None
        self._file: PartFile = work.folder.create(part.name)
        try:
            self._parquet = ParallelParquetWriter(
                self._file,
                work.schema_of(part),
                rows_per_group=ROW_GROUP,
                threads=threads,
                options=options_of(work.schema, "timestamp"),
            )
        except BaseException:
            self._file.discard()
            raise

    def write(self, piece: Any) -> None:
        """Append rows."""
        times = piece["timestamp"]
        self._first = float(times[0]) if self._first is None else self._first
        self._last = float(times[-1])
        self._rows += len(piece)
        self._parquet.write_batch(record_batch_of(columns_in(piece), self._work.schema))

    def finish(self) -> Record:
        """Complete the file, then its record."""
        with self._file as file:
            self._parquet.close()
            record = Record(
                name=self._name,
                rows=self._rows,
                bytes=file.tell(),
                sha256=file.sha256,
                first=self._first,
                last=self._last,
            )
            file.commit()
        with self._work.folder.create(record_name(self._name)) as beside:
            beside.write(record.to_json().encode())
            beside.commit()
        return record

    def abort(self) -> None:
        """Leave nothing."""
        self._parquet.abort()
        self._file.discard()


class _Finishing:
    """Parts that get their last row group and their name while the next ones are made; few at a time."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(_CLOSERS, thread_name_prefix="part")
        self._waiting: deque[tuple[_PartWriter, Future[Record]]] = deque()

    def add(self, writer: _PartWriter) -> Iterator[Record]:
        """Finish a part; waits while there are too many, and gives the records of those before."""
        self._waiting.append((writer, self._executor.submit(writer.finish)))
        while len(self._waiting) > _CLOSERS:
            yield self._oldest()

    def rest(self) -> Iterator[Record]:
        """All records that are left."""
        while self._waiting:
            yield self._oldest()
        self._executor.shutdown()

    def abort(self) -> None:
        """Let those finish that have begun, and leave nothing of the others."""
        for writer, future in self._waiting:
            if future.cancel():
                writer.abort()
        self._executor.shutdown()

    def _oldest(self) -> Record:
        record = self._waiting[0][1].result()
        self._waiting.popleft()
        return record

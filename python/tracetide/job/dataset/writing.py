"""Writing a data set: what is there, what is missing, and the manifest at the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tracetide.base.addresses import discreet
from tracetide.base.errors import TraceError
from tracetide.job.dataset.engines import Engine, engine_of
from tracetide.job.dataset.folder import LOCK, PARTIAL, Folder, Lock, open_folder, put
from tracetide.job.dataset.manifest import (
    MANIFEST,
    PLAN,
    SUCCESS,
    Manifest,
    Plan,
    differences,
    identity,
    read_manifest,
    read_plan,
    write_manifest,
    write_plan,
)
from tracetide.job.dataset.partition import Counts, Partition, count_windows
from tracetide.job.dataset.parts import RECORDS, Run, Work, record_name, recorded
from tracetide.job.dataset.records import Record
from tracetide.job.dataset.verify import faults_of
from tracetide.job.resolved import ResolvedJob

if TYPE_CHECKING:
    from tracetide.io.writing import Progress


_DEFAULT = "1d"


class DatasetWritten(NamedTuple):
    """What is in a data set.

    Attributes:
        rows: how many requests.
        bytes: of all parts.
        parts: how many files.
        made: how many of them were made by this call; the others were there, and as they had been written.
    """

    rows: int
    bytes: int
    parts: int
    made: int


def write_dataset(
    job: ResolvedJob,
    path: str | os.PathLike[str],
    *,
    partition: str | float | None = None,
    resume: bool = False,
    threads: int = 0,
    engine: str = "local",
    address: str | None = None,
    progress: Progress | None = None,
) -> DatasetWritten:
    """Generate a job into a folder of Parquet files; see `Job.write_dataset`."""
    cut = None if partition is None else Partition.parse(partition)
    if job.core.count() == 0:
        raise ValueError(f"job: it has no requests ({job.expected:.3g} were expected in {job.duration:g} s)")
    workers = engine_of(engine, address, threads)
    folder = open_folder(path)
    with discreet(folder.address), discreet(address or ""):
        return _write_into(folder, job, cut, workers, resume, threads, progress)


def _write_into(
    folder: Folder,
    job: ResolvedJob,
    cut: Partition | None,
    workers: Engine,
    resume: bool,
    threads: int,
    progress: Progress | None,
) -> DatasetWritten:
    _refuse_other(folder, resume)
    folder.prepare()
    with folder.lock() as lock:
        if cut is None:
            plan = read_plan(folder)
            cut = Partition.parse(_DEFAULT) if plan is None else plan.cut()
        try:
            return _Writing(job, folder, cut, workers, lock, progress).run(threads)
        except BaseException:
            # Whatever was being written has been let go of, but for what an interrupt came between.
            with contextlib.suppress(OSError):
                folder.remove(PARTIAL)
            raise


def _refuse_other(folder: Folder, resume: bool) -> None:
    there = folder.names() - {LOCK}
    if not there or (resume and {PLAN, MANIFEST} & there):
        return
    if resume and all(name.startswith(f"{PARTIAL}/") for name in there):
        return  # killed before it had said what it was about to write
    if resume:
        raise FileExistsError(
            f"cannot write {folder.name!r}: it is not empty, and no data set was begun there; name another "
            "folder"
        )
    hint = "--resume (resume=True) goes on with the data set there; else " if {PLAN, MANIFEST} & there else ""
    raise FileExistsError(f"cannot write {folder.name!r}: it is not empty; {hint}name another folder")


class _Writing:
    """One call of `write_dataset`, with the lock held."""

    def __init__(
        self,
        job: ResolvedJob,
        folder: Folder,
        partition: Partition,
        engine: Engine,
        lock: Lock,
        progress: Progress | None,
    ) -> None:
        self._job = job
        self._folder = folder
        self._partition = partition
        self._engine = engine
        self._lock = lock
        self._progress = progress
        self._identity = identity(job, partition)
        self._rows = 0
        self._bytes = 0

    def run(self, threads: int) -> DatasetWritten:
        plan = read_plan(self._folder)
        if plan is not None:
            self._refuse_another_job(plan)
        self._folder.remove(PARTIAL)
        counts = self._counts(plan, threads)
        work = Work(self._job, self._folder, self._partition, counts)
        complete = read_manifest(self._folder)
        before = self._sound(work, self._records(work, complete))
        if complete is None or len(before) < len(work.parts):
            self._begin(counts, complete)
        made = self._write(work, before)
        records = self._all(work, {**before, **made})
        self._lock.check()
        manifest = write_manifest(self._folder, self._identity, records)
        self._clear()
        return DatasetWritten(manifest.rows, manifest.bytes, len(records), len(made))

    def _refuse_another_job(self, plan: Plan) -> None:
        different = differences(plan.identity(), self._identity)
        if different:
            raise ValueError(
                f"resume: the data set in {self._folder.name!r} is another one, with {different[0]}"
                + (f" and {len(different) - 1} more differences" if len(different) > 1 else "")
                + "; give the same profile and options, in the same versions, or another folder"
            )

    def _counts(self, plan: Plan | None, threads: int) -> Counts | None:
        if not self._partition.needs_counts(self._job):
            return None
        known = plan.counts(self._job.windows) if plan is not None else None
        return count_windows(self._job, threads) if known is None else known

    def _records(self, work: Work, complete: Manifest | None) -> list[Record]:
        """What is said to be there."""
        if complete is not None:
            names = {part.name for part in work.parts}
            return [record for record in complete.parts if record.name in names]
        there = self._folder.names()
        found = (recorded(self._folder, part.name) for part in work.parts if record_name(part.name) in there)
        return [record for record in found if record is not None]

    def _sound(self, work: Work, records: Sequence[Record]) -> dict[str, Record]:
        """What is there, byte for byte, by name."""
        sound = {}
        for record, problem in self._engine.problems(work, records):
            if problem is None:
                sound[record.name] = record
                self._count(record.rows, record.bytes)
        return sound

    def _begin(self, counts: Counts | None, complete: Manifest | None) -> None:
        """From here on the data set is not complete."""
        if complete is not None:
            for record in complete.parts:
                put(self._folder, record_name(record.name), record.to_json().encode())
        write_plan(self._folder, self._identity, counts)
        self._folder.remove(SUCCESS)
        self._folder.remove(MANIFEST)

    def _write(self, work: Work, before: dict[str, Record]) -> dict[str, Record]:
        made = {}
        for record in self._engine.write(work, _missing(work, before), lambda rows: self._count(rows, 0)):
            self._lock.check()
            made[record.name] = record
            self._count(0, record.bytes)
        return made

    def _count(self, rows: int, size: int) -> None:
        self._rows += rows
        self._bytes += size
        if self._progress is not None:
            self._progress(self._rows, self._bytes)

    def _all(self, work: Work, records: dict[str, Record]) -> list[Record]:
        """The records of all parts, whose files are seen from here."""
        for part in work.parts:
            record = records.get(part.name)
            if record is None or self._folder.size(part.name) != record.bytes:
                raise TraceError(
                    f"{self._folder.name}: {part.name} was written but is not seen from here; workers on "
                    "other machines need a shared folder or the address of an object store"
                )
        found = [records[part.name] for part in work.parts]
        faults = [message for _, message in faults_of(found, work.parts, self._partition.by)]
        known = self._job.core.window_counts() if work.counts is None else work.counts
        rows = sum(record.rows for record in found)
        if known is not None and rows != known.sum():
            faults.append(f"its parts have {rows:,} rows, and the job has {known.sum():,}")
        if faults:
            raise TraceError(f"{self._folder.name}: {faults[0]}")
        return found

    def _clear(self) -> None:
        for name in (RECORDS, PARTIAL, PLAN):
            self._folder.remove(name)


def _missing(work: Work, records: dict[str, Record]) -> list[Run]:
    """Runs of parts that have no record."""
    runs: list[Run] = []
    for part in work.parts:
        if part.name in records:
            continue
        if runs and runs[-1][1] == part.number:
            runs[-1] = (runs[-1][0], part.number + 1)
        else:
            runs.append((part.number, part.number + 1))
    return runs

"""Who writes the parts: this process, or the workers of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from tracetide.base.addresses import shown
from tracetide.job.dataset.parts import Run, Work, write_run
from tracetide.job.dataset.records import Record
from tracetide.job.dataset.verify import problem_of

ENGINES = ("local", "ray", "dask")


class Engine(Protocol):
    """Writes parts, and looks at parts that are there."""

    def write(self, work: Work, runs: Sequence[Run], rows_written: Callable[[int], None]) -> Iterator[Record]:
        """Write runs of parts; their records in any order, each when its part is complete."""

    def problems(self, work: Work, records: Sequence[Record]) -> Iterator[tuple[Record, str | None]]:
        """What is wrong with each part that has a record, in any order; see `verify.problem_of`."""


class LocalEngine:
    """The threads of this process."""

    def __init__(self, threads: int) -> None:
        """`threads=0` means all cores."""
        self._threads = threads

    def write(self, work: Work, runs: Sequence[Run], rows_written: Callable[[int], None]) -> Iterator[Record]:
        """See `Engine`."""
        for run in runs:
            yield from write_run(work, run, threads=self._threads, rows_written=rows_written)

    def problems(self, work: Work, records: Sequence[Record]) -> Iterator[tuple[Record, str | None]]:
        """See `Engine`."""
        executor = ThreadPoolExecutor(self._threads or os.cpu_count() or 1, thread_name_prefix="verify")
        try:
            found = executor.map(lambda record: problem_of(work.folder, record), records)
            yield from zip(records, found, strict=True)
        finally:
            executor.shutdown(cancel_futures=True)


def engine_of(name: str, address: str | None, threads: int) -> Engine:
    """The engine of a name.

    Raises:
        ValueError: for an unknown name, or what an engine does not take.
        MissingPackageError: if what it needs is not installed.
    """
    if name not in ENGINES:
        raise ValueError(f"engine: {name!r} is not allowed; it must be one of {', '.join(ENGINES)}")
    if name == "local":
        if address is not None:
            raise ValueError(
                f"address: {shown(address)!r} is not allowed with the engine local; it is that of a cluster"
            )
        return LocalEngine(threads)
    if threads:
        raise ValueError(
            f"threads: {threads} is not allowed with the engine {name}; its workers have one each, and the "
            "cluster says how many workers there are"
        )
    if name == "ray":
        from tracetide.job.dataset.ray_engine import RayEngine

        return RayEngine(address)
    from tracetide.job.dataset.dask_engine import DaskEngine

    return DaskEngine(address)

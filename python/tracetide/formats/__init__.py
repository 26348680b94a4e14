"""Native trace files: which format a name means, and writing each. `tracetide.readers` reads.

One module a container (`parquet`, `arrow`, `csv`, `jsonl`); `text` is what the last two share. A new
container is a module with a `Container` and a line in `CONTAINERS`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracetide.formats.base import Format, Progress, Written
from tracetide.formats.names import FORMATS, STDOUT, format_of

if TYPE_CHECKING:
    from tracetide.formats.base import Source
    from tracetide.job import Job
    from tracetide.trace import Trace

__all__ = [
    "FORMATS",
    "STDOUT",
    "Format",
    "Progress",
    "Written",
    "format_of",
    "write_job",
    "write_trace",
]

_CELLS_TO_COUNT = 20_000_000


def write_job(
    job: Job,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Generate into a file; see `Job.write`."""
    from tracetide.formats.source import JobSource

    chosen = format_of(path, format)
    if job.windows * len(job.pool) <= _CELLS_TO_COUNT and job.count() == 0:
        raise ValueError(
            f"job: it has no requests ({job.expected:.3g} were expected in {job.duration:g} s); "
            "choose a higher rate, a longer duration or another seed"
        )
    return _write(JobSource(job, threads), chosen, path, threads, progress)


def write_trace(
    trace: Trace,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write a trace; see `Trace.write`."""
    from tracetide.formats.source import TraceSource

    return _write(TraceSource(trace, threads), format_of(path, format), path, threads, progress)


def _write(
    source: Source, format: Format, path: str | os.PathLike[str], threads: int, progress: Progress | None
) -> Written:
    from tracetide.formats.compression import compressed
    from tracetide.formats.containers import container_of
    from tracetide.formats.output import open_output

    container = container_of(format)
    rows = 0
    with open_output(path, binary=format.is_binary) as output:

        def written(more: int) -> None:
            nonlocal rows
            rows += more
            if progress is not None:
                progress(rows, output.tell())

        with compressed(output, format.compression, threads) as sink:
            container.write(source, sink, written)
    return Written(rows, output.tell())

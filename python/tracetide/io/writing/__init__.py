"""Trace files: which format a name means, and writing each. `tracetide.io.reading` reads.

`source` is where requests come from: a job, a trace or a scan. One module writes a container: `parquet`,
`arrow`, `text` (native CSV and JSON lines), `tool_text` (the text formats of other tools, whose rows the core
writes), `baseten`; `servegen` writes a folder. A new container is a module with a `Container` and a line in
`CONTAINERS`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracetide.io.writing.base import Format, Progress, ToolOptions, Written
from tracetide.io.writing.names import FORMATS, NATIVE, STDOUT, TOOL_TEXT, TOOLS, format_of

if TYPE_CHECKING:
    from tracetide.io.writing.base import Source
    from tracetide.job import Job
    from tracetide.job.shards import Shard
    from tracetide.trace import Trace

__all__ = [
    "FORMATS",
    "NATIVE",
    "STDOUT",
    "TOOLS",
    "TOOL_TEXT",
    "Format",
    "Progress",
    "Written",
    "format_of",
    "write_job",
    "write_shard",
    "write_source",
    "write_trace",
]

_CELLS_TO_COUNT = 20_000_000


def write_job(
    job: Job,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    hash_ids: bool = True,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Generate into a file; see `Job.write`."""
    from tracetide.io.writing.source import JobSource

    chosen = format_of(path, format)
    if chosen.container == "servegen":
        from tracetide.profile.servegen_folder import write_job_folder

        return write_job_folder(job, path)
    if job.windows * len(job.pool) <= _CELLS_TO_COUNT and job.count() == 0:
        raise ValueError(
            f"job: it has no requests ({job.expected:.3g} were expected in {job.duration:g} s); "
            "choose a higher rate, a longer duration or another seed"
        )
    job = _with_blocks(job, chosen, hash_ids)
    options = ToolOptions(hash_ids, job.block_size)
    return write_source(JobSource(job, threads), chosen, options, path, threads, progress)


def write_shard(
    shard: Shard,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Generate a shard into a file; see `Shard.write`."""
    from tracetide.io.writing.source import ShardSource

    chosen = format_of(path, format)
    if chosen.name not in NATIVE:
        raise ValueError(
            f"format: {chosen.name} is not allowed for a shard, as what it says of a request may depend on "
            f"those before; it must be one of {', '.join(NATIVE)}, which `tracetide convert` makes others of"
        )
    return write_source(ShardSource(shard, threads), chosen, ToolOptions(), path, threads, progress)


def write_trace(
    trace: Trace,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    hash_ids: bool = True,
    block_size: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write a trace; see `Trace.write`."""
    from tracetide.io.writing.source import TraceSource

    chosen = format_of(path, format)
    if chosen.container == "servegen":
        from tracetide.profile.servegen_folder import write_trace_folder

        return write_trace_folder(trace, path)
    options = ToolOptions(hash_ids, block_size)
    return write_source(TraceSource(trace, threads), chosen, options, path, threads, progress)


def write_source(
    source: Source,
    format: Format,
    options: ToolOptions,
    path: str | os.PathLike[str],
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write all requests of a source; the file appears under its name only when complete."""
    from tracetide.io.writing.compression import compressed
    from tracetide.io.writing.containers import container_of
    from tracetide.io.writing.output import open_output

    container = container_of(format)
    rows = 0
    with open_output(path, binary=format.is_binary) as output:

        def written(more: int) -> None:
            nonlocal rows
            rows += more
            if progress is not None:
                progress(rows, output.tell())

        with compressed(output, format.compression, threads) as sink:
            loss = container.write(source, format, options, sink, written)
        if format.container == "blis":
            from tracetide.io.writing.blis import write_header

            return Written(rows, output.tell() + write_header(path), *loss)
    return Written(rows, output.tell(), *loss)


def _with_blocks(job: Job, format: Format, hash_ids: bool) -> Job:
    """The same job with the hash ids that a format expects, where it was not said which it has."""
    from tracetide.io.reading.layouts import FORMAT_BLOCKS

    wanted = FORMAT_BLOCKS.get(format.container.partition(".")[0], 0)
    if not hash_ids or not wanted or job.has_own_block_size:
        return job
    if format.container.startswith("baseten") and not job.block_size:
        return job  # they are optional there, and ids that are never seen again would tell nothing
    return job.with_block_size(wanted)

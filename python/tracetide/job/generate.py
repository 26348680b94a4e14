"""From a pool to requests in one call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tracetide.job.job import Job
from tracetide.profile.pool import ClientPool
from tracetide.trace import Batch, Trace

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from tracetide.job.options import JobOptions


def generate(pool: ClientPool, *, threads: int = 0, **options: Unpack[JobOptions]) -> Trace:
    """The whole trace of a job, in memory.

    The arguments are those of `tracetide.Job`; `threads=0` means all cores and changes nothing in the
    trace. For more requests than fit in memory there are `tracetide.stream` and `Job.write`.
    """
    return Job(pool, **options).generate(threads=threads)


def stream(
    pool: ClientPool, *, batch_size: int = 0, threads: int = 0, **options: Unpack[JobOptions]
) -> Iterator[Batch]:
    """The trace of a job, batch by batch in time order, in bounded memory.

    The arguments are those of `tracetide.Job`, and of `Job.stream`, which says what an open stream holds:
    `batch_size=0` gives batches as they are made. Neither it nor `threads` changes the requests.
    """
    return Job(pool, **options).stream(threads=threads, batch_size=batch_size)

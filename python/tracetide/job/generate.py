"""From a pool to requests in one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tracetide.job import Job
from tracetide.job.rates import Rate
from tracetide.profile.pool import ClientPool
from tracetide.trace import Batch, Trace


def generate(
    pool: ClientPool,
    *,
    rate: Rate | None = None,
    scale: float | None = None,
    max_rate: float | None = None,
    duration: float | str | None = None,
    seed: int = 0,
    counts: str = "profile",
    coupling: str | Mapping[tuple[str, str], float] = "profile",
    missing: str = "nearest",
    conversations: bool | None = None,
    prefixes: bool | None = None,
    block_size: int | None = None,
    payload_bytes: Mapping[str, float] | None = None,
    threads: int = 0,
) -> Trace:
    """The whole trace of a job, in memory.

    The arguments are those of `tracetide.Job`; `threads=0` means all cores and changes nothing in the
    trace. For more requests than fit in memory there are `tracetide.stream` and `Job.write`.
    """
    job = Job(
        pool,
        rate=rate,
        scale=scale,
        max_rate=max_rate,
        duration=duration,
        seed=seed,
        counts=counts,
        coupling=coupling,
        missing=missing,
        conversations=conversations,
        prefixes=prefixes,
        block_size=block_size,
        payload_bytes=payload_bytes,
    )
    return job.generate(threads=threads)


def stream(
    pool: ClientPool,
    *,
    rate: Rate | None = None,
    scale: float | None = None,
    max_rate: float | None = None,
    duration: float | str | None = None,
    seed: int = 0,
    counts: str = "profile",
    coupling: str | Mapping[tuple[str, str], float] = "profile",
    missing: str = "nearest",
    conversations: bool | None = None,
    prefixes: bool | None = None,
    block_size: int | None = None,
    payload_bytes: Mapping[str, float] | None = None,
    batch_size: int = 0,
    threads: int = 0,
) -> Iterator[Batch]:
    """The trace of a job, batch by batch in time order, in bounded memory.

    The arguments are those of `tracetide.Job`, and of `Job.stream`, which says what an open stream holds:
    `batch_size=0` gives batches as they are made. Neither it nor `threads` changes the requests.
    """
    job = Job(
        pool,
        rate=rate,
        scale=scale,
        max_rate=max_rate,
        duration=duration,
        seed=seed,
        counts=counts,
        coupling=coupling,
        missing=missing,
        conversations=conversations,
        prefixes=prefixes,
        block_size=block_size,
        payload_bytes=payload_bytes,
    )
    return job.stream(threads=threads, batch_size=batch_size)

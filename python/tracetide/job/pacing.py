"""Requests when they are due, for the loop of a load generator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

from tracetide import _core
from tracetide.job import Job

_LONGEST = 0.1
"""Seconds to sleep at most, so that a clock that is set, or a signal, is noticed."""
_NOT_MADE = 0.001
"""Seconds to wait for a request that is not made yet."""


def pace(job: Job, *, speed: float = 1.0, threads: int = 0) -> Iterator[_core.PacedRequest]:
    """The requests of a job, each when it is due.

    The clock starts with the first request that is asked for. Requests are made ahead by threads of the core,
    so that the loop only waits:

        for request in tt.pace(job, speed=10):
            send(request.input_tokens, request.output_tokens)

    A loop that takes longer than the gap between two requests gets the next one at once; `request.late` says
    by how much, in seconds.

    Args:
        job: what to send.
        speed: how many seconds of the job pass in a second; 10 sends an hour in six minutes.
        threads: that make requests; 0: all cores.

    Returns:
        Objects with `number` (position in the job), `timestamp` (s, of the job), `due` and `late` (s, of the
        clock), `client_id`, `input_tokens`, `output_tokens`, and every further column of the job: None where
        a request has no session or delay, a list for items and `hash_ids`.

    Raises:
        ValueError: for a speed that is not above 0.
    """
    stream = _core.PacedStream(job.core, speed=speed, threads=threads)
    start = time.monotonic()
    while not stream.done():
        due = stream.next_due(time.monotonic() - start)
        yield from due
        if not due:
            time.sleep(_wait(stream, start))


async def pace_async(job: Job, *, speed: float = 1.0, threads: int = 0) -> AsyncIterator[_core.PacedRequest]:
    """The same for asyncio: `async for request in tt.pace_async(job)`.

    Between requests the event loop runs. Start a task for each request rather than awaiting its answer, or
    those that follow are late. Arguments and errors are those of `pace`.
    """
    stream = await asyncio.get_running_loop().run_in_executor(
        None, lambda: _core.PacedStream(job.core, speed=speed, threads=threads)
    )
    start = time.monotonic()
    while not stream.done():
        due = stream.next_due(time.monotonic() - start)
        for request in due:
            yield request
        await asyncio.sleep(0 if due else _wait(stream, start))


def _wait(stream: _core.PacedStream, start: float) -> float:
    """Seconds until the next request, or until it is looked for again."""
    next_time = stream.next_time()
    if next_time == 0:
        return _NOT_MADE
    return min(max(next_time - (time.monotonic() - start), 0.0), _LONGEST)

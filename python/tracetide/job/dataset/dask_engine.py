"""Parts written by the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tracetide.base.errors import MissingPackageError
from tracetide.job.dataset.cluster import RETRIES, chunks, records_of, run_tasks, verify_task, write_task
from tracetide.job.dataset.parts import Run, Work
from tracetide.job.dataset.records import Record


class DaskEngine:
    """Two tasks for every worker thread of the cluster; every worker has the job once."""

    def __init__(self, address: str | None) -> None:
        """Of the scheduler at `address`; None: the current client's, else a cluster of this machine.

        Raises:
            MissingPackageError: if Dask's distributed scheduler is not installed.
        """
        self._address = address
        _distributed()

    def write(self, work: Work, runs: Sequence[Run], rows_written: Callable[[int], None]) -> Iterator[Record]:
        """See `Engine`."""
        with _connected(self._address) as client:
            tasks = run_tasks(runs, _workers(client))
            yield from records_of(_results(client, write_task, work, tasks), rows_written)

    def problems(self, work: Work, records: Sequence[Record]) -> Iterator[tuple[Record, str | None]]:
        """See `Engine`."""
        if not records:
            return
        with _connected(self._address) as client:
            for found in _results(client, verify_task, work, chunks(records, _workers(client))):
                yield from found


def _distributed() -> Any:
    try:
        import distributed
    except ImportError:
        raise MissingPackageError(
            "engine: dask's distributed is not installed; install it with pip install 'tracetide[dask]'"
        ) from None
    return distributed


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """The caller's client if there is one, else one for as long as it is needed."""
    distributed = _distributed()
    if address is None:
        with contextlib.suppress(ValueError):
            yield distributed.Client.current()
            return
        with (
            distributed.LocalCluster(
                processes=True, threads_per_worker=1, dashboard_address=None, silence_logs=40
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
        return
    with distributed.Client(address) as client:
        yield client


def _workers(client: Any) -> int:
    client.wait_for_workers(1)
    threads: dict[str, int] = client.nthreads()
    return max(1, sum(threads.values()))


def _results(
    client: Any, function: Callable[[Work, Any], Any], work: Work, tasks: Sequence[Any]
) -> Iterator[Any]:
    """What a function makes of the tasks, in any order, with at most two for each worker under way."""
    # A name of its own: one of its content would be that of an earlier call, which is let go of meanwhile.
    shared = client.scatter(work, broadcast=True, hash=False)
    waiting = iter(tasks)
    pending = _distributed().as_completed()
    try:
        for _ in range(2 * _workers(client)):
            _submit(client, pending, function, shared, waiting)
        for done in pending:
            result = _result(done)
            _submit(client, pending, function, shared, waiting)
            yield result
    finally:
        client.cancel(list(pending.futures), force=True)


def _result(done: Any) -> Any:
    """What a task made, or its own error."""
    distributed = _distributed()
    try:
        return done.result()
    except (distributed.KilledWorker, distributed.client.FutureCancelledError) as error:
        raise OSError(f"dask: a task was lost: {str(error).splitlines()[0]}") from None


def _submit(client: Any, pending: Any, function: Any, shared: Any, waiting: Iterator[Any]) -> None:
    task = next(waiting, None)
    if task is not None:
        pending.add(client.submit(function, shared, task, pure=False, retries=RETRIES))

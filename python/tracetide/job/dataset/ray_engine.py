"""Parts written by the workers of a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from tracetide.base.addresses import shown
from tracetide.base.errors import MissingPackageError
from tracetide.job.dataset.cluster import RETRIES, chunks, records_of, run_tasks, verify_task, write_task
from tracetide.job.dataset.parts import Run, Work
from tracetide.job.dataset.records import Record


class RayEngine:
    """One task at a time on every CPU of the cluster.

    The object store holds the job once for each call, and of every task the records of its parts.
    """

    def __init__(self, address: str | None) -> None:
        """Of the cluster at `address`; None: as `ray.init` does.

        Raises:
            MissingPackageError: if Ray is not installed.
        """
        self._address = address
        _ray()

    def write(self, work: Work, runs: Sequence[Run], rows_written: Callable[[int], None]) -> Iterator[Record]:
        """See `Engine`."""
        with _connected(self._address) as ray:
            tasks = run_tasks(runs, _workers(ray))
            yield from records_of(_results(ray, write_task, work, tasks), rows_written)

    def problems(self, work: Work, records: Sequence[Record]) -> Iterator[tuple[Record, str | None]]:
        """See `Engine`."""
        if not records:
            return
        with _connected(self._address) as ray:
            for found in _results(ray, verify_task, work, chunks(records, _workers(ray))):
                yield from found


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingPackageError(
            "engine: ray is not installed; install it with pip install 'tracetide[ray]'"
        ) from None
    return ray


@contextlib.contextmanager
def _connected(address: str | None) -> Iterator[Any]:
    """The caller's connection if there is one, else one for as long as it is needed."""
    ray = _ray()
    if ray.is_initialized():
        if address is not None:
            raise ValueError(
                f"address: {shown(address)!r} is not allowed, as this process is connected to a Ray cluster; "
                "call ray.shutdown() first, or give no address"
            )
        yield ray
        return
    own = {"include_dashboard": False} if address is None and "RAY_ADDRESS" not in os.environ else {}
    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    try:
        yield ray
    finally:
        ray.shutdown()


def _workers(ray: Any) -> int:
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def _results(
    ray: Any, function: Callable[[Work, Any], Any], work: Work, tasks: Sequence[Any]
) -> Iterator[Any]:
    """What a function makes of the tasks, in any order, with at most two for each worker under way."""
    remote = ray.remote(_call).options(num_cpus=1, max_retries=RETRIES)
    reference = ray.put(work)
    waiting = iter(tasks)
    pending: list[Any] = []
    try:
        while True:
            while len(pending) < 2 * _workers(ray) and (task := next(waiting, None)) is not None:
                # In a list, so that a worker asks for it itself, once.
                pending.append(remote.remote(function, reference.hex(), [reference], task))
            if not pending:
                return
            (done,), pending = ray.wait(pending, num_returns=1)
            yield _result(ray, done)
    finally:
        for one in pending:
            ray.cancel(one, force=True)


def _result(ray: Any, done: Any) -> Any:
    try:
        return ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise (error.cause or error) from None
    except ray.exceptions.RayError as error:
        raise OSError(f"ray: a task failed {RETRIES + 1} times: {str(error).splitlines()[0]}") from None


def _call(function: Callable[[Work, Any], Any], key: str, reference: list[Any], task: Any) -> Any:
    return function(_work(key, reference[0]), task)


def _work(key: str, reference: Any) -> Work:
    """The work, once in a worker process."""
    return _kept(_Reference(key, reference))


class _Reference:
    """A reference that is equal to others of the same object."""

    def __init__(self, key: str, reference: Any) -> None:
        self.key = key
        self.reference = reference

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(maxsize=1)
def _kept(reference: _Reference) -> Work:
    work: Work = _ray().get(reference.reference)
    return work

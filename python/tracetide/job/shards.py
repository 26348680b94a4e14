"""Shards: ranges of a job's windows, each generated on its own, anywhere."""

from __future__ import annotations

import json
import operator
import os
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.numbers import check_threads, check_whole
from tracetide.job.resolved import ResolvedJob
from tracetide.trace import Batch, Trace

if TYPE_CHECKING:
    from tracetide.io.writing import Progress, Written

PROFILES = ("value", "path")


class Shard:
    """The requests of some consecutive windows of a job, exactly as they are in the whole.

    Shards are made by `Job.shards`. All shards of a job, one after the other, are its trace. A shard can be
    pickled and generated in another process or on another machine; it needs nothing of the other shards.

    Attributes:
        job: the whole job.
        index: its position among the shards, from 0.
        first_window, last_window: its windows are first_window .. last_window - 1 of the job.
        count: how many requests it has, exactly; None where only generating tells (as of `Job.count`).
        first_request: the position of its first request in the job's trace; None where `count` is.
    """

    def __init__(
        self,
        job: ResolvedJob,
        index: int,
        windows: tuple[int, int],
        *,
        count: int | None = None,
        first_request: int | None = None,
    ) -> None:
        self.job = job
        self.index = index
        self.first_window, self.last_window = windows
        self.count = count
        self.first_request = first_request

    @property
    def start(self) -> float:
        """When its first window begins, in seconds from the job's start."""
        return self._edges[0]

    @property
    def end(self) -> float:
        """When its last window ends, in seconds from the job's start."""
        return self._edges[1]

    @cached_property
    def _edges(self) -> tuple[float, float]:
        edges = self.job.window_edges
        return float(edges[self.first_window]), float(edges[self.last_window])

    @cached_property
    def expected(self) -> float:
        """The expected number of requests."""
        return float(self.job.core.window_expected()[self.first_window : self.last_window].sum())

    def stream(self, *, threads: int = 0, batch_size: int = 0) -> Iterator[Batch]:
        """Its requests in time order, batch by batch; see `Job.stream`.

        `Batch.first_request` is the position in the whole job where that is known, else in the shard.
        """
        made = _core.Stream(
            self.job.core,
            threads=check_threads(threads),
            batch_size=check_whole("batch_size", batch_size),
            first_window=self.first_window,
            last_window=self.last_window,
            first_request=self.first_request or 0,
        )
        return map(Batch.from_core, made)

    def generate(self, *, threads: int = 0) -> Trace:
        """All its requests at once. `threads=0` means all cores."""
        batch = _core.collect(
            self.job.core,
            threads=check_threads(threads),
            first_window=self.first_window,
            last_window=self.last_window,
        )
        return Trace.from_core(batch, self.metadata())

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,
        threads: int = 0,
        progress: Progress | None = None,
    ) -> Written:
        """Generate into a file of a native format; see `Job.write`. It may have no requests.

        Raises:
            ValueError: for an unknown format, or that of another tool: what such a file says of a request may
                depend on those before the shard.
            OSError: if it cannot be written.
        """
        from tracetide.io.writing import NATIVE, format_of, write_source
        from tracetide.io.writing.base import ToolOptions
        from tracetide.job.source import GeneratedSource

        chosen = format_of(path, format)
        if chosen.name not in NATIVE:
            raise ValueError(
                f"format: {chosen.name} is not allowed for a shard, as what it says of a request may depend "
                f"on those before; it must be one of {', '.join(NATIVE)}, which `tracetide convert` makes "
                "others of"
            )
        windows = (self.first_window, self.last_window)
        source = GeneratedSource(self.job.core, self.metadata(), check_threads(threads), windows)
        return write_source(source, chosen, ToolOptions(), path, threads, progress)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The requests as a stream of Arrow data, made while it is taken; as of `Job`."""
        return _core.arrow_job_stream(
            self.job.core,
            json.dumps(self.metadata()),
            first_window=self.first_window,
            last_window=self.last_window,
        )

    def __arrow_c_schema__(self) -> object:
        """The type of its requests."""
        return _core.arrow_job_schema(self.job.core, json.dumps(self.metadata()))

    def metadata(self) -> dict[str, Any]:
        """That of the job, and which part this is: `{"part": {"start": ..., "end": ...}}`, in seconds."""
        return {**self.job.metadata(), "part": {"start": self.start, "end": self.end}}

    def __repr__(self) -> str:
        return (
            f"<Shard {self.index} of {self.job.pool.name}: {self.start:g} s to {self.end:g} s, "
            f"{self.expected:,.0f} requests expected>"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Shard):
            return NotImplemented
        mine, its = ((one.index, one.first_window, one.last_window, one.job) for one in (self, other))
        return mine == its

    def __hash__(self) -> int:
        return hash((self.index, self.first_window, self.last_window, self.job))

    def __reduce__(self) -> tuple[Any, ...]:
        windows = (self.first_window, self.last_window)
        return _restore, (self.job, self.index, windows, self.count, self.first_request)


def make_shards(job: ResolvedJob, n: int, profile: str = "value") -> list[Shard]:
    """The shards of a job; see `Job.shards`."""
    number = _number_of_shards(n, job.windows)
    if profile not in PROFILES:
        raise ValueError(f"profile: {profile!r} is not allowed; it must be one of {', '.join(PROFILES)}")
    if profile == "path":
        job = job.by_path()
    edges = balanced(job.core.window_expected(), number)
    counts = job.core.window_counts()
    before = None if counts is None else np.concatenate([[0], np.cumsum(counts)])
    return [
        Shard(
            job,
            index,
            (first, last),
            count=None if before is None else int(before[last] - before[first]),
            first_request=None if before is None else int(before[first]),
        )
        for index, (first, last) in enumerate(pairwise(edges))
    ]


def balanced(weights: npt.NDArray[np.float64], n: int) -> list[int]:
    """Edges of `n` runs of about equal weight, each with at least one entry: n + 1 positions."""
    total = np.cumsum(weights)
    wanted = total[-1] * np.arange(1, n) / n
    at = np.searchsorted(total, wanted)  # the entry in which a run should end
    # The nearer of its two ends.
    above = total[at] - wanted
    below = wanted - np.where(at > 0, total[at - 1], 0.0)
    edges = at + (above <= below)
    # At least one entry a run: from the front, then from the back.
    steps = np.arange(1, n)
    edges = np.maximum.accumulate(np.maximum(edges, 1) - steps) + steps
    return [0, *np.minimum(edges, len(weights) - n + steps).tolist(), len(weights)]


def _number_of_shards(n: int, windows: int) -> int:
    try:
        number = operator.index(n)
    except TypeError:
        number = 0
    if isinstance(n, bool) or not 1 <= number <= windows:
        raise ValueError(
            f"n: {n!r} is not allowed; it must be a whole number from 1 to {windows:,}, the job's windows, "
            "of which a shard has at least one"
        )
    return number


def _restore(
    job: ResolvedJob,
    index: int,
    windows: tuple[int, int],
    count: int | None,
    first_request: int | None,
) -> Shard:
    return Shard(job, index, windows, count=count, first_request=first_request)

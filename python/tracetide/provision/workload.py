"""What is served: a job or a trace, whole or at another rate."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide.base.errors import TracetideWarning
from tracetide.io.job_facts import facts_of
from tracetide.io.reading import TraceScan, scan
from tracetide.io.reading.origin import check_origin
from tracetide.job import Job
from tracetide.profile.pool import ClientPool
from tracetide.provision.columns import ServingColumns, columns_of, columns_of_scan
from tracetide.trace import Trace
from tracetide.trace.requests import columns_in

Source: TypeAlias = "Job | Trace | TraceScan | str | os.PathLike[str]"
THIN = ("requests", "clients")
_MOST_REPETITIONS = 100
_LONGEST_S = 30 * 86400.0
"""Of repetitions; the core simulates up to 100 days."""


class Workload(Protocol):
    """Requests that can be had at lower or higher rates."""

    @property
    def rate(self) -> float:
        """Requests/s of the whole."""

    @property
    def duration(self) -> float:
        """In seconds."""

    @property
    def highest_rate(self) -> float:
        """The highest rate at which it can be had."""

    def at(self, rate: float) -> Iterator[ServingColumns]:
        """The requests at that rate, in batches.

        Lower rates are several times as long, so that there are about as many requests as in the whole, of
        which a high quantile can be told.
        """

    def whole(self) -> Iterator[ServingColumns]:
        """All requests, in batches."""


class JobWorkload:
    """A job: at another rate it is generated anew, with the same clients.

    Below its own rate it is repeated, with one seed after the other.
    """

    highest_rate = math.inf

    def __init__(self, job: Job) -> None:
        """Nothing is generated yet."""
        self._job = lean_job(job)

    @property
    def rate(self) -> float:
        """Expected requests/s."""
        return self._job.expected / self._job.duration

    @property
    def duration(self) -> float:
        """The job's."""
        return self._job.duration

    def at(self, rate: float) -> Iterator[ServingColumns]:
        """All clients' rates are scaled alike."""
        for number in range(_repetitions(self, rate)):
            seed = (self._job.seed + number) % 2**64
            for batch in _batches(lean_job(self._job, factor=rate / self.rate, seed=seed)):
                yield batch.later(number * self.duration, number)

    def whole(self) -> Iterator[ServingColumns]:
        """As the job has them."""
        return _batches(self._job)


class TraceWorkload:
    """A trace: at a lower rate it is divided at random, a higher rate is not to be had.

    A share of 1/n gives n parts, which come one after the other: what n instances would get each. Requests of
    one session, or with `thin="clients"` of one client, are in one part.
    """

    def __init__(self, trace: Trace, *, thin: str = "requests", seed: int = 0) -> None:
        """A trace in memory with at least one request.

        Raises:
            ValueError: naming the argument, the value and what is allowed.
        """
        if thin not in THIN:
            raise ValueError(f"thin: {thin!r} is not allowed; it must be one of {', '.join(THIN)}")
        if not len(trace):
            raise ValueError("trace: no requests, which is not allowed")
        self.trace = trace
        self._columns = columns_of(trace)
        self._thin = thin
        self._seed = seed

    @property
    def rate(self) -> float:
        """Requests/s of the whole trace."""
        return len(self.trace) / self.duration

    @property
    def highest_rate(self) -> float:
        """That of the whole trace."""
        return self.rate

    @cached_property
    def duration(self) -> float:
        """The job's that made it, or a mean gap beyond the last request."""
        told = facts_of(self.trace.metadata).duration
        if told is not None:
            return told
        times = self._columns.timestamp
        last = float(np.nanmax(times))
        check_origin("trace", float(np.nanmin(times)), last)
        duration = last * len(self.trace) / max(len(self.trace) - 1, 1)
        if not duration > 0:
            raise ValueError("trace: all requests come at one time, which is not allowed; it has no rate")
        return duration

    def at(self, rate: float) -> Iterator[ServingColumns]:
        """Each request is in a part with probability `rate / self.rate`."""
        part = (self._numbers * (self.rate / rate)).astype(np.int64)
        order = np.argsort(part, kind="stable")
        parts = _repetitions(self, rate)
        ends = np.searchsorted(part[order], np.arange(parts + 1))
        for number in range(parts):
            rows = order[ends[number] : ends[number + 1]]
            yield self._columns.take(rows).later(number * self.duration, number)

    def whole(self) -> Iterator[ServingColumns]:
        """All requests."""
        yield self._columns

    @cached_property
    def _numbers(self) -> npt.NDArray[np.float64]:
        from tracetide.profile.distributions import Uniform

        groups = self._groups()
        drawn = Uniform(0.0, 1.0).sample(int(groups.max()) + 1, seed=self._seed)
        # From 0 to 1, so that a part is those between two.
        numbers: npt.NDArray[np.float64] = drawn[groups]
        return numbers

    def _groups(self) -> npt.NDArray[np.int64]:
        """A number for what is kept or left out together."""
        if self._thin == "clients":
            names = [name for name in ("client_id", "client") if name in self.trace]
            if not names:
                raise ValueError(
                    f"client_id: missing; the trace has {', '.join(self.trace.columns)}, and thinning by "
                    "clients needs it"
                )
            return np.unique(np.asarray(self.trace[names[0]]), return_inverse=True)[1].astype(np.int64)
        if "session_id" in self.trace:
            from tracetide.columns.arrow import column_array
            from tracetide.columns.session_numbers import session_numbers

            return session_numbers(column_array(columns_in(self.trace), "session_id"))
        return np.arange(len(self.trace))


def workload_of(source: Source, *, thin: str = "requests", seed: int = 0) -> Workload:
    """What can be had at other rates; a file is read into memory."""
    if isinstance(source, Job):
        return JobWorkload(source)
    if isinstance(source, Trace):
        return TraceWorkload(source, thin=thin, seed=seed)
    if isinstance(source, str | os.PathLike | TraceScan):
        from tracetide.trace.read import trace_of_scan

        found = source if isinstance(source, TraceScan) else scan(source)
        return TraceWorkload(trace_of_scan(found), thin=thin, seed=seed)
    raise TypeError(
        f"workload: {source!r} is not allowed; it must be a Job, a Trace, a TraceScan, or the path of a trace"
    )


def batches_of(source: Source) -> Iterator[ServingColumns]:
    """The requests in batches; a file is read in a stream."""
    if isinstance(source, str | os.PathLike | TraceScan):
        return columns_of_scan(source if isinstance(source, TraceScan) else scan(source))
    return workload_of(source).whole()


def _repetitions(workload: Workload, rate: float) -> int:
    """How often a workload is to be repeated at a lower rate, to have as many requests as in the whole."""
    most = max(1, min(_MOST_REPETITIONS, int(_LONGEST_S / workload.duration)))
    return min(max(1, int(workload.rate / rate + 1e-9)), most)


def _batches(job: Job) -> Iterator[ServingColumns]:
    return map(columns_of, job.stream())


def lean_job(
    job: Job, *, factor: float = 1.0, pool: ClientPool | None = None, seed: int | None = None
) -> Job:
    """The job with `factor` times its rates, and of every request only what serving looks at.

    What it warns of was said when the given job was made.
    """
    given = job.metadata()
    of = job.pool if pool is None else pool
    coupling = given["coupling"]
    if "correlations" in given:
        coupling = {(one, other): value for one, other, value in given["correlations"]}
    elif coupling == "copula":
        coupling = "profile"  # whose own correlations they are
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TracetideWarning)
        return Job(
            of,
            **_rate(job, factor),
            duration=job.duration,
            seed=job.seed if seed is None else seed,
            counts=job.counts,
            coupling=coupling,
            missing=given["missing"],
            conversations=job.conversations and bool(of.profile.session_models()),
            prefixes=False,
        )


def _rate(job: Job, factor: float) -> dict[str, Any]:
    """The job's option for its rate, times a factor."""
    ((name, value),) = job.metadata()["rate"].items()
    if name == "max_rate":
        # A cap that is above the peak changes nothing, nor would a multiple of it.
        return {"scale": factor * job.expected / Job(job.pool, duration=job.duration).expected}
    return {"rate" if name.startswith("rate") else name: _scaled(value, factor)}


def _scaled(rate: Any, factor: float) -> Any:
    if isinstance(rate, list):
        return [
            (entry[0], entry[1] * factor) if isinstance(entry, list | tuple) else entry * factor
            for entry in rate
        ]
    return rate * factor

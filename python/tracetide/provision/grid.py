"""Figure 20 of the study: instances that benchmarks with three kinds of workload would provision."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tracetide.job import Job
from tracetide.profile.pool import ClientPool
from tracetide.provision.capacity import MOST_HELD, InstanceSearch, RateSearch
from tracetide.provision.cells import Cell, GridCells
from tracetide.provision.instance import Instance
from tracetide.provision.simulation import instance_of
from tracetide.provision.targets import Targets
from tracetide.provision.workload import Source, TraceWorkload, Workload, lean_job, workload_of
from tracetide.trace import Trace

BENCHMARKS = ("share", "scaled")


@dataclass(frozen=True)
class Grid(GridCells):
    """Cells by targets, which can be drawn; see `GridCells`."""

    def draw(self, path: str | os.PathLike[str]) -> None:
        """Draw the heat map; the ending of `path` chooses the format. Needs matplotlib.

        Raises:
            ImportError: if it is not installed.
        """
        from tracetide.provision.heatmap import draw

        draw(self, path)


def grid(
    workload: Source,
    instance: Instance | str,
    *,
    ttft: Sequence[float],
    tbt: Sequence[float],
    quantile: float = 0.99,
    routing: str = "round-robin",
    closed_loop: bool = False,
    tolerance: float = 0.01,
    benchmark: str = "share",
    seed: int = 1,
    pool: ClientPool | None = None,
) -> Grid:
    """How many instances benchmarks of one instance provision, against how many the actual requests need.

    The actual requests are those of the workload, served by several instances. A benchmark finds the largest
    rate that one instance sustains, with requests that are generated client by client (`"clients"`), or from
    the workload as a whole (`"naive"`, see `ClientPool.collapse`); the workload's rate divided by it, rounded
    up, is what it provisions.

    Args:
        workload: a `Job`, a `Trace`, or the path of a trace, which is read into memory.
        instance: an `Instance` or the name of a preset.
        ttft, tbt: targets in seconds, at least one each.
        quantile, routing, closed_loop, tolerance: as for `max_rate` and `simulate`.
        benchmark: what a benchmark at a lower rate is. `"share"`: requests at the whole rate, divided at
            random as among several instances; `"scaled"`: the same clients, each of which sends less, and is
            as bursty as before. See `max_rate` for a trace and for a job.
        seed: of the benchmarks' requests. A job's must differ from it: else the benchmark would have the
            random numbers of the actual requests.
        pool: the clients of the benchmarks; by default the job's, or a fit to the trace.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """
    if not ttft or not tbt:
        raise ValueError("ttft and tbt: no target is not allowed; there must be at least one of each")
    rows = tuple(sorted({float(value) for value in ttft}))
    columns = tuple(sorted({float(value) for value in tbt}))
    targets = [Targets(row, column, quantile) for row in rows for column in columns]
    if benchmark not in BENCHMARKS:
        raise ValueError(
            f"benchmark: {benchmark!r} is not allowed; it must be one of {', '.join(BENCHMARKS)}"
        )
    served = instance_of(instance)
    actual = workload_of(workload)
    jobs = _benchmark_jobs(workload, actual, pool, seed)
    most = max(job.expected for job in jobs.values())
    if benchmark == "share" and most > MOST_HELD:
        raise ValueError(
            f"workload: {most:,.0f} requests are not allowed where benchmarks divide them, for which they "
            f"are held in memory; there must be at most {MOST_HELD:,}, as in a shorter duration or at a "
            "lower rate"
        )
    searches = {
        method: RateSearch(
            workload_of(job.generate() if benchmark == "share" else job, seed=seed),
            served,
            closed_loop=closed_loop,
            tolerance=tolerance,
        )
        for method, job in jobs.items()
    }
    needed = InstanceSearch(actual, served, routing=routing, closed_loop=closed_loop)
    cells = tuple(_cell(target, actual.rate, needed, searches) for target in targets)
    return Grid(
        actual.rate,
        round(actual.rate * actual.duration),
        rows,
        columns,
        quantile,
        served,
        cells,
    )


def benchmark_seed(seed: int) -> int:
    """One that differs from that of the actual requests."""
    return seed + 1 if seed < 2**64 - 1 else 0


def _cell(targets: Targets, rate: float, needed: InstanceSearch, searches: dict[str, RateSearch]) -> Cell:
    largest = {method: search.largest(targets) for method, search in searches.items()}
    return Cell(
        targets.ttft,
        targets.tbt,
        needed.fewest(targets).instances,
        {method: found.rate for method, found in largest.items()},
        {method: found.instances_for(rate) for method, found in largest.items()},
    )


def _benchmark_jobs(source: Source, actual: Workload, pool: ClientPool | None, seed: int) -> dict[str, Job]:
    """By method, a job like the actual requests."""
    if isinstance(source, Job):
        if source.seed == seed:
            raise ValueError(
                f"seed: {seed} is not allowed; it must differ from that of the job, whose requests are the "
                "actual ones"
            )
        clients = source.pool if pool is None else pool
        pools = {"naive": clients.collapse(), "clients": clients}
        return {method: _like(source, made, seed) for method, made in pools.items()}
    assert isinstance(actual, TraceWorkload)
    clients = fitted(actual.trace, actual.duration) if pool is None else pool
    return {
        method: Job(made, rate=actual.rate, duration=actual.duration, seed=seed)
        for method, made in {"naive": clients.collapse(), "clients": clients}.items()
    }


def _like(source: Job, pool: ClientPool, seed: int) -> Job:
    """A job with other clients and the same total rate, whatever their own rates are."""
    made = lean_job(source, pool=pool, seed=seed)
    return lean_job(made, factor=source.expected / made.expected)


def fitted(trace: Trace, duration: float) -> ClientPool:
    """A pool of the trace's clients."""
    from tracetide.fit import fit

    return fit(trace, duration=duration, sessions="session_id" in trace)

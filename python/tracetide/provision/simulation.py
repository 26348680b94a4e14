"""Serving, simulated."""

from __future__ import annotations

import operator
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.errors import TraceError
from tracetide.base.wording import Option, Told
from tracetide.io.reading.origin import check_origin
from tracetide.provision.columns import ServingColumns
from tracetide.provision.instance import Instance
from tracetide.provision.presets import preset
from tracetide.provision.result import ServingResult
from tracetide.provision.workload import Source, batches_of

ROUTINGS = ("round-robin", "least-loaded")
MOST_INSTANCES = 65536
_LATEST_S = 8_640_000
"""Of the core."""


def simulate(
    workload: Source,
    instance: Instance | str,
    *,
    instances: int = 1,
    routing: str = "round-robin",
    closed_loop: bool = False,
    keep_requests: bool = False,
) -> ServingResult:
    """Serve all requests of a workload.

    A job, or the file of a trace, goes through in bounded memory; the GIL is let go of.

    Args:
        workload: a `Job`, a `Trace`, or the path of a trace as for `tracetide.scan`.
        instance: an `Instance` or the name of a preset.
        instances: how many serve, from 1 to 65536.
        routing: which instance a request goes to: `"round-robin"` is each in turn, `"least-loaded"` the one
            with the fewest unfinished requests, of equal ones the first.
        closed_loop: whether the turns of a session wait for each other: a turn comes `delay` after the end of
            the one before; or where there is no delay, at its timestamp, but not before that end. The
            requests are then held in memory, 40 bytes each. Otherwise all come at their timestamps.
        keep_requests: whether `ServingResult.served` tells of every request.

    Raises:
        ValueError: naming the argument or row, the value and what is allowed.
        OSError: if the file cannot be read.
    """
    return serve(
        batches_of(workload),
        instance_of(instance),
        instances=instances,
        routing=routing,
        closed_loop=closed_loop,
        keep_requests=keep_requests,
    )


def serve(
    batches: Iterable[ServingColumns],
    instance: Instance,
    *,
    instances: int,
    routing: str,
    closed_loop: bool,
    keep_requests: bool = False,
) -> ServingResult:
    """The same of batches."""
    number = checked_instances(instances)
    simulator = _core.ServingSimulator(
        instance.core(),
        instances=number,
        routing=checked_routing(routing),
        closed_loop=closed_loop,
        keep_requests=keep_requests,
    )
    rows = 0
    for batch in batches:
        if not closed_loop:
            _check_times(batch.timestamp, rows)
        simulator.add(*batch)
        rows += batch.timestamp.size
    return ServingResult.from_core(simulator.finish(), number, keep_requests=keep_requests)


def _check_times(times: npt.NDArray[np.float64], rows: int) -> None:
    missing = np.flatnonzero(np.isnan(times))
    if missing.size:
        raise TraceError(
            Told(
                f"timestamp: row {rows + missing[0] + 1} has none, which is not allowed; later turns of "
                "sessions that have only a delay wait for the turn before with ",
                Option("closed_loop", True),
            )
        )
    if times.size and times[0] > _LATEST_S:
        check_origin("the trace", float(times[0]), float(times[-1]))


def instance_of(instance: Instance | str) -> Instance:
    """An instance, or the preset of that name."""
    if isinstance(instance, str):
        return preset(instance)
    if isinstance(instance, Instance):
        return instance
    raise TypeError(f"instance: {instance!r} is not allowed; it must be an Instance or the name of a preset")


def checked_routing(routing: str) -> str:
    """One of the ways."""
    if routing not in ROUTINGS:
        raise ValueError(f"routing: {routing!r} is not allowed; it must be one of {', '.join(ROUTINGS)}")
    return routing


def checked_instances(instances: int) -> int:
    """A number of instances."""
    try:
        number = operator.index(instances)
    except TypeError:
        number = 0
    if not 1 <= number <= MOST_INSTANCES:
        raise ValueError(
            f"instances: {instances!r} is not allowed; it must be a whole number from 1 to {MOST_INSTANCES}"
        )
    return number

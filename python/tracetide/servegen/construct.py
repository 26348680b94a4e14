"""Generating a workload: the reference's function, on the engine.

What the reference does and a caller can see is kept (`counts="servegen"`, `coupling="comonotonic"`): of
ceil(rate * window) requests whose gaps fill the window from its start the last is dropped, and one random
number decides all fields of a request but the tokens of items. A seed gives other requests than in the
reference.
"""

from __future__ import annotations

import gc
import math
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tracetide.servegen.clientpool import ClientPool, ClientPoolView
from tracetide.servegen.engine import Columns, Slice, generate_columns
from tracetide.servegen.workload_types import ClientWindow

__all__ = ["Request", "generate_workload"]


@dataclass
class Request:
    """One request.

    Attributes:
        request_id: its position in the workload.
        timestamp: seconds from the workload's start.
        data: by field: a number; for tokens of images, audio and video a list of them.
    """

    request_id: int
    timestamp: float
    data: dict[str, Any]


def generate_workload(
    pool: ClientPool | ClientPoolView,
    rate_fn: dict[int, float],
    duration: float,
    seed: int | None = None,
) -> list[Request]:
    """The requests of a pool or view, in order of time.

    Args:
        pool: the clients.
        rate_fn: the total rate in requests/s from each window's start on, in seconds from the view's start.
        duration: seconds.
        seed: from 0 to 2^64 - 1; None: another one each time.

    Raises:
        ValueError: if the duration is not above 0, the times of `rate_fn` are not those of the windows, or a
            client that sends has no distributions.
    """
    if duration <= 0:
        raise ValueError("Duration must be positive")
    if not math.isfinite(duration):
        raise ValueError(f"duration: {duration} is not allowed; it must be finite")
    if seed is None:
        seed = secrets.randbits(63)
    windows = pool.span(0, duration).get()
    if not windows:
        return []
    _check_times(windows, rate_fn, duration)
    columns = generate_columns(_slices(windows, rate_fn), seed)
    with _collection_paused():
        return _requests(columns)


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Without looking for cycles, of which these objects have none: that takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _check_times(windows: list[ClientWindow], rate_fn: dict[int, float], duration: float) -> None:
    expected = sorted({window.timestamp for window in windows})
    got = sorted(ts for ts in rate_fn if 0 <= ts < duration)
    if expected != got:
        raise ValueError(
            f"Rate function timestamps don't match pool timestamps. Expected {expected}, got {got}"
        )


def _slices(windows: list[ClientWindow], rate_fn: dict[int, float]) -> list[Slice]:
    """The windows by time, with the rate of those that can send."""
    groups: dict[float, list[ClientWindow]] = {}
    for window in windows:
        if window.rate:
            groups.setdefault(window.timestamp, []).append(window)
    slices = []
    for ts in sorted(groups):
        group, target = groups[ts], float(rate_fn[ts])  # type: ignore[index]
        if not 0 <= target < math.inf:
            raise ValueError(
                f"rate_fn at {ts}: {target} is not allowed; it must be a finite number from 0 on"
            )
        total = sum(window.rate or 0.0 for window in group)
        sending = [window for window in group if _sends(window, target / total)]
        if sending:
            # Each keeps its share of the whole.
            share = sum(window.rate or 0.0 for window in sending) / total
            slices.append(Slice(ts, sending[0].window_size, target * share, sending))
    return slices


def _sends(window: ClientWindow, factor: float) -> bool:
    """Whether any request is left when the last is dropped."""
    assert window.rate is not None
    if math.ceil(factor * window.rate * window.window_size) < 2:
        return False
    if window.source is None:  # type: ignore[attr-defined]
        raise ValueError(f"No dataset found for client {window.client_id} at timestamp {window.timestamp}")
    return True


def _requests(columns: Columns) -> list[Request]:
    """One object for each, as the interface has it: the only loop over requests."""
    names = list(columns.fields)
    rows: Iterable[tuple[Any, ...]] = zip(
        *(_values(column) for column in columns.fields.values()), strict=True
    )
    times = columns.timestamp.tolist()
    return [
        Request(number, time, dict(zip(names, row, strict=True)))
        for number, (time, row) in enumerate(zip(times, rows, strict=True))
    ]


def _values(column: Any) -> list[Any]:
    if isinstance(column, np.ndarray):
        return list(column.tolist())
    offsets, values = column
    ends, flat = offsets.tolist(), values.tolist()
    return [flat[first:last] for first, last in pairwise(ends)]

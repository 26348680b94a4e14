"""The total request rate of a job, in any of the forms in which a user may give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide.base.durations import parse_time

Time: TypeAlias = "float | str"
Rate: TypeAlias = (
    "float | Mapping[Time, float] | Sequence[float] | Sequence[tuple[Time, float]] "
    "| npt.NDArray[np.float64] | Callable[[float], float]"
)
"""Requests per second: see `tracetide.Job`."""

_FORMS = (
    "a number of requests/s, a mapping {time: rate}, an array with a rate per window of the job, "
    "a list of (time, rate) points, or a function of the time in seconds"
)


def rate_options(rate: Rate, edges_s: Callable[[], npt.NDArray[np.float64]]) -> dict[str, Any]:
    """The core's options for a total rate.

    Args:
        rate: see `tracetide.Job`.
        edges_s: gives the starts of the job's windows and the job's end; called only where needed.

    Returns:
        One of `rate` (float), `rate_steps` (list of float, one per window), `rate_points` (list of
        (seconds, rate)).

    Raises:
        ValueError: naming the value and what is allowed.
    """
    if isinstance(rate, str | bytes | bool) or rate is None:
        raise ValueError(f"rate: {rate!r} is not allowed; it must be {_FORMS}")
    if isinstance(rate, Mapping):
        return {"rate_steps": _steps_of_mapping(rate, edges_s())}
    if callable(rate):
        edges = edges_s()
        return {"rate_steps": [_number(rate(float(t))) for t in (edges[:-1] + edges[1:]) / 2]}
    if not isinstance(rate, Sequence | np.ndarray) or np.shape(rate) == ():
        return {"rate": _number(rate)}
    entries: list[Any] = list(rate)
    if not entries:
        raise ValueError("rate: an empty list is not allowed; it must have at least one rate")
    if all(isinstance(entry, Sequence | np.ndarray) and len(entry) == 2 for entry in entries):
        return {"rate_points": [(parse_time(_plain(t), "rate point"), _number(r)) for t, r in entries]}
    windows = edges_s().size - 1
    if len(entries) != windows:
        raise ValueError(
            f"rate: an array of {len(entries)} rates is not allowed; the job has {windows} windows, "
            "and each needs one"
        )
    return {"rate_steps": [_number(entry) for entry in entries]}


def _steps_of_mapping(rates: Mapping[Time, float], edges: npt.NDArray[np.float64]) -> list[float]:
    """The rate of every window: that of the last entry at or before its start."""
    if not rates:
        raise ValueError("rate: an empty mapping is not allowed; it must have at least one rate")
    points = sorted((parse_time(_plain(time), "rate"), _number(rate)) for time, rate in rates.items())
    times = np.array([time for time, _ in points])
    if times[0] > 0:
        raise ValueError(
            f"rate: a mapping that begins at {times[0]:g} s is not allowed; its first time must be 0, "
            "the job's start"
        )
    nearest = edges[np.searchsorted((edges[:-2] + edges[1:-1]) / 2, times)]
    off = np.flatnonzero(np.abs(nearest - times) > 0.5e-9)
    if off.size:
        wrong, start = times[off[0]], nearest[off[0]]
        raise ValueError(
            f"rate: the time {wrong:g} s is not allowed; it must be the start of a window of the job "
            f"(the nearest one starts at {start:g} s)"
        )
    at = np.searchsorted(times, edges[:-1] + 0.5e-9, side="right") - 1
    return [points[i][1] for i in at]


def _plain(time: Any) -> Any:
    return time if isinstance(time, str) else float(time)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"rate: {value!r} is not allowed; it must be {_FORMS}") from None

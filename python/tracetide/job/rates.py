"""The total request rate of a job, in any of the forms in which a user may give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide.base.durations import parse_time
from tracetide.job.rate_function import points_of_function

Time: TypeAlias = "float | str"
Rate: TypeAlias = (
    "float | Mapping[Time, float] | Sequence[float] | Sequence[tuple[Time, float]] "
    "| npt.NDArray[np.float64] | Callable[[float], float]"
)
"""Requests per second: see `tracetide.Job`."""

_STEP_S = 1e-9
"""How long a step takes where it is given as points."""

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
        return _options_of_mapping(rate, edges_s())
    if callable(rate):
        return {"rate_points": points_of_function(rate, edges_s())}
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


def _options_of_mapping(rates: Mapping[Time, float], edges: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Steps of windows where all times are starts of windows, else points at both sides of every time."""
    if not rates:
        raise ValueError("rate: an empty mapping is not allowed; it must have at least one rate")
    points = sorted((parse_time(_plain(time), "rate"), _number(rate)) for time, rate in rates.items())
    times = np.array([time for time, _ in points])
    if times[0] > 0:
        raise ValueError(
            f"rate: a mapping that begins at {times[0]:g} s is not allowed; its first time must be 0, "
            "the job's start"
        )
    inside = times[times < edges[-1] - _STEP_S]
    nearest = edges[np.searchsorted((edges[:-2] + edges[1:-1]) / 2, inside)]
    if np.all(np.abs(nearest - inside) <= _STEP_S / 2):
        at = np.searchsorted(times, edges[:-1] + _STEP_S / 2, side="right") - 1
        return {"rate_steps": [points[i][1] for i in at]}
    sides = [points[0]]
    for time, rate in points[1:]:
        if time - _STEP_S <= sides[-1][0]:
            raise ValueError(
                f"rate: {time!r} s is not allowed; it must be over 1 ns after the time before it"
            )
        sides += [(time - _STEP_S, sides[-1][1]), (time, rate)]
    return {"rate_points": sides}


def _plain(time: Any) -> Any:
    return time if isinstance(time, str) else float(time)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"rate: {value!r} is not allowed; it must be {_FORMS}") from None

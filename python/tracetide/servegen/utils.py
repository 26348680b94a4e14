"""Rate functions of a pool, samples of distributions, and requests as CSV."""

from __future__ import annotations

import csv
import io
import os
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.io.writing.output import open_output
from tracetide.servegen.clientpool import Cdf, ClientPool, ClientPoolView
from tracetide.servegen.construct import Request

__all__ = [
    "get_bounded_rate_fn",
    "get_constant_rate_fn",
    "get_scaled_rate_fn",
    "sample_from_cdf",
    "save_requests_to_csv",
]


def get_constant_rate_fn(pool: ClientPool | ClientPoolView, target_rate: float) -> dict[int, float]:
    """The same rate at the start of every window; empty if there is no window."""
    return dict.fromkeys(sorted({window.timestamp for window in pool.get()}), target_rate)


def get_scaled_rate_fn(pool: ClientPool | ClientPoolView, scale_factor: float) -> dict[int, float]:
    """The clients' own total at the start of every window in which it is above 0, times a factor."""
    return {ts: rate * scale_factor for ts, rate in _totals(pool).items()}


def get_bounded_rate_fn(pool: ClientPool | ClientPoolView, max_rate: float) -> dict[int, float]:
    """The clients' own total, lowered as a whole if its highest is above `max_rate`."""
    totals = _totals(pool)
    peak = max(totals.values(), default=0.0)
    factor = max_rate / peak if peak > max_rate else 1.0
    return {ts: rate * factor for ts, rate in totals.items()}


def _totals(pool: ClientPool | ClientPoolView) -> dict[int, float]:
    totals: dict[int, float] = {}
    for window in pool.get():
        totals[window.timestamp] = totals.get(window.timestamp, 0.0) + (window.rate or 0.0)
    return {ts: rate for ts, rate in totals.items() if rate > 0}


def sample_from_cdf(
    cdf: Cdf, n_samples: int = 1, rng: np.random.RandomState | None = None
) -> npt.NDArray[Any]:
    """Values of a distribution that `get_cdfs` gave; none if it is empty.

    Args:
        cdf: (values, cumulative probabilities), both ascending.
        n_samples: how many.
        rng: where random numbers come from; None: a new generator.
    """
    values, probabilities = cdf
    if len(values) == 0:
        return np.array([])
    random = (np.random.RandomState() if rng is None else rng).random(n_samples)
    at = np.clip(np.searchsorted(probabilities, random), 0, len(values) - 1)
    found: npt.NDArray[Any] = np.asarray(values)[at]
    return found


def save_requests_to_csv(requests: list[Request], filename: str | os.PathLike[str]) -> None:
    """Write requests as CSV: `request_id`, `timestamp` and the fields of the first one.

    Raises:
        ValueError: if there are none.
        OSError: if the file cannot be written.
    """
    if not requests:
        raise ValueError("No requests to save")
    fields = list(requests[0].data)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["request_id", "timestamp", *fields])
    writer.writerows(
        [request.request_id, request.timestamp, *(request.data[name] for name in fields)]
        for request in requests
    )
    with open_output(filename) as output:
        output.write(text.getvalue().encode())

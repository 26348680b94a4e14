"""ServeGen's model folders: two files for each client, with its rates over time and its lengths.

What a folder cannot hold (correlations, models of sessions and of prompts, noise of rates) is left out; a
table of gaps is written as the Gamma law of its CV. Laws that are no table of values become one: bins as up
to `_VALUES_OF_BIN` values each, quantile functions as `_DRAWS` values of equal probability. Ratios are in the
places of the reference's list, of which it looks at nothing else.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.base.renewal import own_cv
from tracetide.base.vocabulary import EXPONENTIAL, FAMILIES, GAMMA, MISSING, WEIBULL
from tracetide.io.writing.base import Written
from tracetide.io.writing.output import new_folder
from tracetide.profile.gap_table import as_gamma

_VALUES_OF_BIN = 8
_DRAWS = 2048
_MOST_EPOCHS = 10_000
_WINDOW_NS = 600 * NS
"""Of the published folders. BLIS finds windows by when they begin in a day, and no longer ones."""
_RATIOS = 501
"""Places of a list of ratios in the published folders: place i has the key i / 501."""


def write_folder(job: _core.Job, span: tuple[float, float], path: str | os.PathLike[str]) -> Written:
    """Write the job's clients, with the rates that it gives them; nothing is sampled.

    Args:
        job: the core's.
        span: where it begins and ends in the profile, in seconds.
        path: the folder.

    Returns:
        As rows the requests that are expected.

    Raises:
        ValueError: if the job does not begin at the edge of a window.
        OSError: if the folder is there and not empty, or cannot be written.
    """
    total = 0
    with new_folder(path) as folder:
        made = _Folder(job, span)
        for name, text in made.files():
            data = text.encode()
            total += len(data)
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
                os.fsync(file.fileno())
    return Written(round(job.expected), total, made.left_out)


class _Folder:
    """The files of a job's clients."""

    def __init__(self, job: _core.Job, span: tuple[float, float]) -> None:
        self._profile = job.profile
        self._fields = self._profile.fields
        self._ids = self._profile.ids(True)
        starts = np.asarray(job.window_starts_ns)
        self._window_ns = int(starts[1] - starts[0])
        if np.unique(np.diff(starts[:-1])).size > 1:
            raise ValueError(
                "servegen: a job that begins within a window of the profile is not allowed; it must begin at "
                f"a multiple of {self._profile.window_ns / NS:g} s"
            )
        self._profile_windows, self._factors = job.window_factors()
        if self._factors.size == 1:  # a file needs two windows
            self._profile_windows = np.repeat(self._profile_windows, 2)
            self._factors = np.repeat(self._factors, 2)
            self._window_ns //= 2
        if self._window_ns % _WINDOW_NS == 0:
            pieces = self._window_ns // _WINDOW_NS
            self._profile_windows = np.repeat(self._profile_windows, pieces)
            self._factors = np.repeat(self._factors, pieces)
            self._window_ns = _WINDOW_NS
        self._epochs = _epochs(self._profile, span, self._window_ns * self._factors.size)
        self._texts: dict[tuple[int, bool], str] = {}
        self._left_out = set(job.left_out)
        self.left_out = tuple(
            what
            for what, there in (
                ("correlations", len(self._profile.correlations()["client"]) > 0),
                ("sessions", job.conversations),
                ("prefixes", bool(job.prompt_blocks)),
                ("gap_tables", bool(self._profile.gap_tables())),
                ("modulation", bool(self._profile.rate_noise()[1].any())),
            )
            if there
        )

    def files(self) -> Iterator[tuple[str, str]]:
        """Names and contents."""
        cells = self._profile.cells()
        order = np.lexsort((cells["window"], cells["client"]))
        bounds = np.searchsorted(cells["client"][order], np.arange(self._profile.clients + 1))
        number = 0
        for client in range(self._profile.clients):
            rows = order[bounds[client] : bounds[client + 1]]
            if client in self._left_out or not rows.size:
                continue
            yield (
                f"chunk-{number}-trace.csv",
                self._trace({name: column[rows] for name, column in cells.items()}),
            )
            yield f"chunk-{number}-dataset.json", self._dataset(client)
            number += 1

    def _trace(self, cells: dict[str, Any]) -> str:
        at = {int(window): row for row, window in enumerate(cells["window"])}
        families, shapes = as_gamma(self._profile, cells["family"], cells["shape"])
        lines = []
        for number, (window, factor) in enumerate(
            zip(self._profile_windows.tolist(), self._factors.tolist(), strict=True)
        ):
            start = _decimal(number * self._window_ns / NS)
            row = at.get(window)
            rate = 0.0 if row is None else float(cells["rate"][row]) * factor
            if row is None or rate == 0:
                lines.append(f"{start},0.0,0.0,,0.0,0.0\n")
                continue
            shape, cv = float(shapes[row]), float(cells["cv"][row])
            family = int(families[row])
            if family == EXPONENTIAL:  # which the reference does not know
                family, shape, cv = GAMMA, 1.0, 1.0
            cv = cv if math.isfinite(cv) else own_cv(family, shape)
            scale = _scale(family, shape, rate)
            lines.append(f"{start},{rate!r},{cv!r},{FAMILIES[family]},{shape!r},{scale!r}\n")
        return "".join(lines)

    def _dataset(self, client: int) -> str:
        epochs = {}
        for start, epoch in self._epochs:
            ids = self._ids[epoch, client]
            epochs[_decimal(start / NS)] = {
                field: self._text(int(id), is_ratio=field == "reason_ratio")
                for field, id in zip(self._fields, ids, strict=True)
                if int(id) != MISSING
            }
        return json.dumps(epochs)

    def _text(self, id: int, *, is_ratio: bool) -> str:
        key = id, is_ratio
        if key not in self._texts:
            found = self._profile.distribution(id)
            values, probabilities = _ratios(found) if is_ratio else _table(found)
            pairs = zip(values.tolist(), probabilities.tolist(), strict=True)
            self._texts[key] = "{" + ", ".join(f"{value}: {p!r}" for value, p in pairs) + "}"
        return self._texts[key]


def _epochs(profile: _core.Profile, span: tuple[float, float], end_ns: int) -> list[tuple[int, int]]:
    """Starts in the job's time, ns, and epochs of the profile."""
    begin, length = round(span[0] * NS), round((span[1] - span[0]) * NS)
    step = math.gcd(profile.epoch_ns, begin, *([length] if end_ns > length else []))
    if end_ns > step * _MOST_EPOCHS:
        raise ValueError(
            f"servegen: the job begins within an epoch of the profile and would need lengths every "
            f"{step / NS:g} s; begin it at a multiple of {profile.epoch_ns / NS:g} s"
        )
    return [
        (start, (begin + start % length) // profile.epoch_ns % profile.epochs)
        for start in range(0, end_ns, step)
    ]


def _table(found: dict[str, Any]) -> tuple[Any, Any]:
    """A distribution as values and their probabilities."""
    values = np.asarray(found["values"])
    if found["kind"] in ("integer_pmf", "real_pmf"):
        return values, np.asarray(found["probabilities"])
    if found["kind"] == "bins":
        return _table_of_bins(values, np.asarray(found["probabilities"]), int(found["maximum"]))
    drawn = np.clip(np.floor(_drawn(found) + 0.5), found["minimum"], found["maximum"]).astype(np.int64)
    unique, counts = np.unique(drawn, return_counts=True)
    return unique, counts / _DRAWS


def _ratios(found: dict[str, Any]) -> tuple[Any, Any]:
    """A distribution of ratios as a probability of every place, also of those that never come."""
    if found["kind"] == "real_pmf":
        values, probabilities = np.asarray(found["values"]), np.asarray(found["probabilities"])
    else:
        values = np.clip(_drawn(found), found["minimum"], found["maximum"])
        probabilities = np.full(_DRAWS, 1 / _DRAWS)
    places = np.minimum(np.rint(values * _RATIOS).astype(np.int64), _RATIOS - 1)
    return np.arange(_RATIOS) / _RATIOS, np.bincount(places, probabilities, _RATIOS)


def _drawn(found: dict[str, Any]) -> Any:
    """Values of equal probability of a quantile function."""
    values = np.asarray(found["values"])
    uniforms = (np.arange(_DRAWS) + 0.5) / _DRAWS
    return np.interp(uniforms, np.linspace(0, 1, values.size), values)


def _table_of_bins(starts: Any, probabilities: Any, maximum: int) -> tuple[Any, Any]:
    widths = np.diff(np.append(starts.astype(np.int64), maximum + 1))
    pieces = np.minimum(widths, _VALUES_OF_BIN)
    rows = np.repeat(np.arange(starts.size), pieces)
    within = np.arange(rows.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    # The middle of as many equal parts.
    values = starts[rows] + (2 * within + 1) * widths[rows] // (2 * pieces[rows])
    return values, (probabilities / pieces)[rows]


def _scale(family: int, shape: float, rate: float) -> float:
    """Of gaps with a mean of 1 / rate; readers that go by rate and shape need none."""
    if family == GAMMA:
        return 1 / (rate * shape)
    if family == WEIBULL:
        return 1 / (rate * math.gamma(1 + 1 / shape)) if shape > 0.01 else 0.0
    return 1 / rate


def _decimal(seconds: float) -> str:
    """Whole seconds without a point."""
    return str(int(seconds)) if seconds == int(seconds) else repr(seconds)

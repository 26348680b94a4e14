"""What tracetide is compared with: the same work in NumPy and in plain Python.

`numpy_vectorised` is what a careful user of NumPy writes: array operations per client and window, then a
stable sort of the window. `reference_algorithm` works as ServeGen does, by its published description: an
object per request, fields looked up one by one, one sort at the end. Both are our own code, and both get
their input ready-made as a plan, so that only generating is timed.
"""

from __future__ import annotations

import ast
import csv
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tracetide as tt
from profiles import EXPONENTIAL, GAMMA, Floats

KINDS = ("image", "audio", "video")
Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Law:
    """A PMF, ready for look-ups by the cumulative probability."""

    values: npt.NDArray[Any]
    cumulative: Floats

    def draw(self, rng: np.random.Generator, size: int) -> npt.NDArray[Any]:
        """`size` independent values."""
        return self.values[np.searchsorted(self.cumulative, rng.random(size), side="right")]

    def at(self, u: float) -> Any:
        """The value at level u."""
        return self.values[self.cumulative.searchsorted(u, side="right")]


@dataclass(frozen=True)
class ClientWindow:
    """What decides the requests of a client in a window."""

    client: int
    expected: float
    family: int
    shape: float
    laws: dict[str, Law]


@dataclass(frozen=True)
class Window:
    """A window of a plan."""

    start_s: float
    length_s: float
    clients: list[ClientWindow]

    @property
    def expected(self) -> float:
        """Requests."""
        return sum(client.expected for client in self.clients)


def plan(
    pool: tt.ClientPool, *, rate: float | None = None, windows: int, requests: float = math.inf
) -> Iterator[Window]:
    """The first windows of a pool, until `windows` or `requests` are reached; `rate=None`: its own rates."""
    laws = _Laws(pool)
    profile = pool.profile
    cells = profile.cells()
    order = np.argsort(cells["window"], kind="stable")
    bounds = np.searchsorted(cells["window"][order], np.arange(profile.windows + 1))
    made = 0.0
    for number in range(windows):
        if made >= requests:
            return
        at = number % profile.windows
        rows = [i for i in order[bounds[at] : bounds[at + 1]] if laws.has(int(cells["client"][i]))]
        own = cells["rate"][rows]
        factor = 1.0 if rate is None or not rows else rate / own.sum()
        epoch = at * profile.window_ns // profile.epoch_ns
        window = Window(
            number * pool.window,
            pool.window,
            [
                ClientWindow(
                    int(cells["client"][i]),
                    float(cells["rate"][i]) * factor * pool.window,
                    int(cells["family"][i]),
                    float(cells["shape"][i]),
                    laws.of(epoch, int(cells["client"][i])),
                )
                for i in rows
            ],
        )
        made += window.expected
        yield window


class _Laws:
    """The distributions of a pool, each made once."""

    def __init__(self, pool: tt.ClientPool) -> None:
        self._profile = pool.profile
        self._fields = pool.fields
        self._laws: dict[int, Law] = {}
        self._sets: dict[tuple[int, int], dict[str, Law]] = {}

    def has(self, client: int) -> bool:
        return self._profile.resolved(0, client, self._fields[0]) is not None

    def of(self, epoch: int, client: int) -> dict[str, Law]:
        key = (epoch, client)
        if key not in self._sets:
            self._sets[key] = {name: self._law(epoch, client, name) for name in self._fields}
        return self._sets[key]

    def _law(self, epoch: int, client: int, field: str) -> Law:
        number = self._profile.resolved(epoch, client, field)
        assert number is not None, "clients without lengths are left out"
        if number not in self._laws:
            self._laws[number] = _law(self._profile.distribution(number))
        return self._laws[number]


def _law(distribution: dict[str, Any]) -> Law:
    if distribution["kind"] == "quantiles":
        # As a PMF of its middles, which costs a peer the same as an empirical one.
        knots = distribution["values"]
        middles = np.floor((knots[:-1] + knots[1:]) / 2 + 0.5).astype(np.int64)
        return Law(middles, np.arange(1, middles.size + 1) / middles.size)
    cumulative = np.cumsum(distribution["probabilities"])
    cumulative /= cumulative[-1]
    values = distribution["values"]
    return Law(values.astype(np.int64) if distribution["kind"] == "integer_pmf" else values, cumulative)


# NumPy, vectorised per client and window


def numpy_vectorised(windows: list[Window], seed: int = 0) -> int:
    """Makes all windows, one after the other as a consumer of a stream would have them; returns requests."""
    rng = np.random.default_rng(seed)
    return sum(numpy_window(window, rng)["timestamp"].size for window in windows)


def numpy_window(window: Window, rng: np.random.Generator) -> Columns:
    """The columns of a window in time order, with pinned counts and independent fields."""
    expected = np.array([client.expected for client in window.clients])
    counts = np.diff(np.floor(np.concatenate([[0.0], np.cumsum(expected)]) + rng.random())).astype(np.int64)
    pieces = [
        _numpy_client(window, client, int(count), rng)
        for client, count in zip(window.clients, counts, strict=True)
        if count
    ]
    return numpy_merge(pieces) if pieces else {"timestamp": np.empty(0)}


def _numpy_client(window: Window, client: ClientWindow, count: int, rng: np.random.Generator) -> Columns:
    laws = client.laws
    columns: Columns = {
        "timestamp": window.start_s
        + numpy_arrivals(client.family, client.shape, count, window.length_s, rng),
        "client_id": np.full(count, client.client, dtype=np.uint32),
        "output_tokens": laws["output_tokens"].draw(rng, count),
    }
    if "text_tokens" not in laws:
        columns["input_tokens"] = laws["input_tokens"].draw(rng, count)
        if "reason_ratio" in laws:
            ratio = laws["reason_ratio"].draw(rng, count)
            columns["reason_tokens"] = np.floor(ratio * columns["output_tokens"] + 0.5).astype(np.int64)
        return columns
    columns["text_tokens"] = laws["text_tokens"].draw(rng, count)
    columns["input_tokens"] = columns["text_tokens"].copy()
    for kind in KINDS:
        items = laws[f"{kind}_count"].draw(rng, count)
        tokens = laws[f"{kind}_tokens"].draw(rng, int(items.sum()))
        running = np.concatenate([[0], np.cumsum(tokens)])
        ends = np.cumsum(items)
        columns[f"{kind}_count"] = items
        columns[f"{kind}_tokens"] = tokens
        columns["input_tokens"] += running[ends] - running[ends - items]
    return columns


def numpy_arrivals(family: int, shape: float, count: int, length: float, rng: np.random.Generator) -> Floats:
    """`count` gaps on a circle of the window's length, entered at a uniform phase: ascending times."""
    at = np.cumsum(_gaps(family, shape, count, rng))
    at *= length / at[-1]
    at += rng.random() * length
    first = int(np.searchsorted(at, length))
    return np.concatenate([at[first:] - length, at[:first]])


def _gaps(family: int, shape: float, count: int, rng: np.random.Generator) -> Floats:
    if family == EXPONENTIAL:
        return rng.standard_exponential(count)
    return rng.standard_gamma(shape, count) if family == GAMMA else rng.weibull(shape, count)


def numpy_merge(pieces: list[Columns]) -> Columns:
    """Pieces with ascending times, in time order; a stable sort finds and merges the ascending runs."""
    whole = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    order = np.argsort(whole["timestamp"], kind="stable")
    items = {f"{kind}_tokens" for kind in KINDS}
    merged = {name: column[order] for name, column in whole.items() if name not in items}
    for name in items & whole.keys():
        lengths = whole[name.replace("tokens", "count")]
        begin = (np.cumsum(lengths) - lengths)[order]
        lengths = lengths[order]
        target = np.cumsum(lengths) - lengths
        merged[name] = whole[name][np.repeat(begin - target, lengths) + np.arange(lengths.sum())]
    return merged


# The reference's way


@dataclass
class Request:
    """A request as the reference holds it: an object with a dictionary of its data."""

    request_id: int
    timestamp: float
    data: dict[str, Any]


def reference_algorithm(windows: list[Window], seed: int = 0) -> list[Request]:
    """All requests in time order: per client, window and request, then one sort of everything."""
    rng = np.random.default_rng(seed)
    requests: list[Request] = []
    for window in windows:
        for client in window.clients:
            fields = _ReferenceFields(client.laws)
            for timestamp in _reference_arrivals(window, client, rng).tolist():
                requests.append(Request(0, timestamp, fields.draw(rng)))
    requests.sort(key=lambda request: request.timestamp)
    for number, request in enumerate(requests):
        request.request_id = number
    return requests


def _reference_arrivals(window: Window, client: ClientWindow, rng: np.random.Generator) -> Floats:
    """ceil(expected) gaps that fill the window from its start; the last arrival is dropped."""
    gaps = _gaps(client.family, client.shape, math.ceil(client.expected), rng)
    at = np.cumsum(gaps)[:-1]
    return window.start_s + at * (window.length_s / gaps.sum())


class _ReferenceFields:
    """The data of requests that share their distributions, made one by one."""

    def __init__(self, laws: dict[str, Law]) -> None:
        self._items = [
            (f"{kind}_tokens", laws[f"{kind}_count"], laws[f"{kind}_tokens"])
            for kind in KINDS
            if f"{kind}_count" in laws
        ]
        self._single = [(name, law) for name, law in laws.items() if not name.startswith(KINDS)]

    def draw(self, rng: np.random.Generator) -> dict[str, Any]:
        """One uniform for all fields of the request; items have their own."""
        u = rng.random()
        data: dict[str, Any] = {name: law.at(u) for name, law in self._single}
        for name, count_law, token_law in self._items:
            count = count_law.at(u)
            data[name] = token_law.draw(rng, count).tolist() if count else []
        if "reason_ratio" in data:
            data["reason_tokens"] = round(data["reason_ratio"] * data["output_tokens"])
        return data


def reference_load(folder: Path) -> tuple[list[list[Any]], list[dict[int, dict[str, Law]]]]:
    """Reads a ServeGen folder as the reference does: csv, json, and a Python literal for every PMF."""
    traces = []
    datasets = []
    for path in sorted(folder.glob("chunk-*-trace.csv")):
        with path.open(newline="") as lines:
            traces.append([[*map(float, row[:3]), row[3], *map(float, row[4:])] for row in csv.reader(lines)])
        dataset = path.with_name(path.name.replace("trace.csv", "dataset.json"))
        if dataset.is_file():
            datasets.append(_reference_dataset(json.loads(dataset.read_text())))
    return traces, datasets


def _reference_dataset(raw: dict[str, dict[str, str]]) -> dict[int, dict[str, Law]]:
    return {
        int(start): {name: _literal_pmf(text) for name, text in fields.items() if text != "{}"}
        for start, fields in raw.items()
    }


def _literal_pmf(text: str) -> Law:
    pmf = ast.literal_eval(text)
    values = sorted(pmf)
    return Law(np.array(values), np.cumsum([pmf[value] for value in values]))

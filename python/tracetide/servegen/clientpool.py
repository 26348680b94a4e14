"""Clients, pools of them, and views of pools."""

from __future__ import annotations

import ast
import csv
import json
import math
import numbers
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.servegen.datasets import Dataset, Statistics
from tracetide.servegen.workload_types import ArrivalPat, Category, ClientWindow

__all__ = ["Client", "ClientPool", "ClientPoolView"]

Cdf: TypeAlias = "tuple[npt.NDArray[Any], npt.NDArray[Any]]"
Trace: TypeAlias = "dict[int, dict[str, Any] | None]"

_PATTERNS = tuple(pattern.value for pattern in ArrivalPat)
_DATASET_FILE = re.compile(r"chunk-(\d+)-dataset\.json")
_STATISTICS = ("avg", "p50", "p95", "p99")


@dataclass
class Client:
    """One client's data.

    Attributes:
        client_id: its number.
        trace: by start of each window in seconds: {"rate", "cv", "pat"}, or None while it is idle.
        dataset: by start in seconds: from then on, the probability of each number from 0 on, by field.
    """

    client_id: int
    trace: Trace
    dataset: dict[int, dict[str, list[float]]]

    def validate(self) -> None:
        """Check it all.

        Raises:
            ValueError: naming the time and what is wrong.
        """
        if sorted(self.trace) != list(self.trace):
            raise ValueError("Trace timestamps must be in ascending order")
        for ts, window in self.trace.items():
            if window is not None:
                _validate_window(ts, window)
        if sorted(self.dataset) != list(self.dataset):
            raise ValueError("Dataset timestamps must be in ascending order")
        for ts, fields in self.dataset.items():
            if not isinstance(fields, dict):
                raise ValueError(f"Dataset at {ts} must be a dictionary")
            for field, pdf in fields.items():
                _validate_pdf(ts, field, pdf)

    def dataset_at(self, ts: float) -> Dataset | None:
        """The distributions from the last time at or before `ts`."""
        times = list(self.dataset)
        at = bisect_right(times, ts) - 1
        fields = self.dataset[times[at]] if at >= 0 else None
        if not fields:
            return None
        known: dict[int, tuple[Any, Dataset]] = self.__dict__.setdefault("_datasets", {})
        if id(fields) not in known:
            # With the dictionary itself, so that its id stays its own.
            known[id(fields)] = fields, Dataset.of(fields)
        return known[id(fields)][1]


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real)


def _validate_window(ts: int, window: Any) -> None:
    if not isinstance(window, dict):
        raise ValueError(f"Trace data at {ts} must be a dictionary")
    missing = {"rate", "cv", "pat"} - set(window)
    if missing:
        raise ValueError(f"Trace data at {ts} missing required fields: {missing}")
    if not _is_number(window["rate"]) or not 0 <= window["rate"] < math.inf:
        raise ValueError(f"Rate at {ts} must be a non-negative number")
    if not _is_number(window["cv"]) or not window["cv"] >= 0:
        raise ValueError(f"CV at {ts} must be a non-negative number")
    pattern = window["pat"]
    if not isinstance(pattern, tuple | list) or len(pattern) != 2:
        raise ValueError(f"Pattern at {ts} must be a tuple/list of (name, params) {pattern}")
    if pattern[0] not in _PATTERNS:
        raise ValueError(f"Invalid arrival pattern at {ts}: {pattern[0]}")
    if not isinstance(pattern[1], tuple | list) or not pattern[1] or not _is_number(pattern[1][0]):
        raise ValueError(f"Pattern at {ts} must have a shape: (name, (shape, scale)), not {pattern}")


def _validate_pdf(ts: int, field: str, pdf: Any) -> None:
    if not isinstance(pdf, list):
        raise ValueError(f"PDF for {field} at {ts} must be a list")
    if not all(map(_is_number, pdf)):
        raise ValueError(f"PDF values for {field} at {ts} must be numbers")
    if not all(p >= 0 for p in pdf):
        raise ValueError(f"PDF values for {field} at {ts} must be non-negative")
    if not np.isclose(sum(pdf), 1.0, atol=1e-6):
        raise ValueError(f"PDF for {field} at {ts} must sum to 1.0")


class _RecordedClient(Client):
    """A client of a model folder, of which lists are made only when they are looked at."""

    def __init__(self, client_id: int, folder: str, profile: _core.Profile, number: int) -> None:
        self.client_id = client_id
        self._folder = folder
        self._profile = profile
        self._number = number

    @cached_property
    def trace(self) -> Trace:  # type: ignore[override]
        path = os.path.join(self._folder, f"chunk-{self.client_id}-trace.csv")
        windows: Trace = {}
        with open(path, newline="", encoding="utf-8") as file:
            for start, rate, cv, name, shape, scale in csv.reader(file):
                windows[_whole(start)] = (
                    {"rate": float(rate), "cv": float(cv), "pat": (name, (float(shape), float(scale)))}
                    if name
                    else None
                )
        return windows

    @cached_property
    def dataset(self) -> dict[int, dict[str, list[float]]]:  # type: ignore[override]
        return {_whole(str(ts)): found.lists() for ts, found in self._recorded}

    @cached_property
    def _recorded(self) -> list[tuple[float, Dataset]]:
        profile = self._profile
        ratios = self._ratios() if profile.category == Category.REASON.value else {}
        found = []
        for epoch in range(profile.epochs):
            ts = epoch * profile.epoch_ns / NS
            dataset = Dataset.recorded(profile, epoch, self._number, ratios.get(ts))
            if dataset is not None:
                found.append((ts, dataset))
        return found

    def _ratios(self) -> dict[float, list[float]]:
        """The lists of `reason_ratio` by time, of the file: the core keeps only ratios that come."""
        path = os.path.join(self._folder, f"chunk-{self.client_id}-dataset.json")
        with open(path, encoding="utf-8") as file:
            texts = {float(ts): fields.get("reason_ratio", "{}") for ts, fields in json.load(file).items()}
        return {ts: list(ast.literal_eval(text).values()) for ts, text in texts.items()}

    def dataset_at(self, ts: float) -> Dataset | None:
        at = bisect_right(self._recorded, ts, key=lambda entry: entry[0]) - 1
        return self._recorded[at][1] if at >= 0 else None


def _whole(text: str) -> int:
    number = float(text)
    return int(number) if number == int(number) else number  # type: ignore[return-value]


class _Window(ClientWindow):
    """A window whose lists are made only when they are looked at."""

    source: Dataset | None

    @property
    def dataset(self) -> dict[str, list[float]] | None:
        return self.source.lists() if self.source is not None else None

    @dataset.setter
    def dataset(self, lists: dict[str, list[float]] | None) -> None:
        self.source = Dataset.of(lists) if lists else None

    def statistics(self, field: str) -> Statistics | None:
        return self.source.statistics(field) if self.source is not None else None


class _Filters:
    """Filters by name, which pools and views share."""

    def filter(self, condition: Callable[[ClientWindow], bool]) -> ClientPoolView:
        """Only windows for which `condition` is true."""
        raise NotImplementedError

    def filter_by_cv(self, min_cv: float, max_cv: float) -> ClientPoolView:
        """Only windows whose CV is from `min_cv` to `max_cv`."""
        return self.filter(lambda window: window.cv is not None and min_cv <= window.cv <= max_cv)

    def filter_by_avg_input_len(self, min_len: float, max_len: float) -> ClientPoolView:
        """Only windows whose mean input is from `min_len` to `max_len` tokens."""
        return self._filter_by("input_tokens", lambda found: min_len <= found.avg <= max_len)

    def filter_by_avg_output_len(self, min_len: float, max_len: float) -> ClientPoolView:
        """Only windows whose mean output is from `min_len` to `max_len` tokens."""
        return self._filter_by("output_tokens", lambda found: min_len <= found.avg <= max_len)

    def filter_by_max_input_len(self, max_len: float) -> ClientPoolView:
        """Only windows whose longest input is at most `max_len` tokens."""
        return self._filter_by("input_tokens", lambda found: found.last <= max_len)

    def filter_by_max_output_len(self, max_len: float) -> ClientPoolView:
        """Only windows whose longest output is at most `max_len` tokens."""
        return self._filter_by("output_tokens", lambda found: found.last <= max_len)

    def _filter_by(self, field: str, condition: Callable[[Statistics], bool]) -> ClientPoolView:
        def accepts(window: ClientWindow) -> bool:
            assert isinstance(window, _Window)
            found = window.statistics(field)
            return found is not None and condition(found)

        return self.filter(accepts)


class ClientPool(_Filters):
    """A model's clients.

    Attributes:
        category, model, base_dir: as given.
        clients: by number.
    """

    def __init__(
        self,
        category: Category,
        model: str,
        clients: dict[int, Client] | None = None,
        base_dir: str = "data",
    ) -> None:
        """The clients given, or those of a model folder.

        Args:
            category: of the workload.
            model: its name.
            clients: by number; None: read them.
            base_dir: the folder with `<category>/<model>`. If it is not there, `$TRACETIDE_DATA`, its `data`
                and its `servegen` are looked into.

        Raises:
            ValueError: if there is no such folder, or its data or the clients are not sound.
        """
        self.category = category
        self.model = model
        self.base_dir = base_dir
        if clients is None:
            self.clients = dict(_read_clients(self._find_folder()))
        else:
            self.clients = clients
            self.validate()

    @classmethod
    def from_clients(cls, category: Category, model: str, clients: list[Client]) -> ClientPool:
        """A pool of clients made by hand.

        Raises:
            ValueError: if two have one number, or one is not sound.
        """
        by_id: dict[int, Client] = {}
        for client in clients:
            if client.client_id in by_id:
                raise ValueError(f"Duplicate client ID: {client.client_id}")
            by_id[client.client_id] = client
        return cls(category, model, clients=by_id)

    def validate(self) -> None:
        """Check all clients, and that their times agree.

        Raises:
            ValueError: naming the client or time and what is wrong.
        """
        for client in self.clients.values():
            client.validate()
        if not self.clients:
            raise ValueError("a pool needs at least one client")
        expected = set(next(iter(self.clients.values())).trace)
        for client_id, client in self.clients.items():
            times = set(client.trace)
            if times != expected:
                raise ValueError(
                    f"Client {client_id} has different trace timestamps than the first client. "
                    f"Expected {sorted(expected)}, got {sorted(times)}"
                )
        for client_id, client in self.clients.items():
            extra = set(client.dataset) - expected
            if extra:
                raise ValueError(
                    f"Client {client_id} has dataset timestamps that are not in trace timestamps: "
                    f"{sorted(extra)}"
                )

    def span(self, start_time: float, end_time: float) -> ClientPoolView:
        """A view of the windows between two times in seconds, of which the first becomes 0."""
        return ClientPoolView(self, start_time, end_time)

    def filter(self, condition: Callable[[ClientWindow], bool]) -> ClientPoolView:
        """A view of the windows for which `condition` is true."""
        return self._all().filter(condition)

    def get(self) -> list[ClientWindow]:
        """All windows."""
        return self._all().get()

    def get_cdfs(self) -> dict[str, Any]:
        """Distributions across clients; see `ClientPoolView.get_cdfs`."""
        return self._all().get_cdfs()

    def _all(self) -> ClientPoolView:
        return ClientPoolView(self, 0, math.inf)

    def _find_folder(self) -> str:
        bases = [self.base_dir]
        if "TRACETIDE_DATA" in os.environ:
            data = os.environ["TRACETIDE_DATA"]
            bases += [data, os.path.join(data, "data"), os.path.join(data, "servegen")]
        folders = [os.path.join(base, self.category.value, self.model) for base in bases]
        for folder in folders:
            if os.path.isdir(folder):
                return folder
        raise ValueError(f"Data directory not found: {folders[0]}")


class ClientPoolView(_Filters):
    """A pool's windows within a span that pass all filters. Filtering changes the view, as in the reference.

    Attributes:
        pool: whose windows.
        start_time, end_time: the span in seconds of the pool's time.
        filters: functions of a window, all of which must be true.
    """

    def __init__(self, pool: ClientPool, start_time: float, end_time: float) -> None:
        self.pool = pool
        self.start_time = start_time
        self.end_time = end_time
        self.filters: list[Callable[[ClientWindow], bool]] = []

    def span(self, start_time: float, end_time: float) -> ClientPoolView:
        """A view of the windows between two times in seconds from this view's start, with its filters."""
        view = ClientPoolView(self.pool, self.start_time + start_time, self.start_time + end_time)
        view.filters = self.filters.copy()
        return view

    def filter(self, condition: Callable[[ClientWindow], bool]) -> ClientPoolView:
        """Add a condition to this very view, and return it."""
        self.filters.append(condition)
        return self

    def get(self) -> list[ClientWindow]:
        """The windows, client by client; clients that are idle in all of them are left out."""
        found: list[ClientWindow] = []
        for client in self.pool.clients.values():
            windows = [
                window
                for window in self._windows(client)
                if all(condition(window) for condition in self.filters)
            ]
            if any(window.rate is not None for window in windows):
                found.extend(windows)
        return found

    def _windows(self, client: Client) -> Iterator[_Window]:
        """A window at a time ends where the next begins, the last one never."""
        starts = list(client.trace)
        for ts, end in zip(starts, [*starts, math.inf][1:], strict=True):
            if end <= self.start_time or ts >= self.end_time:
                continue
            first = max(ts, self.start_time)
            data = client.trace[ts]
            window = _Window(
                client.client_id,
                first - self.start_time,  # type: ignore[arg-type]
                min(end, self.end_time) - first,  # type: ignore[arg-type]
                *((data["rate"], data["cv"], data["pat"]) if data else ()),
            )
            window.source = client.dataset_at(ts)
            yield window

    def get_cdfs(self) -> dict[str, Any]:
        """Distributions across clients.

        Returns:
            By "rate" and "cv": {time: (values, probabilities)}; by field: {"avg", "p50", "p95", "p99"}, each
            of which is such a mapping. Rates count clients alike, all others weigh them by rate. Empty if
            there are no windows.
        """
        windows = self.get()
        if not windows:
            return {}
        by_time: dict[int, list[_Window]] = {}
        for window in windows:
            assert isinstance(window, _Window)
            by_time.setdefault(window.timestamp, []).append(window)
        fields = {
            field for group in by_time.values() for one in group if one.source for field in one.source.pdfs
        }
        result: dict[str, Any] = {"rate": {}, "cv": {}}
        result |= {field: {name: {} for name in _STATISTICS} for field in sorted(fields)}
        for ts, group in by_time.items():
            rates = np.sort([window.rate for window in group if window.rate is not None])
            cvs = [(window.cv, window.rate) for window in group if window.cv is not None]
            if rates.size:
                result["rate"][ts] = rates, np.arange(1, rates.size + 1) / rates.size
            if cvs:
                result["cv"][ts] = _weighted_cdf(*zip(*cvs, strict=True))
            for field in fields:
                pairs = [
                    (found, window.rate or 0.0)
                    for window in group
                    if (found := window.statistics(field)) is not None
                ]
                if pairs:
                    statistics, weights = zip(*pairs, strict=True)
                    for position, name in enumerate(_STATISTICS):
                        result[field][name][ts] = _weighted_cdf(
                            [one[position] for one in statistics], weights
                        )
        return result


def _weighted_cdf(values: Any, weights: Any) -> Cdf:
    values, weights = np.asarray(values), np.asarray(weights, dtype=np.float64)
    total = weights.sum()
    if total == 0:
        return np.array([]), np.array([])
    order = np.lexsort((weights, values))
    return values[order], np.cumsum(weights[order] / total)


def _read_clients(folder: str) -> Iterator[tuple[int, Client]]:
    """Clients that have a dataset file; the core reads and checks all files at once."""
    found = sorted(int(match[1]) for name in os.listdir(folder) if (match := _DATASET_FILE.fullmatch(name)))
    if not found:
        raise ValueError(f"{folder}: there are no chunk-<i>-dataset.json files")
    for client_id in found:
        trace_file = f"chunk-{client_id}-trace.csv"
        if not os.path.isfile(os.path.join(folder, trace_file)):
            raise ValueError(f"Trace file not found for client {client_id}: {trace_file}")
    profile = _core.Profile.read_servegen(folder)
    cells = profile.cells()
    exponential = np.flatnonzero(cells["family"] == 0)
    if exponential.size:
        ts = int(cells["window"][exponential[0]]) * profile.window_ns // NS
        raise ValueError(f"Invalid arrival pattern at {ts}: Exponential")
    numbers = {name: number for number, name in enumerate(profile.client_names)}
    for client_id in found:
        yield client_id, _RecordedClient(client_id, folder, profile, numbers[f"chunk-{client_id}"])

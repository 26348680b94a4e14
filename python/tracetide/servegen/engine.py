"""From windows of clients to a job of the engine, and its columns back to the fields of the datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.base.grid import NS
from tracetide.base.vocabulary import FAMILIES, FIELDS, ITEM_FIELDS, MISSING
from tracetide.job import Job
from tracetide.profile.pool import ClientPool
from tracetide.servegen.datasets import Dataset, Pdf
from tracetide.servegen.workload_types import ClientWindow

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Slice:
    """The windows of all clients at one time that send at least one request.

    Attributes:
        start, size: seconds.
        rate: their total, requests/s.
        windows: of the clients.
    """

    start: float
    size: float
    rate: float
    windows: list[ClientWindow]


@dataclass
class Columns:
    """Requests in order of time; a field is an array, or offsets and values of lists."""

    timestamp: Floats = field(default_factory=lambda: np.empty(0))
    fields: dict[str, Any] = field(default_factory=dict)


def generate_columns(slices: list[Slice], seed: int) -> Columns:
    """All requests of these slices.

    Slices on a regular grid are one job; any others are a job each, with a seed of its own.
    """
    if not slices:
        return Columns()
    grid = _Grid.of(slices)
    if grid is not None:
        return _run(slices, grid, seed)
    parts = []
    for number, one in enumerate(slices):
        own = int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0])
        only = _Grid(one.size, one.start)
        parts.append(_run([one], only, own))
    return _joined(parts)


@dataclass(frozen=True)
class _Grid:
    """Windows of one length; the first may begin and the last may end within one."""

    step: float
    origin: float

    @staticmethod
    def of(slices: list[Slice]) -> _Grid | None:
        """The grid on which these slices are; None if there is none."""
        step = max(one.size for one in slices)
        whole = next(one for one in slices if one.size == step)
        origin = whole.start - step * np.ceil((whole.start - slices[0].start) / step)
        grid = _Grid(step, float(origin))
        for number, one in enumerate(slices):
            begin, end = grid.place(one.start), grid.place(one.start + one.size)
            cut_before = begin != round(begin) and number > 0
            cut_after = end != round(end) and number < len(slices) - 1
            if cut_before or cut_after or np.ceil(end) - np.floor(begin) != 1:
                return None
        return grid

    def place(self, time: float) -> float:
        return (time - self.origin) / self.step


def _run(slices: list[Slice], grid: _Grid, seed: int) -> Columns:
    """One job for every few fields: with one seed they have the same requests, and the same random number."""
    names = _field_names(slices)
    windows = np.floor([grid.place(one.start) for one in slices]).astype(np.int64)
    start = slices[0].start
    span = start - grid.origin, slices[-1].start + slices[-1].size - grid.origin
    rates = np.zeros(int(windows[-1]) + 1)
    rates[windows] = [one.rate for one in slices]
    found: dict[str, Any] = {}
    timestamp: Floats = np.empty(0)
    for plan in _plans(names, slices):
        profile = _profile(slices, windows, grid, plan)
        pool = ClientPool(profile, name="servegen", start=span[0], end=span[1])
        job = Job(
            pool,
            rate=rates[int(windows[0]) :],
            duration=span[1] - span[0],
            seed=seed,
            counts="servegen",
            coupling="comonotonic",
        )
        trace = job.generate()
        timestamp = trace.timestamp + start
        found |= plan.columns(trace)
    shown = [name for name in names if not name.endswith("_count")]
    return Columns(timestamp, {name: found[name] for name in shown})


def _field_names(slices: list[Slice]) -> list[str]:
    names: list[str] | None = None
    for one in slices:
        for window in one.windows:
            own = list(_source(window).pdfs)
            if names is None:
                names = own
            elif set(own) != set(names):
                raise ValueError(
                    f"Client {window.client_id} at timestamp {window.timestamp} has the fields {own}, others "
                    f"have {names}; all must have the same"
                )
    assert names is not None
    items = [name for name in ITEM_FIELDS if name in names]
    if "image_count" in names and len(items) < len(ITEM_FIELDS):
        missing = [name for name in ITEM_FIELDS if name not in names]
        raise ValueError(f"the fields {', '.join(missing)} are missing; with image_count all are needed")
    return names


def _source(window: ClientWindow) -> Dataset:
    source: Dataset | None = window.source  # type: ignore[attr-defined]
    assert source is not None
    return source


@dataclass(frozen=True)
class _Plan:
    """Which field of the datasets goes into which field of the engine.

    Attributes:
        category: of the profile.
        slots: by field of the engine; None for one that is always 0.
        ratios: what the whole numbers that stand for ratios are.
    """

    category: str
    slots: dict[str, str | None]
    ratios: Floats

    def add(self, builder: _core.ProfileBuilder, dataset: Dataset, slot: str) -> int:
        """Add the distribution of a slot; its number."""
        name = self.slots[slot]
        if name is None:
            return builder.add_integer_pmf(np.zeros(1, dtype=np.uint32), np.ones(1))
        pdf = dataset.pdfs[name]
        values = pdf.values
        if name == "reason_ratio":
            values = np.searchsorted(self.ratios, _ratios(pdf)).astype(np.uint32)
        return builder.add_integer_pmf(values, pdf.probabilities / pdf.probabilities.sum())

    def columns(self, trace: Any) -> dict[str, Any]:
        """The fields of a trace under the datasets' names."""
        found: dict[str, Any] = {}
        for slot, name in self.slots.items():
            if name is None or slot.endswith("_count"):
                continue
            if name == "reason_ratio":
                found[name] = self.ratios[getattr(trace, slot)]
            elif slot in ITEM_FIELDS:
                column = getattr(trace, slot)
                found[name] = column.offsets, column.values
            else:
                found[name] = getattr(trace, slot)
        return found


def _ratios(pdf: Pdf) -> Floats:
    """What place i of n in a list of ratios stands for: i / (n - 1)."""
    ratios: Floats = pdf.values / max(pdf.size - 1, 1)
    return ratios


def _plans(names: list[str], slices: list[Slice]) -> list[_Plan]:
    ratios = np.empty(0)
    if "reason_ratio" in names:
        pdfs = {id(_source(w)): _source(w).pdfs["reason_ratio"] for one in slices for w in one.windows}
        ratios = np.unique(np.concatenate([_ratios(pdf) for pdf in pdfs.values()]))
    plans = []
    rest = names
    if "image_count" in names:
        slots = {name: name if name in names else None for name in ("text_tokens", "output_tokens")}
        plans.append(_Plan("multimodal", slots | {name: name for name in ITEM_FIELDS}, ratios))
        rest = [name for name in names if name not in plans[0].slots]
    for first in range(0, len(rest), 2):
        pair: list[str | None] = [*rest[first : first + 2], None][:2]
        plans.append(
            _Plan("language", dict(zip(("input_tokens", "output_tokens"), pair, strict=True)), ratios)
        )
    return plans


def _profile(slices: list[Slice], windows: npt.NDArray[np.int64], grid: _Grid, plan: _Plan) -> _core.Profile:
    count = int(windows[-1]) + 1
    step_ns = round(grid.step * NS)
    builder = _core.ProfileBuilder(
        plan.category,
        window_ns=step_ns,
        windows=count,
        epoch_ns=step_ns,
        epochs=count,
        default_counts="servegen",
        metadata='{"name": "servegen"}',
    )
    by_client: dict[int, list[tuple[int, ClientWindow]]] = {}
    for number, one in zip(windows.tolist(), slices, strict=True):
        for window in one.windows:
            by_client.setdefault(window.client_id, []).append((number, window))
    order = FIELDS[plan.category]
    for client_id, own in by_client.items():
        client = builder.add_client(f"client {client_id}")
        _add_cells(builder, client, own)
        ids = np.full((count, len(order)), MISSING, dtype=np.uint32)
        known: dict[int, list[int]] = {}
        for number, window in own:
            dataset = _source(window)
            if id(dataset) not in known:
                known[id(dataset)] = [plan.add(builder, dataset, slot) for slot in order]
            ids[number] = known[id(dataset)]
        builder.set_fields(client, ids)
    return builder.build()


def _add_cells(builder: _core.ProfileBuilder, client: int, own: list[tuple[int, ClientWindow]]) -> None:
    def column(value: Callable[[ClientWindow], Any], dtype: Any) -> Any:
        return np.array([value(window) for _, window in own], dtype=dtype)

    builder.add_cells(
        client,
        np.array([number for number, _ in own], dtype=np.uint32),
        column(lambda window: window.rate, np.float64),
        column(lambda window: window.arrival_pat[1][0], np.float64),  # type: ignore[index]
        column(lambda window: window.cv, np.float64),
        column(lambda window: FAMILIES.index(window.arrival_pat[0]), np.uint8),  # type: ignore[index]
    )


def _joined(parts: list[Columns]) -> Columns:
    """Columns one after the other."""
    fields: dict[str, Any] = {}
    for name, first in parts[0].fields.items():
        columns = [part.fields[name] for part in parts]
        if isinstance(first, np.ndarray):
            fields[name] = np.concatenate(columns)
        else:
            values = np.concatenate([values for _, values in columns])
            lengths = np.concatenate([np.diff(offsets) for offsets, _ in columns])
            fields[name] = np.append(0, np.cumsum(lengths)), values
    return Columns(np.concatenate([part.timestamp for part in parts]), fields)

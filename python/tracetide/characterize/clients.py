"""Finding 5: clients differ, few send most, each alone is stable, and their swings explain the workload's
shifts (figures 5 and 6; 11 and 12 with items; 17 with reasoning).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.characterize.figures.clients import chart
from tracetide.characterize.finding import Finding, Part, Whole, table_of
from tracetide.characterize.rates import readable_step
from tracetide.measures.burstiness import GAPS, client_cvs, gap_cv
from tracetide.measures.burstiness import client_cells as cells_of_one_rate
from tracetide.measures.client_cells import Cells, ClientCells
from tracetide.measures.intervals import Intervals, is_multiple
from tracetide.statistics.points import Points

Floats = npt.NDArray[np.float64]

_LENGTHS = ("input_tokens", "output_tokens")
TOP = 4
"""Clients that are shown alone."""
_TOPS = (1, 5, 10, 30)
_ENOUGH = 30
"""Requests of a client in an interval, for its means there to be in its range."""


class Clients:
    """Sums by client and interval, exact. Memory: at most 30 MiB a column, and 200 bytes a client.

    A trace without clients has one, and then there is no finding.
    """

    def __init__(self, category: str) -> None:
        self._shares = {"reason": ("reason",), "multimodal": ("item",)}.get(category, ())
        self._figures = {"reason": "5, 6, 17", "multimodal": "5, 6, 11, 12"}.get(category, "5, 6")
        self._cells = ClientCells((*GAPS, *_LENGTHS, *self._shares))

    def add(self, part: Part) -> None:
        """Take the next part."""
        rows = part.piece.by_client
        gap = np.nan_to_num(part.client_gap_s)
        columns = [~np.isnan(part.client_gap_s), gap, gap * gap]
        columns += [rows.sort(part.column(name)) for name in _LENGTHS]
        columns += [rows.sort(part.reason if name == "reason" else part.all_items) for name in self._shares]
        time_ns = np.asarray(rows.sort(part.piece.time_ns), dtype=np.int64)
        self._cells.add(np.asarray(rows.client, dtype=np.uint32), time_ns, columns)

    def result(self, whole: Whole) -> Finding | None:
        """The finding; None where there is one client."""
        if len(whole.client_names) < 2:
            return None
        cells = cells_of_one_rate(self._cells, whole.duration_s)
        columns = self._columns(cells, whole)
        numbers = self._numbers(cells, columns)
        tables = {"clients": table_of(columns), "top_clients": self._top_clients(columns, whole)}
        return Finding("clients", self._figures, numbers, tables, chart)

    def quantities(self, cells: Cells) -> dict[str, Floats]:
        """By cell: the CV of gaps, mean lengths, and the share of tokens that are reasoning or items."""
        found = {"cv": gap_cv(*(cells.sums[name] for name in GAPS))}
        found |= {f"mean_{name}": cells.mean(name) for name in _LENGTHS}
        for name in self._shares:
            of = "output_tokens" if name == "reason" else "input_tokens"
            found[f"{name}_share"] = Intervals.ratio(cells.sums[name], cells.sums[of])
        return found

    def _columns(self, cells: Cells, whole: Whole) -> dict[str, Any]:
        """By client, those of most requests first."""
        size = len(whole.client_names)
        total = {name: cells.by_client(name, size) for name in cells.sums}
        over = Cells(whole.duration_s, np.arange(size), np.zeros(size, dtype=np.int64), total)
        of_whole = self.quantities(over)
        requests = total["requests"]
        columns: dict[str, Any] = {
            "client": np.array(whole.client_names, dtype=object),
            "requests": requests.astype(np.int64),
            "share": requests / whole.requests,
            "rate": requests / whole.duration_s,
        }
        for name, values in self.quantities(cells).items():
            low, high = _ranges(cells, values, size)
            # The CV of a time with one rate, as far as there is one; that of all gaps has the swings in it.
            columns[name] = client_cvs(cells, size) if name == "cv" else of_whole[name]
            columns |= {f"{name}_low": low, f"{name}_high": high}
        order = np.argsort(-requests, kind="stable")
        order = order[requests[order] > 0]
        return {name: column[order] for name, column in columns.items()}

    def _numbers(self, cells: Cells, columns: dict[str, Any]) -> dict[str, Any]:
        share, running = columns["share"], np.cumsum(columns["share"])
        quantiles = Points.of(columns["cv"], share).quantiles((0.1, 0.5, 0.9)).tolist()
        numbers: dict[str, Any] = {
            "clients": int(share.size),
            "top_shares": {str(top): float(running[top - 1]) for top in _TOPS if top <= share.size},
            "clients_of_90_percent": int(np.searchsorted(running, 0.9) + 1),
            "step": cells.step_s,
            "cv_by_rate": dict(zip(("p10", "p50", "p90"), quantiles, strict=True)),
            "share_of_bursty": float(share[np.nan_to_num(columns["cv"]) > 1].sum()),
            "variance_between_clients": {},
            "shift_explained_by_rates": {},
        }
        for name in _LENGTHS:
            numbers["variance_between_clients"][name] = between_clients(cells, cells.mean(name))
            numbers["shift_explained_by_rates"][name] = explained_by_rates(cells, name)
        return numbers

    def _top_clients(self, columns: dict[str, Any], whole: Whole) -> Any:
        """Rate, burstiness and mean lengths of the largest clients over time."""
        step = readable_step(whole.duration_s, self._cells.step_s)
        cells = self._cells.at(step if is_multiple(step, self._cells.step_s) else self._cells.step_s)
        codes = {name: code for code, name in enumerate(whole.client_names)}
        top = [codes[name] for name in columns["client"][:TOP]]
        chosen = np.isin(cells.client, top)
        quantities = self.quantities(cells)
        start = cells.step * cells.step_s
        length = np.minimum(cells.step_s, np.maximum(whole.duration_s - start, 1e-9))
        found = {
            "client": np.array(whole.client_names, dtype=object)[cells.client[chosen]],
            "start": start[chosen],
            "step": np.full(int(chosen.sum()), cells.step_s),
            "rate": (cells.sums["requests"] / length)[chosen],
            **{name: values[chosen] for name, values in quantities.items()},
        }
        return table_of(found)


def between_clients(cells: Cells, values: Floats) -> float:
    """The share of the variance of a mean over cells, weighted by requests, that is between clients.

    Near 1 where clients differ and each is stable.
    """
    weights = cells.sums["requests"]
    mean = np.average(values, weights=weights)
    total = float(np.average((values - mean) ** 2, weights=weights))
    size = int(cells.client.max()) + 1
    of_client = cells.client_means(values, weights, size)[cells.client]
    return float(np.average((of_client - mean) ** 2, weights=weights)) / total if total > 0 else float("nan")


def explained_by_rates(cells: Cells, name: str) -> float:
    """How well the mean over time is told by the rates of clients that each stay at their own mean.

    The squared correlation over intervals of the actual mean and that of such clients; NaN where the mean
    does not vary.
    """
    requests, tokens = cells.sums["requests"], cells.sums[name]
    size = int(cells.client.max()) + 1
    own = cells.client_means(cells.mean(name), requests, size)[cells.client]
    count = np.bincount(cells.step, requests)
    present = count > 0
    actual = np.bincount(cells.step, tokens)[present] / count[present]
    stable = np.bincount(cells.step, own * requests)[present] / count[present]
    if actual.size < 3 or np.ptp(actual) == 0 or np.ptp(stable) == 0:
        return float("nan")
    return float(np.corrcoef(actual, stable)[0, 1] ** 2)


def _ranges(cells: Cells, values: Floats, size: int) -> tuple[Floats, Floats]:
    """The lowest and the highest of each client's intervals with at least thirty requests; NaN for none."""
    known = np.isfinite(values) & (cells.sums["requests"] >= _ENOUGH)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, cells.client[known], values[known])
    np.maximum.at(high, cells.client[known], values[known])
    return np.where(np.isfinite(low), low, np.nan), np.where(np.isfinite(high), high, np.nan)

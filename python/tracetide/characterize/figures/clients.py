"""Figures 5, 6, 11, 12 and 17 of the study: clients by rate, and the largest of them over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Chart, Line, Panel, Ranges, few

_LABELS = {
    "cv": "CV of gaps",
    "mean_input_tokens": "mean input, tokens",
    "mean_output_tokens": "mean output, tokens",
    "reason_share": "share of reasoning",
    "item_share": "share of item tokens",
}
_BARS = 25
_LOGARITHMIC = ("cv", "mean_input_tokens", "mean_output_tokens")
# Of a million clients nobody sees more in a picture.
_MOST_POINTS = 4000


def chart(found: Finding) -> Chart:
    """Above all clients, below the largest alone."""
    clients, top = (arrays_of(found.tables[name]) for name in ("clients", "top_clients"))
    largest = [name for name in clients["client"].tolist() if name in set(top["client"].tolist())]
    names = [name for name in _LABELS if name in clients]
    shares = [_distribution(clients, name) for name in names]
    minutes = found.numbers["step"] / 60
    return Chart(
        (
            (_skew(clients), *shares),
            tuple(_over_time(top, largest, name) for name in ("rate", *names)),
        ),
        f"{found.numbers['clients']:,} clients (bars: range of means of {minutes:g} min)",
        width=2.5,
        height=2.2,
        legend_below=True,
    )


def _skew(clients: dict[str, Any]) -> Panel:
    running = np.cumsum(clients["share"])
    # Evenly on the logarithmic axis.
    rank = np.unique(np.geomspace(1, running.size, _MOST_POINTS).astype(np.int64))
    return Panel(
        Axis("largest clients", log=True),
        Axis("share of requests", low=0, high=1.02),
        (Line(rank.astype(np.float64), running[rank - 1]),),
    )


def _distribution(clients: dict[str, Any], name: str) -> Panel:
    """The distribution over clients by their rate, with the ranges of the largest."""
    known = np.flatnonzero(np.isfinite(clients[name]))
    order = known[np.argsort(clients[name][known], kind="stable")]
    values, weights = clients[name][order], clients["share"][order]
    total = max(weights.sum(), 1e-300)
    running = np.cumsum(weights) / total
    # The table begins with the largest clients.
    large = np.flatnonzero((order < _BARS) & np.isfinite(clients[f"{name}_low"][order]))
    low, high = (clients[f"{name}_{end}"][order[large]] for end in ("low", "high"))
    shown = np.union1d(few(values, _MOST_POINTS), large).astype(np.intp)
    return Panel(
        Axis(_LABELS[name], log=bool(name in _LOGARITHMIC and values.size and values[0] > 0)),
        Axis("share of requests", low=0, high=1),
        (
            Line(values[shown], running[shown], step=True),
            Ranges(running[large] - weights[large] / (2 * total), low, high, style=1),
        ),
    )


def _over_time(top: dict[str, Any], largest: list[str], name: str) -> Panel:
    lines = []
    for number, client in enumerate(largest):
        mine = top["client"] == client
        start, step = top["start"][mine], top["step"][0]
        # A line is broken where the client sends nothing.
        breaks = np.flatnonzero(np.diff(start) > 1.5 * step) + 1
        at = np.insert((start + step / 2) / 3600, breaks, np.nan)
        lines.append(Line(at, np.insert(top[name][mine], breaks, np.nan), client, style=number))
    label = "requests/s" if name == "rate" else _LABELS[name]
    return Panel(Axis("hours"), Axis(label, low=0), tuple(lines))

"""Figures 5, 6, 11, 12 and 17 of the study: clients by rate, and the largest of them over time."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.house_style import COLOURS, house_style, line_style, new_figure, plain_log, save

_LABELS = {
    "cv": "CV of gaps",
    "mean_input_tokens": "mean input, tokens",
    "mean_output_tokens": "mean output, tokens",
    "reason_share": "share of reasoning",
    "item_share": "share of item tokens",
}
_BARS = 25
_LOGARITHMIC = ("cv", "mean_input_tokens", "mean_output_tokens")


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it: above all clients, below the largest alone."""
    clients, top = (arrays_of(found.tables[name]) for name in ("clients", "top_clients"))
    largest = [name for name in clients["client"].tolist() if name in set(top["client"].tolist())]
    names = [name for name in _LABELS if name in clients]
    with house_style():
        figure, axes = new_figure(2, 1 + len(names), width=2.5, height=2.2)
        _skew(axes[0, 0], clients)
        _over_time(axes[1, 0], top, largest, "rate")
        axes[1, 0].set_ylabel("requests/s")
        for column, name in enumerate(names, 1):
            _distribution(axes[0, column], clients, name)
            axes[0, column].set(xlabel=_LABELS[name], ylim=(0, 1))
            _over_time(axes[1, column], top, largest, name)
            axes[1, column].set_ylabel(_LABELS[name])
        axes[0, 1].set_ylabel("share of requests")
        handles, labels = axes[1, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        minutes = found.numbers["step"] / 60
        title = f"{found.numbers['clients']:,} clients (bars: range of means of {minutes:g} min)"
        figure.suptitle(title, fontsize=8.5)
        save(figure, path)


def _skew(axis: Any, clients: dict[str, Any]) -> None:
    rank = np.arange(1, clients["share"].size + 1)
    axis.plot(rank, np.cumsum(clients["share"]), **line_style(0))
    plain_log(axis, x=True)
    axis.set(xlabel="largest clients", ylabel="share of requests", ylim=(0, 1.02))


def _distribution(axis: Any, clients: dict[str, Any], name: str) -> None:
    """The distribution over clients by their rate, with the ranges of the largest."""
    known = np.flatnonzero(np.isfinite(clients[name]))
    order = known[np.argsort(clients[name][known], kind="stable")]
    values, weights = clients[name][order], clients["share"][order]
    running = np.cumsum(weights) / max(weights.sum(), 1e-300)
    axis.step(values, running, where="post", **line_style(0))
    # The table begins with the largest clients.
    large = np.flatnonzero((order < _BARS) & np.isfinite(clients[f"{name}_low"][order]))
    middles = running[large] - weights[large] / (2 * max(weights.sum(), 1e-300))
    low, high = (clients[f"{name}_{end}"][order[large]] for end in ("low", "high"))
    axis.hlines(middles, low, high, color=COLOURS[1], linewidth=1.2)
    if name in _LOGARITHMIC and values.size and values[0] > 0:
        plain_log(axis, x=True)


def _over_time(axis: Any, top: dict[str, Any], largest: list[str], name: str) -> None:
    for number, client in enumerate(largest):
        mine = top["client"] == client
        start, step = top["start"][mine], top["step"][0]
        values = top[name][mine]
        # A line is broken where the client sends nothing.
        breaks = np.flatnonzero(np.diff(start) > 1.5 * step) + 1
        at = np.insert((start + step / 2) / 3600, breaks, np.nan)
        axis.plot(at, np.insert(values, breaks, np.nan), label=client, **line_style(number))
    axis.set(xlabel="hours", ylim=(0, None))

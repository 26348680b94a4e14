"""Figures 7, 8 and 9 of the study: items and their tokens, load over time, and the share of items."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracetide.base.vocabulary import KINDS
from tracetide.characterize.figures.correlation import marks_of_bins
from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Bars, Chart, Line, Panel

_BINS = 40


def chart(found: Finding) -> Chart:
    """Items and text above, loads and shares below."""
    kinds = [kind for kind in KINDS if kind in found.numbers]
    tables = {name: arrays_of(table) for name, table in found.tables.items()}
    counts = Panel(
        Axis("items per request", whole=True),
        Axis("share at most", low=0, high=1.02),
        _by_kind(tables, kinds, "items_per_request", "items"),
        legend="lower right",
    )
    sizes = Panel(
        Axis("tokens per item", log=True),
        Axis("share at most", low=0, high=1.02),
        _by_kind(tables, kinds, "tokens_per_item", "tokens"),
    )
    first = kinds[0]
    text = Panel(
        Axis("text, tokens", log=True),
        Axis(f"{first}s, tokens", log=True),
        marks_of_bins(tables[f"items_by_text_{first}"]),
        f"rank correlation {found.numbers[first]['text_spearman']:.3f}",
        legend="best",
    )
    load, step = tables["modality_load"], found.numbers["step"]
    return Chart(
        (
            (counts, sizes, text),
            (_load(load, kinds, step), _relative(load, kinds, step), _shares(tables["item_share"])),
        ),
        width=3.0,
        height=2.3,
    )


def _by_kind(tables: dict[str, Any], kinds: list[str], name: str, values: str) -> tuple[Line, ...]:
    lines = []
    for number, kind in enumerate(kinds, 1):
        table = tables[f"{name}_{kind}"]
        lines.append(Line(table[values], table["share_at_most"], kind, style=number, step=True))
    return tuple(lines)


def _load(table: dict[str, Any], kinds: list[str], step: float) -> Panel:
    hours = (table["start"] + step / 2) / 3600
    lines = (
        Line(hours, table[f"{name}_tokens_per_s"], name, style=number)
        for number, name in enumerate(["text", *kinds])
    )
    return Panel(
        Axis("hours"),
        Axis("tokens/s", low=0, room=1.5),
        tuple(lines),
        legend="upper left",
        legend_columns=2,
    )


def _relative(table: dict[str, Any], kinds: list[str], step: float) -> Panel:
    """The same relative to its mean, so that shifts can be told apart."""
    hours = (table["start"] + step / 2) / 3600
    lines = []
    for number, name in enumerate(["text", *kinds]):
        values = table[f"{name}_tokens_per_s"]
        lines.append(Line(hours, values / max(values.mean(), 1e-300), name, style=number))
    return Panel(Axis("hours"), Axis("tokens/s over their mean", low=0), tuple(lines))


def _shares(table: dict[str, Any]) -> Panel:
    edges = np.linspace(0, 1, _BINS + 1)
    heights, _ = np.histogram(table["item_share"], edges, weights=table["share"])
    return Panel(
        Axis("share of item tokens in the input", low=0, high=1),
        Axis("share of requests"),
        (Bars(edges, heights, style=1),),
    )

"""Figure 13 of the study: reasons, answers and their ratio."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracetide.characterize.figures.correlation import marks_of_bins
from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Bars, Chart, Line, Panel


def chart(found: Finding) -> Chart:
    """Lengths, ratio, and answers by reasons."""
    tables = {name: arrays_of(table) for name, table in found.tables.items()}
    pairs = Panel(
        Axis("reason, tokens", log=True),
        Axis("answer, tokens", log=True),
        marks_of_bins(tables["answer_by_reason"]),
        f"rank correlation {found.numbers['reason_answer_spearman']:.3f}",
        legend="best",
    )
    return Chart(((_lengths(tables, found.numbers), _ratio(tables["reason_ratio"], found.numbers), pairs),))


def _lengths(tables: dict[str, Any], numbers: dict[str, Any]) -> Panel:
    lines = []
    for number, name in enumerate(("reason", "answer"), 1):
        at = np.maximum(tables[name]["tokens"], 0.5)
        label = f"{name}, mean {numbers[name]['mean']:,.0f}"
        lines.append(Line(at, tables[name]["share_at_most"], label, style=number, step=True))
    return Panel(
        Axis("tokens", log=True),
        Axis("share at most", low=0, high=1.02),
        tuple(lines),
        legend="upper left",
    )


def _ratio(table: dict[str, Any], numbers: dict[str, Any]) -> Panel:
    # Shares are counted to 1/1000, which is in the middle of a bin.
    edges = np.linspace(-0.0005, 1.0005, 51)
    heights, _ = np.histogram(table["ratio"], edges, weights=table["share"])
    modes = ", ".join(f"{mode:.2f}" for mode in numbers["ratio_modes"])
    return Panel(
        Axis("reason / output", low=0, high=1),
        Axis("density"),
        (Bars(edges, heights / np.diff(edges), style=5), Line(table["ratio"], table["density"])),
        f"modes at {modes}",
    )

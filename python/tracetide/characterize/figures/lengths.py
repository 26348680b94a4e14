"""Figure 3 of the study: lengths, and the laws fitted to them, by body and tail."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Chart, Line, Panel

_LABELS = {"pareto_lognormal": "Pareto + log-normal", "exponential": "Exponential"}


def chart(found: Finding) -> Chart:
    """A row for inputs and one for outputs."""
    tables = {name.removeprefix("lengths_"): arrays_of(table) for name, table in found.tables.items()}
    return Chart(tuple(_row(field, curves, found.numbers[field]) for field, curves in tables.items()))


def _row(field: str, curves: dict[str, Any], numbers: dict[str, Any]) -> tuple[Panel, Panel]:
    """The distribution function of lengths and laws, and how much is above, on logarithmic axes."""
    at = np.maximum(curves["tokens"], 0.5)
    laws = list(enumerate(numbers["laws"].items(), 1))
    above = 1 - curves["lengths"]
    title = field.replace("_", " ")
    body = Panel(
        Axis("tokens", log=True),
        Axis("share at most", low=0, high=1),
        (
            Line(at, curves["lengths"], "trace", beneath=True),
            *(
                Line(at, curves[name], f"{_LABELS[name]}, KS {law['ks']:.3f}", style=number)
                for number, (name, law) in laws
            ),
        ),
        f"{title}: mean {numbers['mean']:,.0f}",
        legend="lower right" if laws else "",
    )
    tail = Panel(
        Axis("tokens", log=True),
        Axis("share above", log=True, low=above[above > 0].min(initial=0.1) / 2, high=1.2),
        (
            Line(at, above, beneath=True),
            *(
                Line(at, 1 - curves[name], f"KS of the tail {law['ks_tail']:.3f}", style=number)
                for number, (name, law) in laws
            ),
        ),
        f"{title}: tail",
        legend="lower left" if laws else "",
    )
    return body, tail

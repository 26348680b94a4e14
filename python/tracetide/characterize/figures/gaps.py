"""Figure 1 of the study: gaps of a short time and the laws fitted to them; and the fits of all windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracetide.base.vocabulary import FITTED_KEYS
from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Chart, Line, Panel


def chart(found: Finding) -> Chart:
    """The busiest window, its tail, and the distance of each law in all windows."""
    curves = arrays_of(found.tables["gaps_busiest_window"])
    windows = arrays_of(found.tables["gaps_windows"])
    busiest = found.numbers["busiest_window"]
    share = curves["gaps"]
    above = {name: column if name == "gap" else 1 - column for name, column in curves.items()}
    gap = Axis("gap, s", log=True)
    body = Panel(
        gap,
        Axis("share of gaps at most", low=0, high=1),
        _curves(curves, share > 0.01, busiest),
        f"busiest window, CV {busiest['cv']:.2f}",
        legend="upper left",
    )
    tail = Panel(
        gap,
        Axis("share of gaps above", log=True, low=0.5 / busiest["sample"], high=0.7),
        _curves(above, (share > 0.5) & (share < 1), busiest),
        "its tail",
    )
    over_time = Panel(
        Axis("hours"),
        Axis("KS distance of the fit", low=0, room=1.25),
        tuple(
            Line(windows["start"] / 3600, windows[f"ks_{name}"], name, style=number)
            for number, name in enumerate(FITTED_KEYS, 1)
        ),
        f"windows of {found.numbers['window']:g} s",
        legend="upper left",
        legend_columns=3,
    )
    return Chart(((body, tail, over_time),))


def _curves(curves: dict[str, Any], chosen: Any, busiest: dict[str, Any]) -> tuple[Line, ...]:
    at = np.maximum(curves["gap"][chosen], 1e-9)
    laws = (
        Line(at, curves[name][chosen], f"{name}, KS {busiest[f'ks_{name}']:.3f}", style=number)
        for number, name in enumerate(FITTED_KEYS, 1)
    )
    return (Line(at, curves["gaps"][chosen], "gaps", beneath=True), *laws)

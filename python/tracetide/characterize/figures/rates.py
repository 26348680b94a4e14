"""Figures 2 and 3 of the study: rate, burstiness and mean lengths over time."""

from __future__ import annotations

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Chart, Level, Line, Panel


def chart(found: Finding) -> Chart:
    """All over the same time."""
    curves = arrays_of(found.tables["rates"])
    hours = (curves["start"] + found.numbers["step"] / 2) / 3600
    rate = Panel(
        Axis(),
        Axis("requests/s", low=0),
        (Line(hours, curves["rate"]),),
        f"steps of {found.numbers['step']:g} s",
    )
    burstiness = Panel(
        Axis(), Axis("CV of gaps\n(Poisson: 1)", low=0), (Line(hours, curves["gap_cv"]), Level(1))
    )
    lengths = Panel(
        Axis("hours"),
        Axis("mean tokens", low=0, room=1.2),
        (
            Line(hours, curves["mean_input_tokens"], "input", style=1),
            Line(hours, curves["mean_output_tokens"], "output", style=2),
        ),
        legend="upper left",
        legend_columns=2,
    )
    return Chart(((rate,), (burstiness,), (lengths,)), width=6.5, height=1.6, same_x=True)

"""Figure 4 of the study: outputs by bins of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Band, Chart, Line, Mark, Panel


def chart(found: Finding) -> Chart:
    """Outputs by inputs."""
    panel = Panel(
        Axis("input, tokens", log=True),
        Axis("output, tokens", log=True),
        marks_of_bins(arrays_of(found.tables["correlation"])),
        f"rank correlation {found.numbers['spearman']:.3f}",
        legend="best",
    )
    return Chart(((panel,),), width=4.2, height=2.8)


def marks_of_bins(bins: dict[str, Any]) -> tuple[Mark, ...]:
    """Median, quartiles and the middle 90 % of one number, by bins of another."""
    edges = np.maximum(np.append(bins["low"], bins["high"][-1:]), 0.5)
    steps = {
        name: np.maximum(np.append(bins[name], bins[name][-1:]), 0.5)
        for name in ("p5", "p25", "p50", "p75", "p95")
    }
    return (
        Band(edges, steps["p5"], steps["p95"], "5 to 95 %", style=1, opacity=0.2),
        Band(edges, steps["p25"], steps["p75"], "25 to 75 %", style=1, opacity=0.4),
        Line(edges, steps["p50"], "median", step=True),
    )

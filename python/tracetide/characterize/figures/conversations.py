"""Figure 15 of the study: turns of conversations, and the times between them."""

from __future__ import annotations

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.charts.chart import Axis, Chart, Line, Panel, Stems


def chart(found: Finding) -> Chart:
    """Turns, and waits."""
    turns, waits = (arrays_of(found.tables[name]) for name in ("turns", "inter_turn_time"))
    share, mean = found.numbers["share_of_requests"], found.numbers["turns"]["mean"]
    count = Panel(
        Axis("turns", log=True),
        Axis("share of conversations", low=0),
        (Stems(turns["turns"].astype(np.float64), turns["share"], style=1),),
        f"{share:.1%} of the requests, mean {mean:.2f}",
    )
    wait = Panel(
        Axis("time between turns, s", log=True),
        Axis("share of turns at most", low=0, high=1.02),
        (Line(np.maximum(waits["seconds"], 1e-3), waits["share_at_most"]),),
        f"median {found.numbers['inter_turn_time']['quantiles']['p50']:.3g} s",
    )
    return Chart(((count, wait),))

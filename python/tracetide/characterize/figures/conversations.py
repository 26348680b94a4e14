"""Figure 15 of the study: turns of conversations, and the times between them."""

from __future__ import annotations

import os

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.house_style import COLOURS, house_style, line_style, new_figure, plain_log, save


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    turns, waits = (arrays_of(found.tables[name]) for name in ("turns", "inter_turn_time"))
    numbers = found.numbers
    with house_style():
        figure, [[count, wait]] = new_figure(1, 2)
        count.vlines(turns["turns"], 0, turns["share"], color=COLOURS[1], linewidth=1.2)
        count.plot(turns["turns"], turns["share"], "o", color=COLOURS[1], markersize=3)
        count.set(xlabel="turns", ylabel="share of conversations", ylim=(0, None))
        share, mean = numbers["share_of_requests"], numbers["turns"]["mean"]
        count.set_title(f"{share:.1%} of the requests, mean {mean:.2f}")
        plain_log(count, x=True)
        at = np.maximum(waits["seconds"], 1e-3)
        wait.plot(at, waits["share_at_most"], **line_style(0))
        plain_log(wait, x=True)
        wait.set(xlabel="time between turns, s", ylabel="share of turns at most", ylim=(0, 1.02))
        wait.set_title(f"median {numbers['inter_turn_time']['quantiles']['p50']:.3g} s")
        save(figure, path)

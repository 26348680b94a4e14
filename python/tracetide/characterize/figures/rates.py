"""Figures 2 and 3 of the study: rate, burstiness and mean lengths over time."""

from __future__ import annotations

import os

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.house_style import house_style, line_style, new_figure, save


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    curves = arrays_of(found.tables["rates"])
    hours = (curves["start"] + found.numbers["step"] / 2) / 3600
    with house_style():
        figure, [[rate], [burstiness], [lengths]] = new_figure(3, 1, width=6.5, height=1.6, sharex=True)
        rate.plot(hours, curves["rate"], **line_style(0))
        rate.set(ylabel="requests/s", ylim=(0, None), title=f"steps of {found.numbers['step']:g} s")
        burstiness.plot(hours, curves["gap_cv"], **line_style(0))
        burstiness.axhline(1, color="#999999", linewidth=0.8)
        burstiness.set(ylabel="CV of gaps\n(Poisson: 1)", ylim=(0, None))
        for number, (name, label) in enumerate((("input_tokens", "input"), ("output_tokens", "output")), 1):
            lengths.plot(hours, curves[f"mean_{name}"], label=label, **line_style(number))
        lengths.set(ylabel="mean tokens", xlabel="hours", ylim=(0, None))
        lengths.set_ylim(0, 1.2 * lengths.get_ylim()[1])
        lengths.legend(ncols=2, loc="upper left")
        save(figure, path)

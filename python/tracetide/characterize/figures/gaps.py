"""Figure 1 of the study: gaps of a short time and the laws fitted to them; and the fits of all windows."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.fit.families import FAMILIES
from tracetide.house_style import FAINT, house_style, line_style, new_figure, plain_log, save


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    curves = arrays_of(found.tables["gaps_busiest_window"])
    windows = arrays_of(found.tables["gaps_windows"])
    busiest = found.numbers["busiest_window"]
    share = curves["gaps"]
    with house_style():
        figure, [[body, tail, over_time]] = new_figure(1, 3)
        _curves(body, curves, share > 0.01, busiest)
        body.set(ylabel="share of gaps at most", ylim=(0, 1), title=f"busiest window, CV {busiest['cv']:.2f}")
        body.legend(loc="upper left")
        above = {name: column if name == "gap" else 1 - column for name, column in curves.items()}
        _curves(tail, above, (share > 0.5) & (share < 1), busiest)
        tail.set(ylabel="share of gaps above", ylim=(0.5 / busiest["sample"], 0.7), title="its tail")
        plain_log(tail, y=True)
        for number, name in enumerate(FAMILIES, 1):
            over_time.plot(windows["start"] / 3600, windows[f"ks_{name}"], label=name, **line_style(number))
        title = f"windows of {found.numbers['window']:g} s"
        over_time.set(xlabel="hours", ylabel="KS distance of the fit", title=title)
        over_time.set_ylim(0, 1.25 * over_time.get_ylim()[1])
        over_time.legend(ncols=3, loc="upper left", columnspacing=1.0)
        save(figure, path)


def _curves(axis: Any, curves: dict[str, Any], chosen: Any, busiest: dict[str, Any]) -> None:
    at = np.maximum(curves["gap"][chosen], 1e-9)
    axis.plot(at, curves["gaps"][chosen], color=FAINT, linewidth=4, label="gaps")
    for number, name in enumerate(FAMILIES, 1):
        label = f"{name}, KS {busiest[f'ks_{name}']:.3f}"
        axis.plot(at, curves[name][chosen], label=label, **line_style(number))
    plain_log(axis, x=True)
    axis.set_xlabel("gap, s")

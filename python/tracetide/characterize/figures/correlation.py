"""Figure 4 of the study: outputs by bins of inputs."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.house_style import COLOURS, house_style, new_figure, plain_log, save


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    with house_style():
        figure, [[axis]] = new_figure(1, 1, width=4.2, height=2.8)
        draw_bins(axis, arrays_of(found.tables["correlation"]))
        axis.set(
            xlabel="input, tokens",
            ylabel="output, tokens",
            title=f"rank correlation {found.numbers['spearman']:.3f}",
        )
        save(figure, path)


def draw_bins(axis: Any, bins: dict[str, Any]) -> None:
    """Median, quartiles and the middle 90 % of one number, by bins of another."""
    edges = np.append(bins["low"], bins["high"][-1:])
    edges = np.maximum(edges, 0.5)
    for low, high, label, alpha in (("p5", "p95", "5 to 95 %", 0.2), ("p25", "p75", "25 to 75 %", 0.4)):
        steps = [np.maximum(np.append(bins[name], bins[name][-1:]), 0.5) for name in (low, high)]
        axis.fill_between(edges, *steps, step="post", color=COLOURS[1], alpha=alpha, linewidth=0, label=label)
    median = np.maximum(np.append(bins["p50"], bins["p50"][-1:]), 0.5)
    axis.step(edges, median, where="post", color=COLOURS[0], label="median")
    plain_log(axis, x=True, y=True)
    axis.legend(loc="best", frameon=True, facecolor="white", edgecolor="none", framealpha=0.8)

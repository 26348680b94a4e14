"""Figure 13 of the study: reasons, answers and their ratio."""

from __future__ import annotations

import os

import numpy as np

from tracetide.characterize.figures.correlation import draw_bins
from tracetide.characterize.finding import Finding, arrays_of
from tracetide.house_style import COLOURS, house_style, line_style, new_figure, plain_log, save


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    tables = {name: arrays_of(table) for name, table in found.tables.items()}
    with house_style():
        figure, [[lengths, ratio, pairs]] = new_figure(1, 3)
        for number, name in enumerate(("reason", "answer"), 1):
            mean = found.numbers[name]["mean"]
            at = np.maximum(tables[name]["tokens"], 0.5)
            label = f"{name}, mean {mean:,.0f}"
            lengths.step(at, tables[name]["share_at_most"], where="post", label=label, **line_style(number))
        plain_log(lengths, x=True)
        lengths.set(xlabel="tokens", ylabel="share at most", ylim=(0, 1.02))
        lengths.legend(loc="upper left")
        table = tables["reason_ratio"]
        edges = np.linspace(-0.0005, 1.0005, 51)
        heights, _ = np.histogram(table["ratio"], edges, weights=table["share"])
        width = np.diff(edges)
        ratio.bar(edges[:-1], heights / width, width=width, align="edge", color=COLOURS[5], edgecolor="white")
        ratio.plot(table["ratio"], table["density"], **line_style(0))
        modes = ", ".join(f"{mode:.2f}" for mode in found.numbers["ratio_modes"])
        ratio.set(xlabel="reason / output", ylabel="density", xlim=(0, 1), title=f"modes at {modes}")
        draw_bins(pairs, tables["answer_by_reason"])
        spearman = found.numbers["reason_answer_spearman"]
        pairs.set(xlabel="reason, tokens", ylabel="answer, tokens", title=f"rank correlation {spearman:.3f}")
        save(figure, path)

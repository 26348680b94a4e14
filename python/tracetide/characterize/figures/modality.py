"""Figures 7, 8 and 9 of the study: items and their tokens, load over time, and the share of items."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tracetide.characterize.figures.correlation import draw_bins
from tracetide.characterize.finding import KINDS, Finding, arrays_of
from tracetide.house_style import COLOURS, house_style, line_style, new_figure, plain_log, save


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    kinds = [kind for kind in KINDS if kind in found.numbers]
    tables = {name: arrays_of(table) for name, table in found.tables.items()}
    with house_style():
        figure, axes = new_figure(2, 3, width=3.0, height=2.3)
        (counts, sizes, text), (load, rates, share) = axes
        for number, kind in enumerate(kinds, 1):
            for axis, name, values in (
                (counts, "items_per_request", "items"),
                (sizes, "tokens_per_item", "tokens"),
            ):
                table = tables[f"{name}_{kind}"]
                axis.step(
                    table[values], table["share_at_most"], where="post", label=kind, **line_style(number)
                )
        counts.set(xlabel="items per request", ylabel="share at most", ylim=(0, 1.02))
        counts.xaxis.get_major_locator().set_params(integer=True)
        plain_log(sizes, x=True)
        sizes.set(xlabel="tokens per item", ylabel="share at most", ylim=(0, 1.02))
        counts.legend(loc="lower right")
        first = kinds[0]
        draw_bins(text, tables[f"items_by_text_{first}"])
        spearman = found.numbers[first]["text_spearman"]
        text.set(xlabel="text, tokens", ylabel=f"{first}s, tokens", title=f"rank correlation {spearman:.3f}")
        _load(load, tables["modality_load"], kinds, found.numbers["step"])
        _relative(rates, tables["modality_load"], kinds, found.numbers["step"])
        table = tables["item_share"]
        edges = np.linspace(0, 1, 41)
        heights, _ = np.histogram(table["item_share"], edges, weights=table["share"])
        share.bar(
            edges[:-1], heights, width=np.diff(edges), align="edge", color=COLOURS[1], edgecolor="white"
        )
        share.set(xlabel="share of item tokens in the input", ylabel="share of requests", xlim=(0, 1))
        save(figure, path)


def _load(axis: Any, table: dict[str, Any], kinds: list[str], step: float) -> None:
    hours = (table["start"] + step / 2) / 3600
    for number, name in enumerate(["text", *kinds]):
        axis.plot(hours, table[f"{name}_tokens_per_s"], label=name, **line_style(number))
    axis.set(xlabel="hours", ylabel="tokens/s", ylim=(0, None))
    axis.set_ylim(0, 1.5 * axis.get_ylim()[1])
    axis.legend(loc="upper left", ncols=2, columnspacing=1.0)


def _relative(axis: Any, table: dict[str, Any], kinds: list[str], step: float) -> None:
    """The same relative to its mean, so that shifts can be told apart."""
    hours = (table["start"] + step / 2) / 3600
    for number, name in enumerate(["text", *kinds]):
        values = table[f"{name}_tokens_per_s"]
        axis.plot(hours, values / max(values.mean(), 1e-300), **line_style(number))
    axis.set(xlabel="hours", ylabel="tokens/s over their mean", ylim=(0, None))

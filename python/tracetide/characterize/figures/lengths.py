"""Figure 3 of the study: lengths, and the laws fitted to them, by body and tail."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tracetide.characterize.finding import Finding, arrays_of
from tracetide.house_style import FAINT, house_style, line_style, new_figure, plain_log, save

_LABELS = {"pareto_lognormal": "Pareto + log-normal", "exponential": "Exponential"}


def draw(found: Finding, path: str | os.PathLike[str]) -> None:
    """Draw it."""
    fields = [name.removeprefix("lengths_") for name in found.tables]
    with house_style():
        figure, axes = new_figure(len(fields), 2)
        for (body, tail), field in zip(axes, fields, strict=True):
            draw_lengths(body, tail, arrays_of(found.tables[f"lengths_{field}"]), found.numbers[field])
            title = field.replace("_", " ")
            body.set(title=f"{title}: mean {found.numbers[field]['mean']:,.0f}", xlabel="tokens")
            tail.set(title=f"{title}: tail", xlabel="tokens")
        save(figure, path)


def draw_lengths(body: Any, tail: Any, curves: dict[str, Any], numbers: dict[str, Any]) -> None:
    """The distribution function of lengths and laws, and how much is above, on logarithmic axes."""
    at = np.maximum(curves["tokens"], 0.5)
    body.plot(at, curves["lengths"], color=FAINT, linewidth=4, label="trace")
    tail.plot(at, 1 - curves["lengths"], color=FAINT, linewidth=4)
    for number, (name, law) in enumerate(numbers["laws"].items(), 1):
        body.plot(at, curves[name], label=f"{_LABELS[name]}, KS {law['ks']:.3f}", **line_style(number))
        tail.plot(at, 1 - curves[name], label=f"KS of the tail {law['ks_tail']:.3f}", **line_style(number))
    body.set(ylabel="share at most", ylim=(0, 1))
    if numbers["laws"]:
        body.legend(loc="lower right")
        tail.legend(loc="lower left")
    above = 1 - curves["lengths"]
    tail.set(ylabel="share above", ylim=(above[above > 0].min(initial=0.1) / 2, 1.2))
    plain_log(body, x=True)
    plain_log(tail, x=True, y=True)

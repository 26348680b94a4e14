"""Charts as files, drawn by matplotlib in the house style."""

from __future__ import annotations

import os
from functools import singledispatch
from typing import Any

import numpy as np

from tracetide.charts.chart import Axis, Band, Bars, Chart, Dots, Level, Line, Panel, Ranges, Stems, Strip
from tracetide.charts.house_style import (
    COLOURS,
    FAINT,
    MARKERS,
    check_ending,
    house_style,
    line_style,
    new_figure,
    plain_log,
    save,
)


def draw(chart: Chart, path: str | os.PathLike[str]) -> None:
    """Draw it; the ending of `path` chooses the format: `.png`, `.svg` or `.pdf`.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: for another ending.
        OSError: if it cannot be written.
    """
    check_ending(path)
    rows, columns = len(chart.rows), len(chart.rows[0])
    with house_style():
        figure, axes = new_figure(rows, columns, width=chart.width, height=chart.height, sharex=chart.same_x)
        for row, panels in zip(axes, chart.rows, strict=True):
            for axis, panel in zip(row, panels, strict=True):
                _panel(axis, panel)
        if chart.legend_below:
            handles, labels = axes[-1, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        if chart.title:
            figure.suptitle(chart.title, fontsize=9)
        save(figure, path)


def _panel(axis: Any, panel: Panel) -> None:
    for mark in panel.marks:
        _draw(mark, axis)
    if panel.title:
        axis.set_title(panel.title)
    _limits(axis, "x", panel.x)
    _limits(axis, "y", panel.y)
    plain_log(axis, x=_is_log(axis, "x", panel.x), y=_is_log(axis, "y", panel.y))
    if panel.legend:
        in_the_way = {"frameon": True, "facecolor": "white", "edgecolor": "none", "framealpha": 0.8}
        axis.legend(
            loc=panel.legend,
            ncols=panel.legend_columns,
            columnspacing=1.0,
            **(in_the_way if panel.legend == "best" else {}),
        )


def _limits(axis: Any, name: str, wanted: Axis) -> None:
    if wanted.label:
        getattr(axis, f"set_{name}label")(wanted.label)
    if wanted.limits is not None:
        getattr(axis, f"set_{name}lim")(*wanted.limits)
    elif wanted.from_zero:
        getattr(axis, f"set_{name}lim")(0, None)
    if wanted.room != 1:
        low, high = getattr(axis, f"get_{name}lim")()
        getattr(axis, f"set_{name}lim")(low, high * wanted.room)
    if wanted.whole:
        getattr(axis, f"{name}axis").get_major_locator().set_params(integer=True)


def _is_log(axis: Any, name: str, wanted: Axis) -> bool:
    """Whether it is to be logarithmic and can be: it shows something above 0."""
    least = wanted.limits[0] if wanted.limits is not None else getattr(axis.dataLim, f"minpos{name}")
    return wanted.log and 0 < least < np.inf


@singledispatch
def _draw(mark: Any, axis: Any) -> None:
    raise TypeError(f"{type(mark).__name__} is no mark")


@_draw.register
def _line(mark: Line, axis: Any) -> None:
    style = {"color": FAINT, "linewidth": 4} if mark.beneath else line_style(mark.style)
    if mark.marked:
        style |= {"marker": MARKERS[mark.style % len(MARKERS)], "markersize": 3.5}
    label = mark.label or "_"
    axis.plot(mark.x, mark.y, drawstyle="steps-post" if mark.step else "default", label=label, **style)


@_draw.register
def _band(mark: Band, axis: Any) -> None:
    axis.fill_between(
        mark.x,
        mark.low,
        mark.high,
        step="post",
        color=COLOURS[mark.style],
        alpha=mark.opacity,
        linewidth=0,
        label=mark.label,
    )


@_draw.register
def _dots(mark: Dots, axis: Any) -> None:
    axis.scatter(
        mark.x,
        mark.y,
        s=7,
        marker=MARKERS[mark.style % len(MARKERS)],
        facecolors=COLOURS[mark.style % len(COLOURS)],
        edgecolors="none",
        alpha=0.35,
        rasterized=True,
    )


@_draw.register
def _bars(mark: Bars, axis: Any) -> None:
    axis.bar(
        mark.edges[:-1],
        mark.heights,
        width=np.diff(mark.edges),
        align="edge",
        color=COLOURS[mark.style],
        edgecolor="white",
    )


@_draw.register
def _stems(mark: Stems, axis: Any) -> None:
    axis.vlines(mark.x, 0, mark.heights, color=COLOURS[mark.style], linewidth=1.2)
    axis.plot(mark.x, mark.heights, "o", color=COLOURS[mark.style], markersize=3)


@_draw.register
def _ranges(mark: Ranges, axis: Any) -> None:
    axis.hlines(mark.y, mark.low, mark.high, color=COLOURS[mark.style], linewidth=1.2)


@_draw.register
def _level(mark: Level, axis: Any) -> None:
    axis.axhline(mark.y, color="#999999", linewidth=0.8)


@_draw.register
def _strip(mark: Strip, axis: Any) -> None:
    axis.axhspan(mark.low, mark.high, color="#EEEEEE", zorder=0)

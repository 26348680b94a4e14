"""Charts as plain data for Plotly's JavaScript, a plot a panel."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.charts.chart import (
    Axis,
    Band,
    Bars,
    Chart,
    Dots,
    Level,
    Line,
    Panel,
    Ranges,
    Stems,
    Strip,
    few,
)
from tracetide.charts.house_style import COLOURS, FAINT

Traces = list[dict[str, Any]]

# The house style's dashes and markers, in Plotly's words.
_DASHES = ("solid", "dash", "dashdot", "dot", "longdash", "longdashdot", "2px,2px")
_MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x")
_DIGITS = 6
_MOST_TICKS = 12
_MOST_POINTS = 4000
_GRID = "#E6E6E6"


def plots(chart: Chart) -> list[list[dict[str, Any]]]:
    """The plots of a chart, row by row: `data` and `layout` of each, as `Plotly.newPlot` takes them."""
    legend_at = (len(chart.rows) - 1, 0) if chart.legend_below else None
    across = _same_x(chart) if chart.same_x else None
    return [
        [
            _plot(panel, across or panel.x, legend=bool(panel.legend) or legend_at == (row, column))
            for column, panel in enumerate(panels)
        ]
        for row, panels in enumerate(chart.rows)
    ]


def _same_x(chart: Chart) -> Axis:
    """The x axis of the last row, as wide as what all rows show."""
    lines = [mark for (panel,) in chart.rows for mark in panel.marks if isinstance(mark, Line)]
    times = np.concatenate([line.x for line in lines])
    last = chart.rows[-1][0].x
    return replace(last, low=float(np.nanmin(times)), high=float(np.nanmax(times))) if times.size else last


def _plot(panel: Panel, x: Axis, *, legend: bool) -> dict[str, Any]:
    data = [trace for mark in panel.marks for trace in _traces(mark)]
    layout: dict[str, Any] = {
        "xaxis": _axis(x),
        "yaxis": _axis(panel.y),
        "showlegend": legend,
        "shapes": [shape for mark in panel.marks for shape in _shapes(mark)],
        # Over time all lines are looked at together, elsewhere a point is.
        "hovermode": "x unified" if x.label == "hours" else "closest",
    }
    lines = [mark for mark in panel.marks if isinstance(mark, Line)]
    if panel.x.whole and max(float(np.max(line.x, initial=0)) for line in lines) < _MOST_TICKS:
        layout["xaxis"]["dtick"] = 1
    if panel.title:
        layout["title"] = {"text": _text(panel.title)}
    return {"data": data, "layout": layout}


def _axis(axis: Axis) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": {"text": _text(axis.label)},
        "type": "log" if axis.log else "linear",
        "hoverformat": ".4~g",
        "gridcolor": _GRID,
        "zeroline": False,
    }
    if axis.limits is not None:
        found["range"] = [_rounded(math.log10(end) if axis.log else end) for end in axis.limits]
    elif axis.from_zero:
        found["rangemode"] = "tozero"
    return found


@singledispatch
def _traces(mark: Any) -> Traces:
    raise TypeError(f"{type(mark).__name__} is no mark")


@_traces.register(Level)
@_traces.register(Strip)
def _across(mark: Level | Strip) -> Traces:
    return []  # they are shapes


@_traces.register
def _line(mark: Line) -> Traces:
    width = 5 if mark.beneath else 1.6
    shown = few(mark.x, _MOST_POINTS)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers" if mark.marked else "lines",
        "x": _numbers(mark.x[shown]),
        "y": _numbers(mark.y[shown]),
        "name": _text(mark.label),
        "showlegend": bool(mark.label),
        "line": {"color": FAINT if mark.beneath else _colour(mark.style), "width": width},
    }
    if not mark.beneath:
        trace["line"]["dash"] = _DASHES[mark.style % len(_DASHES)]
    if mark.step:
        trace["line"]["shape"] = "hv"
    if mark.marked:
        trace["marker"] = {"symbol": _MARKERS[mark.style % len(_MARKERS)], "size": 6}
    return [trace]


@_traces.register
def _band(mark: Band) -> Traces:
    common = {
        "type": "scatter",
        "mode": "lines",
        "x": _numbers(mark.x),
        "line": {"width": 0, "shape": "hv", "color": _colour(mark.style)},
        "legendgroup": _text(mark.label),
        "name": _text(mark.label),
    }
    colour = _colour(mark.style)
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    fill = f"rgba({red}, {green}, {blue}, {mark.opacity})"
    upper = {"y": _numbers(mark.high), "fill": "tonexty", "fillcolor": fill}
    return [{**common, "y": _numbers(mark.low), "showlegend": False}, {**common, **upper}]


@_traces.register
def _dots(mark: Dots) -> Traces:
    marker = {
        "symbol": _MARKERS[mark.style % len(_MARKERS)],
        "color": _colour(mark.style),
        "size": 4,
        "opacity": 0.4,
    }
    x, y = _numbers(mark.x), _numbers(mark.y)
    return [{"type": "scatter", "mode": "markers", "x": x, "y": y, "marker": marker, "showlegend": False}]


@_traces.register
def _bars(mark: Bars) -> Traces:
    return [
        {
            "type": "bar",
            "x": _numbers(mark.edges[:-1]),
            "y": _numbers(mark.heights),
            "width": _numbers(np.diff(mark.edges)),
            "offset": 0,
            "marker": {"color": _colour(mark.style), "line": {"color": "white", "width": 0.5}},
            "showlegend": False,
        }
    ]


@_traces.register
def _stems(mark: Stems) -> Traces:
    below = {"type": "data", "symmetric": False, "arrayminus": _numbers(mark.heights), "width": 0}
    below |= {"array": [0] * mark.heights.size, "thickness": 1.2}
    x, y = _numbers(mark.x), _numbers(mark.heights)
    marker = {"color": _colour(mark.style), "size": 5}
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": x,
            "y": y,
            "error_y": below,
            "marker": marker,
            "showlegend": False,
        }
    ]


@_traces.register
def _ranges(mark: Ranges) -> Traces:
    nothing = np.full(mark.y.size, np.nan)
    x = np.column_stack([mark.low, mark.high, nothing]).ravel()
    y = np.repeat(mark.y, 3)
    line = {"color": _colour(mark.style), "width": 1.5}
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": _numbers(x),
            "y": _numbers(y),
            "line": line,
            "showlegend": False,
        }
    ]


@singledispatch
def _shapes(mark: Any) -> Traces:
    return []


@_shapes.register
def _level(mark: Level) -> Traces:
    ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": mark.y, "y1": mark.y}
    return [{"type": "line", "layer": "below", "line": {"color": "#999999", "width": 1}, **ends}]


@_shapes.register
def _strip(mark: Strip) -> Traces:
    ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": _rounded(mark.low), "y1": _rounded(mark.high)}
    return [{"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": "#EEEEEE", **ends}]


def _colour(style: int) -> str:
    return COLOURS[style % len(COLOURS)]


def _numbers(values: npt.NDArray[Any]) -> list[float | None]:
    """With six digits, which are more than a screen shows; None where there is no number."""
    return [_rounded(value) if math.isfinite(value) else None for value in np.asarray(values).tolist()]


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _text(text: str) -> str:
    """Plotly takes some HTML in texts; what is in names is none."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\n", "<br>")

"""Charts as data, and what is drawn of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
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
from tracetide.charts.interactive import plots
from tracetide.house_style import COLOURS, text_of_log_tick

X = np.array([1.0, 2.0, 4.0])
Y = np.array([10.0, np.nan, 1 / 3])
EVERY_MARK = (
    Line(X, Y, "one <b>", style=1, step=True, marked=True),
    Line(X, Y, beneath=True),
    Band(X, Y, Y + 1, "band", style=2, opacity=0.2),
    Dots(X, Y, style=3),
    Bars(np.array([0.0, 1.0, 3.0]), np.array([2.0, 5.0]), style=1),
    Stems(X, Y, style=1),
    Ranges(np.array([0.5]), np.array([1.0]), np.array([2.0]), style=1),
    Level(1.0),
    Strip(-1.0, 1.0),
)


def plot_of(*marks, x=None, y=None, **options):
    ((plot,),) = plots(Chart(((Panel(x or Axis("x"), y or Axis("y"), marks, **options),),)))
    json.dumps(plot, allow_nan=False)
    return plot


def test_every_mark_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    from tracetide.charts.picture import draw

    panel = Panel(Axis("x"), Axis("y"), EVERY_MARK, "title", legend="best")
    draw(Chart(((panel, panel), (panel, panel)), "all", legend_below=True), tmp_path / "all.svg")
    text = (tmp_path / "all.svg").read_text()
    assert COLOURS[1].lower() in text
    assert COLOURS[2].lower() in text
    assert "data:image/png" in text  # clouds of points
    assert len(plot_of(*EVERY_MARK)["data"]) == 8  # a band has two lines, a level and a strip none


def test_what_is_no_mark():
    with pytest.raises(TypeError, match="str is no mark"):
        plot_of("line")


def test_lines_for_a_browser():
    plot = plot_of(Line(X, Y, "one <b>&\nx", style=1, step=True), title="a\nb", legend="best")
    (trace,) = plot["data"]
    assert (trace["x"], trace["y"]) == ([1, 2, 4], [10, None, 0.333333])
    assert trace["name"] == "one &lt;b&gt;&amp;<br>x"
    assert trace["line"] == {"color": COLOURS[1], "width": 1.6, "dash": "dash", "shape": "hv"}
    assert plot["layout"]["title"] == {"text": "a<br>b"}
    assert plot["layout"]["showlegend"]


def test_long_lines_are_thinned():
    (trace,) = plot_of(Line(np.arange(1e5), np.arange(1e5)))["data"]
    assert len(trace["x"]) == len(trace["y"]) == 4000
    assert (trace["x"][0], trace["x"][-1]) == (0, 99_999)


def test_axes_for_a_browser():
    plot = plot_of(Line(X, Y), x=Axis("hours", log=True, low=0.01, high=100), y=Axis("y", low=0))
    x, y = plot["layout"]["xaxis"], plot["layout"]["yaxis"]
    assert (x["type"], x["range"]) == ("log", [-2, 2])
    assert (y["type"], y["rangemode"]) == ("linear", "tozero")
    assert "range" not in y
    assert plot["layout"]["hovermode"] == "x unified"
    few_items = plot_of(Line(X, Y), x=Axis("items", whole=True))
    assert few_items["layout"]["xaxis"]["dtick"] == 1
    many = plot_of(Line(X * 100, Y), x=Axis("items", whole=True))
    assert "dtick" not in many["layout"]["xaxis"]


def test_what_is_across_is_a_shape():
    level, strip = plot_of(Level(2), Strip(-1, 1))["layout"]["shapes"]
    assert (level["type"], level["y0"], level["y1"]) == ("line", 2, 2)
    assert (strip["type"], strip["y0"], strip["y1"]) == ("rect", -1, 1)


def test_one_x_axis_is_as_wide_as_what_any_row_shows():
    rows = tuple((Panel(Axis("hours"), Axis("y"), (Line(X + at, Y),)),) for at in range(3))
    found = [plot["layout"]["xaxis"] for (plot,) in plots(Chart(rows, same_x=True))]
    assert [axis["range"] for axis in found] == [[1, 6]] * 3


def test_one_legend_below_is_that_of_the_first_panel_of_the_last_row():
    panel = Panel(Axis(), Axis(), (Line(X, Y, "name"),))
    shown = [
        [plot["layout"]["showlegend"] for plot in row]
        for row in plots(Chart(((panel, panel), (panel, panel)), legend_below=True))
    ]
    assert shown == [[False, False], [True, False]]


@pytest.mark.parametrize(("low", "high"), [(1, None), (None, 1), (None, 0)])
def test_half_a_limit_is_refused(low, high):
    with pytest.raises(ValueError, match="are not allowed; both, or 0 and None"):
        Axis("x", low=low, high=high)


def test_a_choice_has_the_first_and_the_last():
    assert few(range(10), 20).tolist() == list(range(10))
    assert few(range(1000), 4).tolist() == [0, 333, 666, 999]
    assert few([], 4).tolist() == []


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01, "0.01"), (500, "500"), (20_000, "20 k"), (3e6, "3 M"), (2e9, "2 G"), (1e-6, "1e-6")],
)
def test_texts_of_ticks(value, text):
    assert text_of_log_tick(value) == text

"""Charts as data, and what is drawn of them."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
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
from tracetide.charts.house_style import COLOURS, text_of_log_tick
from tracetide.charts.interactive import plots

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


# Data that is valid and does not vary


def _rows(count, gap, **columns):
    found = {
        "timestamp": np.arange(count) * gap,
        "input_tokens": np.full(count, 100, dtype=np.uint32),
        "output_tokens": np.full(count, 50, dtype=np.uint32),
    }
    lists = pa.list_(pa.field("item", pa.uint32(), nullable=False))
    for name, values in columns.items():
        of_items = name == "image_tokens"
        found[name] = pa.array(values, lists) if of_items else np.broadcast_to(values, count)
    return pa.table(found)


def _u32(values):
    return np.asarray(values, dtype=np.uint32)


DEGENERATE = {
    "constant": _rows(30, 0.1),
    "two": _rows(2, 1.0),
    "no tokens": _rows(2, 1.0, input_tokens=_u32(0), output_tokens=_u32(0)),
    "one burst": _rows(30, 0.1, timestamp=np.append(np.zeros(29), 1000.0)),
    "late": _rows(3, 0.1, timestamp=np.array([10.1, 10.2, 10.25])),
    "short": _rows(3, 1e-6),
    "far apart": _rows(3, 8640000.0),
    "no reasoning": _rows(30, 0.1, reason_tokens=_u32(0)),
    "all reasoning": _rows(30, 0.1, reason_tokens=_u32(50)),
    "no output": _rows(30, 0.1, output_tokens=_u32(0), reason_tokens=_u32(0)),
    "no items": _rows(30, 0.1, text_tokens=_u32(100), image_tokens=[[]] * 30),
    "all items": _rows(30, 0.1, text_tokens=_u32(0), image_tokens=[[100]] * 30),
    "items of nothing": _rows(2, 0.1, input_tokens=_u32(0), text_tokens=_u32(0), image_tokens=[[0]] * 2),
    "two clients": _rows(2, 1.0, client_id=_u32([0, 1])),
    "a client each": _rows(30, 0.1, client_id=_u32(range(30))),
    "one conversation": _rows(30, 0.1, session_id=np.uint64(0)),
    "no conversation": _rows(30, 0.1, session_id=np.arange(30, dtype=np.uint64)),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_data_that_does_not_vary_is_drawn(name, tmp_path):
    pytest.importorskip("matplotlib")
    found = tt.characterize(DEGENERATE[name])
    for finding in found.findings.values():
        finding.draw(tmp_path / f"{finding.name}.svg")
        json.dumps(plots(finding.chart), allow_nan=False)
    assert len(list(tmp_path.iterdir())) == len(found.findings) >= 4


@pytest.mark.parametrize("name", ["constant", "two", "no tokens", "one burst", "late", "items of nothing"])
def test_data_that_does_not_vary_is_drawn_compared(name, tmp_path):
    pytest.importorskip("matplotlib")
    for other in (name, "constant"):
        found = tt.compare(DEGENERATE[name], DEGENERATE[other], interval=0.1)
        found.draw(tmp_path / "compared.svg")
        json.dumps(plots(found.chart), allow_nan=False)


@pytest.mark.parametrize("times", [np.arange(4.0), np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 5.0])])
def test_conversations_that_do_not_vary_are_drawn_upsampled(times, tmp_path):
    pytest.importorskip("matplotlib")
    log = _rows(times.size, 1.0, timestamp=times, session_id=np.arange(times.size, dtype=np.uint64) // 2)
    tt.compare_upsampling(tt.read(log), 2.0).draw(tmp_path / "both.svg")
    assert (tmp_path / "both.svg").stat().st_size > 1000


@pytest.mark.parametrize("seconds", [1e-6, 100.0])
def test_targets_that_nothing_or_everything_keeps_are_drawn(seconds, tmp_path):
    pytest.importorskip("matplotlib")
    log = tt.read(DEGENERATE["constant"])
    tt.provision.grid(log, "a100x2-14b", ttft=[seconds], tbt=[seconds]).draw(tmp_path / "grid.svg")
    assert (tmp_path / "grid.svg").stat().st_size > 1000


def test_a_logarithmic_axis_of_nothing_above_0_is_a_linear_one(tmp_path):
    pytest.importorskip("matplotlib")
    from tracetide.charts.picture import draw

    flat = Line(X, np.zeros(3))
    none = Line(X[:0], X[:0])
    for mark in (flat, none, Dots(X, -X, style=1)):
        panel = Panel(Axis("x", log=True), Axis("y", log=True, low=0, high=0, room=1.2), (mark,))
        draw(Chart(((panel,),)), tmp_path / "flat.svg")
    same = Panel(Axis("x", low=2, high=2), Axis("y"), (flat,))
    draw(Chart(((same,),)), tmp_path / "same.svg")
    assert plot_of(flat, x=Axis("x", low=0, high=0))["layout"]["xaxis"]["rangemode"] == "tozero"
    assert "range" not in plot_of(flat, x=Axis("x", low=2, high=2))["layout"]["xaxis"]
    ((plot,),) = plots(Chart(((Panel(Axis("hours"), Axis(), (none,)),),), same_x=True))
    assert "range" not in plot["layout"]["xaxis"]

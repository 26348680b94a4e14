"""Windows as a table, filters, and distributions across clients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import small_profiles as small
import tracetide as tt
from cli_tools import fails, succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from tracetide.describe import describe


def pmf(*values):
    return small.IntegerPmf(list(values), [1 / len(values)] * len(values))


@pytest.fixture(scope="module")
def pool() -> tt.ClientPool:
    """Three clients over 4 windows of 10 minutes and 2 epochs."""
    first = {"input_tokens": pmf(1, 2, 3, 4), "output_tokens": pmf(10, 1000)}
    second = {"input_tokens": pmf(100, 300), "output_tokens": pmf(5)}
    profile = small.build(
        [
            small.Client([1, 2, 0, 4], "gamma", 4.0, [first, second]),
            small.Client(3.0, "exponential", 1.0, [second, None]),
            small.Client([0, 0, 5, 5], "weibull", 0.5, None),
        ],
        windows=4,
        epoch_windows=2,
    )
    return tt.ClientPool(profile, name="three")


def test_a_row_for_every_active_window(pool):
    table = pool.windows()
    assert isinstance(table, pa.Table)
    frame = table.to_pandas()
    assert frame["start"].tolist() == [0, 0, 600, 600, 1200, 1200, 1800, 1800, 1800]
    assert frame["client"].tolist() == [0, 1, 0, 1, 1, 2, 0, 1, 2]
    assert frame["client_name"].tolist()[:2] == ["client 0", "client 1"]
    assert frame["rate"].tolist() == [1, 3, 2, 3, 3, 5, 4, 3, 5]
    assert frame["requests"].tolist() == [600 * rate for rate in frame["rate"]]
    assert frame["family"].tolist()[:2] == ["Gamma", "Exponential"]
    assert frame["cv"].tolist()[:2] == [0.5, 1.0]
    assert np.isnan(frame["cv"][5])  # not recorded
    assert frame["input_tokens_avg"].tolist()[:5] == [
        2.5,
        200,
        2.5,
        200,
        200,
    ]  # the last from the epoch before
    assert frame["input_tokens_p50"].tolist()[:2] == [2, 100]
    assert frame["input_tokens_p95"].tolist()[:2] == [4, 300]
    assert frame["output_tokens_max"].tolist()[:2] == [1000, 5]
    assert np.isnan(frame["input_tokens_avg"][5])  # no lengths at all


def test_windows_are_cut_to_the_span(pool):
    frame = pool.span(300, 1300).windows().to_pandas()
    assert frame["start"].tolist() == [300, 300, 600, 600, 1200, 1200]
    assert frame["duration"].tolist() == [300, 300, 600, 600, 100, 100]


def test_ranges_and_short_names(pool):
    assert len(pool.filter(cv=(0.5, 1)).windows()) == 7
    assert len(pool.filter(cv=(0.6, None)).windows()) == 4
    assert len(pool.filter(avg_input=(None, 10)).windows()) == 2
    assert len(pool.filter(max_output=500).windows()) == 5
    assert len(pool.filter(max_output=(6, 5000)).windows()) == 2
    assert len(pool.filter(rate=(4, 5), family="Gamma").windows()) == 1
    assert len(pool.filter(input_tokens_p95=(200, 400)).filter(rate=(3, 3)).windows()) == 4


def test_a_predicate_over_columns(pool):
    narrowed = pool.filter(lambda w: (w["rate"] > 2) & (w["client_name"] == "client 1"))
    assert set(narrowed.windows()["client"].to_pylist()) == {1}
    assert len(pool.filter(lambda w: w["output_tokens_p99"] > 100 * w["input_tokens_p50"]).windows()) == 2


def test_filters_compose_and_change_nothing(pool):
    before = pool.profile.to_bytes()
    one = pool.filter(cv=(0.5, 1)).span(600, 2400).filter(rate=(2, 3))
    two = pool.span(600, 2400).filter(rate=(2, 3)).filter(cv=(0.5, 1))
    assert one.windows() == two.windows()
    assert pool.profile.to_bytes() == before
    assert len(pool.windows()) == 9


def test_what_filters_leave_is_told(pool):
    # Requests in windows of 600 s: the first client 600, 1200, 0 and 2400, the second 1800 in each, the third
    # 3000 in each of the last two.
    assert pool.kept is None
    assert pool.span(0, 1200).kept is None
    left = pool.filter(max_input=50)
    assert left.kept == (1, 3, pytest.approx(1800 / 17400))
    assert left.span(0, 1200).kept == (1, 2, pytest.approx(1800 / 5400))
    assert pool.span(300, 1200).filter(max_input=50).kept == (1, 2, pytest.approx(1500 / 4200))
    assert pool.top(2).kept == (2, 3, pytest.approx(13200 / 17400))
    assert pool.top(2).select("client 1").kept == (1, 3, pytest.approx(7200 / 17400))
    assert pool.filter(rate=(0, None)).kept == (3, 3, 1)
    assert pool.filter(rate=(9, None)).kept == (0, 3, 0)
    assert left.with_arrivals(tt.Exponential()).kept is None
    assert describe(left).details["kept"] == {
        "clients": 1, "of_clients": 3, "requests": pytest.approx(1800 / 17400)
    }  # fmt: skip
    assert "kept" not in describe(pool).details


@pytest.mark.parametrize(
    "command",
    [
        ("describe", "p.tide"),
        ("windows", "p.tide", "-o", "w.csv"),
        ("generate", "p.tide", "-o", "t.csv"),
        ("provision", "p.tide", "--instances", "1"),
    ],
)
def test_every_command_tells_what_filters_leave(pool, command, tmp_path):
    pool.write(tmp_path / "p.tide")
    narrowing = ("--filter", "max_input=50", "--top", "1")
    said = succeeds(*command, *narrowing, cwd=tmp_path).stderr.decode()
    assert (
        "tracetide: warning: --filter and --top: 1 of 3 clients are left, with 10.3 % of the requests; what "
        "is left out is all that a client sends in a window, not single requests\n"
    ) in said
    assert "--filter" not in succeeds(*command, "--span", "0..1200", cwd=tmp_path).stderr.decode()


def test_what_is_filtered_out_does_not_send(pool):
    narrowed = pool.filter(max_output=500)
    trace = tt.generate(narrowed, scale=1.0)
    assert set(trace.client_id.tolist()) == {0, 1}
    assert trace.output_tokens.max() <= 5
    # Rates of those that stay are their own.
    assert len(trace) == 600 * (3 + 3 + 3 + 4 + 3)


def test_the_largest_clients(pool):
    with_lengths = pool.select([0, 1])
    assert set(with_lengths.top(1).windows()["client"].to_pylist()) == {1}
    assert set(pool.top(2).windows()["client"].to_pylist()) == {1, 2}
    assert set(pool.span(0, 1200).top(2).windows()["client"].to_pylist()) == {0, 1}
    assert set(pool.top(1, by="avg_output").windows()["client"].to_pylist()) == {0}
    assert set(pool.select("client 2").windows()["client"].to_pylist()) == {2}
    assert set(pool.select([2, "client 0"]).windows()["client"].to_pylist()) == {0, 2}
    assert len(pool.top(50).windows()) == 9


def test_nothing_left_is_a_pool_without_windows(pool):
    nothing = pool.filter(rate=(100, 200))
    assert len(nothing.windows()) == len(nothing.cdfs()) == 0
    with pytest.raises(ValueError, match="no requests"):
        tt.generate(nothing)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.filter(cvv=(1, 2)), "filter: there is no column 'cvv'; there are avg_input"),
        (lambda p: p.filter(cv=1), r"filter cv: 1 is not allowed; it must be a pair \(low, high\)"),
        (lambda p: p.filter(cv=(2, 1)), r"filter cv: \(2, 1\) is not allowed"),
        (lambda p: p.filter(cv=("a", 1)), "filter cv: .* is not allowed"),
        (lambda p: p.filter(cv=(float("nan"), 1)), "filter cv: .* is not allowed"),
        (lambda p: p.filter(max_input="x"), "filter max_input: .* or the highest"),
        (lambda p: p.filter(family="Pareto"), "filter family: 'Pareto' is not allowed"),
        (lambda p: p.filter(client_name=("a", "b")), "there is no column 'client_name'"),
        (lambda p: p.filter(lambda w: w["rate"]), "a predicate that gives float64 of shape"),
        (lambda p: p.filter(lambda w: True), r"a predicate that gives bool of shape \(\) is not allowed"),
        (lambda p: p.top(0), "top: 0 clients are not allowed"),
        (lambda p: p.top(1, by="x"), "there is no column 'x'"),
        (lambda p: p.select("nobody"), "there is no client 'nobody' in three"),
        (lambda p: p.select([7]), "client 7 is not allowed; it must be a name, or a number from 0 to 2"),
        (lambda p: p.select([1.5]), r"client 1\.5 is not allowed"),
        (lambda p: p.select(True), "client True is not allowed"),
        (lambda p: p.filter("rate > 2"), "filter: 'rate > 2' is not allowed; it must be a function"),
    ],
)
def test_what_is_wrong_is_named(pool, make, message):
    with pytest.raises(ValueError, match=message):
        make(pool)


def test_cdfs_across_clients(pool):
    frame = pool.cdfs().to_pandas()
    rates = frame[(frame["column"] == "rate") & (frame["start"] == 1800)]
    assert rates["value"].tolist() == [3, 4, 5]
    assert rates["probability"].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    inputs = frame[(frame["column"] == "input_tokens_avg") & (frame["start"] == 600)]
    assert inputs["value"].tolist() == [2.5, 200]
    assert inputs["probability"].tolist() == pytest.approx([2 / 5, 1])  # by rate
    assert set(frame["column"]) == {
        "rate", "cv", *(f"{field}_{name}" for field in ("input_tokens", "output_tokens")
                        for name in ("avg", "p50", "p95", "p99")),
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=3, max_size=3), min_size=1, max_size=6)
)
def test_cdfs_agree_with_pandas(rates):
    if not np.any(rates):
        rates[0][0] = 1.0
    clients = [
        small.Client(rate, "gamma", 1.0 + number, {"input_tokens": pmf(number + 1)})
        for number, rate in enumerate(rates)
    ]
    pool = tt.ClientPool(small.build(clients, windows=3))
    windows, cdfs = pool.windows().to_pandas(), pool.cdfs().to_pandas()
    for (start, column), found in cdfs.groupby(["start", "column"], observed=True):
        rows = windows[windows["start"] == start].sort_values(column, kind="stable")
        weight = rows["rate"] if column != "rate" else pd.Series(1.0, rows.index)
        assert found["value"].tolist() == rows[column].tolist()
        assert found["probability"].to_numpy() == pytest.approx((weight.cumsum() / weight.sum()).to_numpy())


def test_multimodal_inputs_are_text_and_items():
    fields = {"text_tokens": pmf(10, 20), "image_count": pmf(0, 2), "image_tokens": pmf(100, 300)}
    pool = tt.ClientPool(small.build([small.Client(20.0, fields=fields)], category="multimodal"))
    row = pool.windows().to_pylist()[0]
    assert row["input_tokens_avg"] == 15 + 200
    assert row["input_tokens_max"] == 20 + 600
    trace = tt.generate(pool)
    assert trace.input_tokens.mean() == pytest.approx(
        215, abs=6 * trace.input_tokens.std() / len(trace) ** 0.5
    )
    assert len(pool.filter(avg_input=(200, 230), max_input=620).windows()) == 1


def test_the_command_line(pool, tmp_path):
    pool.write(tmp_path / "p.tide")
    options = ("--span", "0..1200", "--filter", "cv=..0.9", "--filter", "max_input=50")
    succeeds("windows", "p.tide", *options, "-o", "w.parquet", cwd=tmp_path)
    expected = pool.span(0, 1200).filter(cv=(None, 0.9), max_input=50)
    assert pq.read_table(tmp_path / "w.parquet").to_pandas().equals(expected.windows().to_pandas())
    piped = succeeds("windows", "p.tide", "--cdfs", "--top", "1", cwd=tmp_path)
    assert piped.stdout.decode().splitlines()[0] == '"start","column","value","probability"'
    assert piped.stdout.count(b"\n") == 1 + len(pool.top(1).cdfs())
    succeeds("generate", "p.tide", *options, "-o", "t.arrow", cwd=tmp_path)
    assert tt.Trace.read(tmp_path / "t.arrow") == tt.generate(expected)
    shown = succeeds("describe", "p.tide", "--filter", "family=Gamma", "--json", cwd=tmp_path).stdout
    assert b'"rate"' in shown
    for option, says in (
        ("cv", "'cv' is not allowed; it must be NAME=LOW..HIGH"),
        ("cv=a..b", "--filter cv: 'a' is not allowed; it must be a finite number"),
        ("x=1..2", "there is no column 'x'"),
    ):
        fails("windows", "p.tide", "--filter", option, says=[says], cwd=tmp_path)
    fails(
        "windows", "p.tide", "-o", "w.txt", says=["'w.txt' is not allowed; it must end in .csv"], cwd=tmp_path
    )
    fails("describe", "t.arrow", "--top", "1", says=["for profiles, and 't.arrow' is a trace"], cwd=tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["p.tide", "t.arrow", "w.parquet"]


def test_correlations_on_the_command_line(pool, tmp_path):
    pool.write(tmp_path / "p.tide")
    succeeds(
        "generate", "p.tide", "--coupling", "input_tokens:output_tokens=0.4", "-o", "t.arrow", cwd=tmp_path
    )  # fmt: skip
    expected = tt.generate(pool.select([0, 1]), coupling={("input_tokens", "output_tokens"): 0.4})
    found = tt.Trace.read(tmp_path / "t.arrow")
    assert found.metadata["correlations"] == list(map(list, expected.metadata["correlations"]))
    for wrong in ("input_tokens=0.4", "input_tokens:output_tokens=x", "tight"):
        fails(
            "generate",
            "p.tide",
            "--coupling",
            wrong,
            "-o",
            "x.csv",
            says=["--coupling", wrong.partition("=")[0], "is not allowed"],
            cwd=tmp_path,
        )

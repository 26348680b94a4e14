"""Accumulators over traces, against what NumPy and SciPy say of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import tracetide as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tracetide.measures import intervals
from tracetide.measures.gaps import Gaps
from tracetide.measures.intervals import IntervalSums
from tracetide.measures.source import is_profile, open_source
from tracetide.passes.pieces import ByClient
from tracetide.statistics.distances import ks_distance, wasserstein_distance
from tracetide.statistics.log_histogram import RELATIVE_ERROR, LogHistogram
from tracetide.statistics.points import Points
from tracetide.statistics.whole_numbers import WholeNumbers, points_of_counts

SECOND = 10**9


def parts(column: np.ndarray, sizes: int = 7) -> list[np.ndarray]:
    return [part for part in np.array_split(column, sizes) if part.size]


# Intervals


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 200 * SECOND), min_size=1, max_size=60), st.integers(1, 9))
def test_sums_are_those_of_a_histogram(times, pieces):
    times = np.sort(np.array(times, dtype=np.int64))
    tokens = np.arange(1, times.size + 1)
    sums = IntervalSums(["tokens"])
    for part, values in zip(parts(times, pieces), parts(tokens, pieces), strict=True):
        sums.add(part, values)
    for step in (0.1, 1.0, 10.0):
        found = sums.at(step, 200.0)
        # Whole numbers, as an edge that is a float may be on either side of a time.
        index = times // round(step * SECOND)
        expected = np.bincount(index, minlength=len(found) + 1)[: len(found)]
        assert found.requests.tolist() == expected.tolist()
        assert (
            found.sums["tokens"].tolist() == np.bincount(index, tokens, len(found) + 1)[: len(found)].tolist()
        )


def test_long_traces_have_longer_intervals_and_the_same_sums(monkeypatch):
    monkeypatch.setattr(intervals, "MOST_INTERVALS", 100)
    random = np.random.default_rng(1)
    times = np.sort(random.integers(0, 5000 * SECOND, 2000))
    sums = IntervalSums(["one"])
    for part in parts(times, 50):
        sums.add(part, np.ones(part.size))
    assert sums.step_s == 60
    assert sums.steps()[0] == 60
    found = sums.at(600, 5000)
    assert len(found) == 8  # the ninth is not whole
    assert found.requests.tolist() == np.bincount(times // (600 * SECOND))[:8].tolist()
    with pytest.raises(ValueError, match="10 s is not allowed; it must be a multiple of 60 s"):
        sums.at(10, 5000)
    fixed = IntervalSums([], 1.0)
    with pytest.raises(ValueError, match="interval: 1 s is not allowed; a trace of 4"):
        fixed.add(times)


def test_means_and_rates():
    sums = IntervalSums(["tokens"])
    sums.add(np.array([0, SECOND // 2, 2 * SECOND], dtype=np.int64), np.array([10, 30, 5]))
    found = sums.at(1.0, 3.0)
    assert found.rate.tolist() == [2, 0, 1]
    assert np.array_equal(found.mean("tokens"), [20, np.nan, 5], equal_nan=True)
    assert found.start_s.tolist() == [0, 1, 2]


# Distributions


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-30, 1e30)), min_size=1, max_size=50))
def test_a_log_histogram_is_within_its_error(values):
    counted = LogHistogram()
    for part in parts(np.array(values), 3):
        counted.add(part)
    found = counted.points()
    assert found.total == len(values)
    levels = np.arange(1, len(values) + 1) / len(values)
    # Single precision adds 2^-24.
    assert found.quantiles(levels) == pytest.approx(sorted(values), rel=RELATIVE_ERROR + 2.0**-23)


def test_no_value_is_none():
    counted = LogHistogram()
    counted.add(np.array([np.nan, 2.0]))
    assert counted.points().total == 1
    nothing = Points(np.empty(0), np.empty(0))
    assert np.isnan(nothing.mean)
    assert np.isnan(nothing.quantiles([0.5])).all()
    assert np.isnan(ks_distance(nothing, counted.points()))
    assert np.isnan(wasserstein_distance(counted.points(), nothing))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1)), min_size=1, max_size=60))
def test_whole_numbers_are_counted_exactly(values):
    counted = WholeNumbers()
    for part in parts(np.array(values, dtype=np.uint32), 4):
        counted.add(part)
    found = points_of_counts(counted.counts())
    expected, counts = np.unique(values, return_counts=True)
    assert found.values.tolist() == expected.tolist()
    assert found.weights.tolist() == counts.tolist()
    assert counted.sum == sum(values)


def test_very_many_large_numbers_are_binned(monkeypatch):
    monkeypatch.setattr("tracetide.statistics.whole_numbers._BUDGET", 1000)
    random = np.random.default_rng(2)
    values = np.concatenate([random.integers(0, 100, 1000), random.integers(10**6, 10**8, 20_000)])
    counted = WholeNumbers()
    counted.add(values.astype(np.uint32))
    found = points_of_counts(counted.counts())
    assert found.total == values.size
    assert found.values.size < 1100
    ordered = np.sort(values)
    levels = np.linspace(0.01, 1, 100)
    exact = ordered[np.ceil(levels * values.size).astype(int) - 1]
    assert found.quantiles(levels) == pytest.approx(exact, rel=1 / 32)


@settings(max_examples=60, deadline=None)
@given(*[st.lists(st.integers(0, 20), min_size=1, max_size=30)] * 2)
def test_distances_are_those_of_the_samples(one, other):
    points = [Points.of(values) for values in (one, other)]
    shares = [[np.mean(np.array(values) <= at) for at in range(21)] for values in (one, other)]
    assert ks_distance(*points) == pytest.approx(np.abs(np.subtract(*shares)).max())
    assert wasserstein_distance(*points) == pytest.approx(stats.wasserstein_distance(one, other))


# Gaps


def test_gaps_of_all_and_of_each_client():
    time = np.array([0, 3, 4, 9, 12, 30], dtype=np.int64) * SECOND + np.array([1, 2, 3, 4, 5, 7])
    client = np.array([0, 1, 0, 0, 1, 0], dtype=np.uint32)
    gaps = Gaps()
    found, by_client = [], []
    for rows in (slice(0, 2), slice(2, 5), slice(5, 6)):
        found += gaps.add(time[rows]).tolist()
        order = ByClient(client[rows])
        by_client.append((order.client.tolist(), gaps.by_client(order)))
    assert np.isnan(found[0])
    assert found[1:] == pytest.approx((np.diff(time) / SECOND).tolist(), abs=1e-9)
    clients = [number for numbers, _ in by_client for number in numbers]
    values = np.concatenate([gap for _, gap in by_client])
    for number in (0, 1):
        mine = values[np.array(clients) == number]
        assert np.isnan(mine[0])
        assert mine[1:] == pytest.approx(np.diff(time[client == number]) / SECOND, abs=1e-9)


def test_whole_seconds_do_not_look_like_bursts():
    random = np.random.default_rng(3)
    times = np.floor(np.cumsum(random.exponential(0.25, 20_000))).astype(np.int64) * SECOND
    gap = np.concatenate([Gaps().add(times)[1:]])
    # Poisson arrivals have a CV of 1, to within 1 / sqrt(n); 8 standard errors. As recorded it is 1.8.
    assert gap.std() / gap.mean() == pytest.approx(1, abs=8 / np.sqrt(gap.size))
    recorded = np.diff(times)
    assert recorded.std() / recorded.mean() > 1.7


# Sources


def test_what_has_requests_is_opened(tmp_path):
    pool = tt.load("deepseek-r1").span(0, 600)
    job = tt.Job(pool, rate=5, seed=1)
    trace = job.generate()
    trace.write(tmp_path / "a.csv")
    sources = [open_source(one) for one in (job, trace, tmp_path / "a.csv", tt.scan(tmp_path / "a.csv"))]
    assert [source.name for source in sources] == ["deepseek-r1", "trace", "a.csv", "a.csv"]
    for source in [*sources, open_source(pool, rate=5.0, seed=1)]:
        codes = source.codes(1000)
        pieces = list(source.pieces(["output_tokens"], codes))
        assert np.array_equal(
            np.concatenate([piece.column("output_tokens") for piece in pieces]), trace.output_tokens
        )
        names = np.array(source.names_of(codes))[np.concatenate([piece.client for piece in pieces])]
        if source.client_names is None:
            assert names.tolist() == [f"client {number}" for number in trace.client_id]
        else:
            assert names.tolist() == [pool.client_names[number] for number in trace.client_id]
    assert is_profile("m-small")
    assert is_profile(tmp_path)
    assert not is_profile(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: open_source(tt.load("m-code"), format="native"),
            "format: not allowed for <ClientPool m-code",
        ),
        (lambda: open_source(trace_of([0, 1]), seed=0), "seed: not allowed for <Trace"),
        (lambda: open_source("m-code", rebase=True), "rebase: not allowed for .*; it is for traces"),
        (
            lambda: open_source(trace_of([0, 1]), rate=3.0),
            "rate: not allowed for <Trace .*; it is for profiles",
        ),
        (lambda: open_source(tt.scan(trace_of([0, 1])), rebase=True), "rebase: not allowed for <TraceScan"),
    ],
)
def test_options_that_are_for_others_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def trace_of(times, **columns) -> tt.Trace:
    size = len(times)
    return tt.Trace(
        {
            "timestamp": np.array(times, dtype=np.float64),
            "client_id": np.zeros(size, dtype=np.uint32),
            "input_tokens": np.full(size, 10, dtype=np.uint32),
            "output_tokens": np.full(size, 20, dtype=np.uint32),
            **columns,
        }
    )

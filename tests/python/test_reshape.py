"""Pools from pools: resampled, added, collapsed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import small_profiles as small
import tracetide as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statistics_helpers import accept
from tracetide.base.renewal import gap_cv, integrated_tail
from tracetide.base.vocabulary import EXPONENTIAL, GAMMA, WEIBULL


def pmf(*values):
    return small.IntegerPmf(list(values), [1 / len(values)] * len(values))


def skewed(n=20) -> tt.ClientPool:
    """Rates like 1/rank; client k has inputs of k + 1 tokens."""
    return tt.ClientPool(
        small.build(
            [small.Client(10.0 / (k + 1), "gamma", 0.5, {"input_tokens": pmf(k + 1)}) for k in range(n)]
        ),
        name="skewed",
    )


def rates_of(pool):
    frame = pool.windows().to_pandas()
    return frame.groupby("client")["requests"].sum().to_numpy()


# Resampling


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.integers(1, 120), st.integers(0, 2**64 - 1))
def test_every_client_is_drawn_its_share_of_times(of, n, seed):
    pool = skewed(of).resample(n, seed)
    assert len(pool) == len(set(pool.client_names)) == n
    copies = np.bincount(pool.windows()["input_tokens_avg"].to_numpy().astype(int) - 1, minlength=of)
    assert copies.min() >= math.floor(n / of)
    assert copies.max() <= math.ceil(n / of)


def test_resampling_keeps_the_skew_and_scales_the_rate():
    pool = skewed()
    more = pool.resample(200, seed=1)
    assert rates_of(more).sum() == pytest.approx(10 * rates_of(pool).sum())
    top = np.sort(rates_of(more))[::-1]
    assert top[:10].sum() / top.sum() == pytest.approx(rates_of(pool).max() / rates_of(pool).sum())


def test_the_expected_rate_of_fewer_clients_is_their_share():
    pool = skewed()
    totals = [rates_of(pool.resample(7, seed)).sum() for seed in range(400)]
    mean, error = np.mean(totals), np.std(totals, ddof=1) / 20
    accept(2 * stats.norm.sf(abs(mean - rates_of(pool).sum() * 7 / 20) / error))


def test_as_many_clients_are_the_pool_itself():
    pool = skewed()
    again = pool.resample(20, seed=5)
    assert again.client_names == pool.client_names
    assert tt.generate(again, seed=1) == tt.generate(pool, seed=1)


def test_resampling_is_a_function_of_the_seed():
    pool = skewed()
    assert pool.resample(7, 1) == pool.resample(7, 1)
    assert len({tuple(pool.resample(7, seed).client_names) for seed in range(20)}) > 5


def test_scaled_clients():
    pool = skewed()
    assert len(pool.scale_clients(2.5)) == 50
    assert len(pool.scale_clients(0.01)) == 1
    assert pool.scale_clients(3, seed=2) == pool.resample(60, seed=2)
    # Twice the users are less bursty than the same users sending twice as much.
    users, sending = pool.scale_clients(4).collapse(), pool.collapse()
    assert users.windows()["cv"][0].as_py() < sending.windows()["cv"][0].as_py()


def test_idle_and_filtered_clients_are_not_drawn():
    pool = skewed().filter(input_tokens_avg=(5, 8))
    names = pool.resample(40).client_names
    assert {name.partition("#")[0] for name in names} == {f"client {k}" for k in range(4, 8)}
    assert len(pool.scale_clients(2)) == 8


def test_copies_keep_lengths_correlations_and_the_span():
    lengths = {"input_tokens": pmf(*range(1, 50)), "output_tokens": pmf(*range(1, 50))}
    client = small.Client(5.0, fields=lengths, correlations={("input_tokens", "output_tokens"): 0.5})
    pool = tt.ClientPool(small.build([client], windows=6)).span(600, 1800).resample(3)
    assert (pool.start, pool.end) == (600, 1800)
    assert pool.profile.correlations()["spearman"].tolist() == [0.5] * 3
    assert pool.provenance["resampled"]["clients"] == 3
    trace = tt.generate(pool)
    assert set(trace.client_id.tolist()) == {0, 1, 2}


# Adding


def test_a_sum_has_the_clients_of_both():
    a, b = skewed(3), skewed(2)
    both = a + b
    assert both.client_names == ["client 0", "client 1", "client 2", "client 0#2", "client 1#2"]
    assert rates_of(both).tolist() == [*rates_of(a), *rates_of(b)]
    assert both.name == "skewed + skewed"
    assert sum([a, b]) == both
    assert both.profile.default_counts == "pinned"
    trace = tt.generate(both, seed=3)
    # Clients of the first keep their numbers, and hence every request.
    alone = tt.generate(a, seed=3)
    kept = trace.client_id < 3
    assert (trace.timestamp[kept] == alone.timestamp).all()


def test_windows_and_periods_of_a_sum():
    coarse = tt.ClientPool(
        small.build([small.Client([6.0, 12.0], fields={"input_tokens": pmf(1)})], window_s=1800, windows=2)
    )
    fine = tt.ClientPool(
        small.build(
            [small.Client([1, 2, 3, 4], fields=[{"input_tokens": pmf(7)}, {"input_tokens": pmf(8)}])],
            window_s=1200, windows=4, epoch_windows=2,
        )
    )  # fmt: skip
    both = coarse + fine
    assert (both.window, both.period) == (600, 14400)
    frame = both.windows().to_pandas()
    assert (
        frame[frame["client"] == 0]["rate"].tolist()
        == [6] * 3 + [12] * 3 + [6] * 3 + [12] * 3 + [6] * 3 + [12] * 3 + [6] * 3 + [12] * 3
    )
    second = frame[frame["client"] == 1]
    assert second["rate"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4] * 3
    assert second["input_tokens_avg"].tolist() == [7] * 4 + [8] * 4 + [7] * 4 + [8] * 4 + [7] * 4 + [8] * 4
    assert set(frame[frame["client"] == 0]["input_tokens_avg"]) == {1}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_sum_is_at_every_time_what_its_parts_are(data):
    def make(mark):
        window = data.draw(st.sampled_from([300, 600, 900]))
        windows, epoch_windows = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
        rates = data.draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=windows, max_size=windows))
        rates[0] = rates[0] or 1
        fields = [{"input_tokens": pmf(mark + epoch)} for epoch in range(-(-windows // epoch_windows))]
        client = small.Client(rates, fields=fields)
        profile = small.build([client], window_s=window, windows=windows, epoch_windows=epoch_windows)
        return tt.ClientPool(profile)

    def at(pool, client, time):
        """Rate and mean input."""
        frame = pool.windows().to_pandas()
        row = frame[
            (frame["client"] == client)
            & (frame["start"] <= time)
            & (time < frame["start"] + frame["duration"])
        ]
        return (row["rate"].iloc[0], row["input_tokens_avg"].iloc[0]) if len(row) else (0, 0)

    a, b = make(100), make(200)
    both = a + b
    for time in data.draw(st.lists(st.integers(0, int(both.period) - 1), min_size=5, max_size=5)):
        assert at(both, 0, time) == at(a, 0, time % a.period)
        assert at(both, 1, time) == at(b, 0, time % b.period)


def test_a_sum_with_a_bundled_profile_and_with_clients_by_hand():
    bundled = tt.load("m-small")
    hand = tt.ClientPool([tt.Client(rate=5, input_tokens=10, output_tokens=10, name="mine")], window="10min")
    both = bundled + hand
    assert both.client_names[-1] == "mine"
    assert both.profile.default_counts == "renewal"  # rates by hand are expectations
    assert both.period == bundled.period
    mine = both.select("mine").windows()
    assert len(mine) == 14 * 144
    old = bundled.windows().to_pandas()
    new = both.select(range(len(bundled))).windows().to_pandas()
    assert new["requests"].sum() == pytest.approx(old["requests"].sum(), rel=1e-12)


def test_sums_keep_missing_lengths_and_correlations():
    a = tt.ClientPool(small.build([small.Client(1.0, fields=None), small.Client(1.0)], windows=2))
    b = tt.ClientPool(
        small.build([small.Client(1.0, correlations={("input_tokens", "output_tokens"): 0.25})], window_s=300)
    )
    both = a + b
    assert both.window == 300
    assert (both.profile.ids(True)[0] == 0xFFFFFFFF).all(axis=1).tolist() == [True, False, False]
    assert both.profile.correlations()["client"].tolist() == [2]


def test_a_sum_of_many_pools_says_what_each_was():
    pools = [
        tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1)], name=f"p{number}")
        for number in range(300)
    ]
    found = sum(pools[1:], start=pools[0]).provenance["merged"]
    assert [entry["name"] for entry in found] == [f"p{number}" for number in range(300)]


def test_spans_of_a_sum():
    a, b = skewed(2), skewed(3)
    both = a.span(0, 300) + b.span(0, 300)
    assert (both.start, both.end) == (0, 300)
    with pytest.raises(ValueError, match="add the pools first and take the span then"):
        a.span(0, 300) + b
    reason = tt.ClientPool(small.build([small.Client()], category="reason"))
    with pytest.raises(ValueError, match="categories language and reason are not allowed"):
        a + reason
    with pytest.raises(TypeError):
        a + 1


def test_no_reasonable_common_grid():
    a = tt.ClientPool(small.build([small.Client()], window_s=1e-6, windows=1))
    b = tt.ClientPool(small.build([small.Client()], window_s=86400.0, windows=30))
    with pytest.raises(ValueError, match="what both fit, but they are too many"):
        a + b


# Collapsing


def test_integrated_tails_of_known_laws():
    time = np.array([1e-6, 0.1, 1.0, 5.0])
    for family in (GAMMA, WEIBULL):
        assert integrated_tail(time, family, 1.0) == pytest.approx(np.exp(-time), rel=1e-9)
    # Two exponential stages: E(t) = (1 + t) exp(-2t).
    assert integrated_tail(time, GAMMA, 2.0) == pytest.approx((1 + time) * np.exp(-2 * time), rel=1e-9)


@pytest.mark.parametrize(
    ("family", "shape"),
    [(GAMMA, 0.05), (GAMMA, 0.25), (GAMMA, 4.0), (GAMMA, 100.0), (WEIBULL, 0.4), (WEIBULL, 3.0)],
)
def test_one_process_has_its_own_cv(family, shape):
    if family == GAMMA:
        expected = shape**-0.5
    else:
        expected = math.sqrt(math.gamma(1 + 2 / shape) / math.gamma(1 + 1 / shape) ** 2 - 1)
    found = gap_cv(np.array([3.0]), np.array([family], dtype=np.uint8), np.array([shape]))
    assert found == pytest.approx(expected, rel=1e-3)


def test_poisson_processes_together_are_one():
    found = gap_cv(np.array([1.0, 5, 0.01]), np.full(3, EXPONENTIAL, dtype=np.uint8), np.ones(3))
    assert found == pytest.approx(1, rel=2e-5)


def test_many_rare_processes_are_all_but_poisson():
    n = 3000
    found = gap_cv(np.ones(n), np.full(n, GAMMA, dtype=np.uint8), np.full(n, 0.3))
    assert found == pytest.approx(1, abs=0.01)


def test_the_aggregate_cv_is_what_is_generated():
    clients = [
        small.Client(4.0, "gamma", 0.2),
        small.Client(2.0, "weibull", 0.6),
        small.Client(1.0, "exponential"),
        small.Client(3.0, "gamma", 6.0),
    ]
    pool = tt.ClientPool(small.build(clients, window_s=200_000.0))
    gaps = np.diff(tt.generate(pool, counts="renewal", seed=1).timestamp)
    expected = pool.collapse().windows()["cv"][0].as_py()
    # A hundredth: 20 standard errors of the CV of 2 million gaps that depend little on each other.
    assert np.std(gaps) / np.mean(gaps) == pytest.approx(expected, rel=0.01)


def test_one_client_has_the_lengths_of_all():
    clients = [
        small.Client([1.0, 0], "gamma", 0.5, {"input_tokens": pmf(1, 2), "output_tokens": pmf(7)}),
        small.Client([3.0, 2.0], "gamma", 2.0, {"input_tokens": pmf(2, 9), "output_tokens": pmf(7, 8)}),
        small.Client([9.0, 9.0], fields=None),
    ]
    pool = tt.ClientPool(small.build(clients, windows=2, epoch_windows=1), name="p")
    one = pool.collapse()
    frame = one.windows().to_pandas()
    assert (len(one), one.client_names) == (1, ["all clients"])
    # The share of the one without lengths goes to the others, as in a job.
    assert frame["rate"].tolist() == [13, 11]
    with pytest.warns(tt.MissingDataWarning):
        assert tt.Job(pool).expected == tt.Job(one).expected
    law = one.profile.distribution(one.profile.recorded(0, 0, "input_tokens"))
    assert law["values"].tolist() == [1, 2, 9]
    assert law["probabilities"] == pytest.approx([1 / 8, 1 / 2, 3 / 8], rel=1e-12)
    assert frame["cv"].tolist()[1] == pytest.approx(0.5**0.5, rel=1e-3)
    assert one.provenance["collapsed"] == {"from": "p", "clients": 3}
    assert pool.span(600, 1200).collapse().windows()["rate"].to_pylist() == [11]


def test_items_and_ratios_of_all():
    def client(rate, count, tokens):
        fields = {"image_count": pmf(count), "image_tokens": pmf(tokens), "text_tokens": pmf(5)}
        return small.Client(rate, fields=fields)

    pool = tt.ClientPool(small.build([client(1.0, 1, 100), client(1.0, 3, 500)], category="multimodal"))
    profile = pool.collapse().profile
    tokens = profile.distribution(profile.recorded(0, 0, "image_tokens"))
    assert tokens["probabilities"] == pytest.approx([0.25, 0.75], rel=1e-12)  # by items

    ratios = [
        small.Client(rate, fields={"reason_ratio": small.RealPmf([0.25, 0.5], [p, 1 - p])})
        for rate, p in ((1.0, 1.0), (3.0, 0.5))
    ]
    reason = tt.ClientPool(small.build(ratios, category="reason")).collapse().profile
    law = reason.distribution(reason.recorded(0, 0, "reason_ratio"))
    assert law["values"].tolist() == [0.25, 0.5]
    assert law["probabilities"] == pytest.approx([0.625, 0.375], rel=1e-12)


def test_a_bundled_profile_collapses_and_loses_what_clients_are():
    pool = tt.load("deepseek-r1").span("10:00", "12:00")
    naive = pool.collapse()
    full = pool.windows().to_pandas()
    flat = naive.windows().to_pandas()
    assert flat["requests"].sum() == pytest.approx(full["requests"].sum(), rel=1e-12)
    expected = np.average(full["input_tokens_avg"], weights=full["requests"])
    assert np.average(flat["input_tokens_avg"], weights=flat["requests"]) == pytest.approx(expected, rel=2e-3)
    assert len(tt.generate(naive, seed=1)) == pytest.approx(flat["requests"].sum(), abs=2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.resample(0), "n_clients: 0 is not allowed"),
        (lambda p: p.resample(2.5), "n_clients: 2.5 is not allowed"),
        (lambda p: p.resample(2, seed=-1), "seed: -1 is not allowed"),
        (lambda p: p.scale_clients(0), "factor: 0 is not allowed"),
        (lambda p: p.scale_clients(math.nan), "factor: nan is not allowed"),
        (lambda p: p.scale_clients("2"), "factor: '2' is not allowed"),
        (lambda p: p.scale_clients(None), "factor: None is not allowed"),
        (lambda p: p.scale_clients(1e300), r"factor: 1e\+300 is not allowed"),
        (lambda p: p.filter(rate=(99, 100)).resample(2), "no client of skewed is active"),
        (lambda p: p.filter(rate=(99, 100)).collapse(), "no client of skewed that has lengths is active"),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make(skewed())

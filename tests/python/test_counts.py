"""How many requests a client sends in a window, by mode, and what the rate options make of it."""

import numpy as np
import oracle
import pytest
from small_profiles import Client, build, one_client
from statistics_helpers import (
    accept,
    binomial,
    chi_square,
    ks_two_sample,
    mean_vector,
    poisson,
    uncorrelated,
    z_mean,
    z_variance,
)
from trace_tools import assert_same, cells_of, collect, nanoseconds, rows
from tracetide import _core


def counts_of(profile, **options):
    """Requests by window and client."""
    return cells_of(profile, collect(profile, **options)).counts


def window_totals(job, trace):
    ns = nanoseconds(trace)
    return np.diff(np.searchsorted(ns, job.window_starts_ns))


# Pinned


def test_pinned_counts_are_floor_or_ceiling_and_totals_exact_to_one_request():
    rates = np.array([0.013, 0.31, 1.7, 0.05, 2.24, 0.009])
    profile = build([Client(rate) for rate in rates], window_s=10, windows=5000)
    counts = counts_of(profile, counts="pinned", seed=1)
    expected = rates * 10
    assert (counts >= np.floor(expected)).all()
    assert (counts <= np.ceil(expected)).all()
    assert (np.abs(counts.sum(axis=1) - expected.sum()) < 1).all()
    # Systematic: so is every run of consecutive clients.
    assert (np.abs(counts[:, 1:4].sum(axis=1) - expected[1:4].sum()) < 1).all()


@pytest.mark.parametrize("per_window", [0.01, 0.2, 0.5, 0.97, 3.25, 40.6])
def test_pinned_expectation_is_rate_times_length(per_window):
    windows = 20_000
    profile = build([Client(per_window / 10)] * 4, window_s=10, windows=windows)
    counts = counts_of(profile, counts="pinned", seed=2)
    base = int(np.floor(per_window))
    for client in range(4):
        accept(
            binomial(int((counts[:, client] - base).sum()), windows, per_window - base), f"client {client}"
        )
    total = 4 * per_window
    accept(binomial(int((counts.sum(axis=1) - np.floor(total)).sum()), windows, total % 1), "total")


def test_pinned_rounding_is_independent_between_windows():
    profile = one_client(0.05, window_s=10, windows=40_000)
    counts = counts_of(profile, counts="pinned", seed=3)[:, 0]
    for lag in (1, 2, 3, 7):
        accept(uncorrelated(counts[:-lag], counts[lag:]), f"lag {lag}")


def test_pinned_total_at_a_constant_rate_is_exact():
    profile = build([Client(r, "gamma", 0.2) for r in (0.1, 0.2, 0.7)], window_s=600, windows=6)
    job = _core.Job(profile, rate=100.0, counts="pinned", seed=4)
    trace = collect(profile, rate=100.0, counts="pinned", seed=4)
    assert job.expected == pytest.approx(360_000)
    assert abs(trace["timestamp"].size - 360_000) <= 1
    assert job.count() == trace["timestamp"].size
    assert (np.abs(window_totals(job, trace) - 60_000) <= 1).all()


# Renewal


@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 2.5, 20.0, 1000.0])
@pytest.mark.parametrize("per_window", [0.01, 0.6, 4.0])
def test_renewal_counts_follow_renewal_theory(shape, per_window):
    family = "exponential" if shape == 1 else "gamma"
    profile = build([Client(per_window / 10, family, shape)] * 10, window_s=10, windows=5000)
    counts = counts_of(profile, counts="renewal", seed=5).ravel()
    pmf = oracle.gamma_count_pmf(shape, per_window)
    mean, variance = oracle.moments(pmf)
    assert mean == pytest.approx(per_window, rel=1e-6)
    accept(z_mean(counts, per_window, variance), "mean")
    top = max(int(counts.max()), pmf.size - 1) + 1
    accept(chi_square(np.bincount(counts, minlength=top), np.pad(pmf, (0, top - pmf.size))), "law")
    if per_window >= 0.6:
        accept(z_variance(counts, per_window, variance), "variance")


def test_renewal_counts_of_a_poisson_client_have_equal_mean_and_variance():
    profile = one_client(3.0, window_s=10, windows=20_000)
    counts = counts_of(profile, counts="renewal", seed=6)[:, 0]
    accept(poisson(int(counts.sum()), 30 * 20_000))
    accept(z_variance(counts, 30, 30))


def test_renewal_variance_of_a_long_window_tends_to_squared_cv_times_mean():
    # Var N = cv^2 L + (1 + cv^4 ... ) / 6 + ...; exact value from theory, and the limit within 10 %.
    shape, per_window = 0.5, 200.0
    profile = one_client(per_window / 100, "gamma", shape, window_s=100, windows=20_000)
    counts = counts_of(profile, counts="renewal", seed=7)[:, 0]
    _, variance = oracle.moments(oracle.gamma_count_pmf(shape, per_window))
    assert variance == pytest.approx(per_window / shape, rel=0.1)
    accept(z_mean(counts, per_window, variance))
    accept(z_variance(counts, per_window, variance))


@pytest.mark.parametrize("shape", [0.4, 0.8, 3.0, 40.0])
def test_renewal_counts_of_weibull_gaps_agree_with_the_oracle(shape):
    profile = build([Client(0.5, "weibull", shape)] * 4, window_s=10, windows=5000)
    counts = counts_of(profile, counts="renewal", seed=8).ravel()
    rng = np.random.default_rng(8)
    expected = [oracle.renewal_arrivals(rng, 0.5, 10.0, oracle.WEIBULL, shape).size for _ in range(20_000)]
    accept(ks_two_sample(counts, expected))
    accept(z_mean(counts, 5.0, counts.var()))


def test_renewal_clients_and_windows_are_independent():
    profile = build([Client(0.5, "gamma", 0.3)] * 2, window_s=10, windows=20_000)
    counts = counts_of(profile, counts="renewal", seed=9)
    accept(uncorrelated(counts[:, 0], counts[:, 1]), "clients")
    for lag in (1, 2, 5):
        accept(uncorrelated(counts[:-lag, 0], counts[lag:, 0]), f"windows at lag {lag}")
        accept(uncorrelated(counts[:-lag, 0], counts[lag:, 1]), f"clients and windows at lag {lag}")


def test_renewal_count_is_not_known_without_sampling():
    job = _core.Job(one_client(), counts="renewal")
    assert job.count() is None
    assert job.expected == pytest.approx(600)


# The reference's scheme


@pytest.mark.parametrize(
    ("per_window", "expected"),
    [
        (0.3, 0),
        (0.999, 0),
        (1.0, 0),
        (1.001, 1),
        (2.0, 1),
        (5.0, 4),
        (5.25, 5),
        (1000.0, 999),
        (1000.5, 1000),
    ],
)
def test_servegen_sends_one_less_than_the_ceiling(per_window, expected):
    # A second client keeps the job from being empty.
    profile = build([Client(per_window / 8), Client(2)], window_s=8, windows=50)
    counts = counts_of(profile, counts="servegen", seed=10)
    assert (counts[:, 0] == expected).all()
    assert (counts[:, 1] == 15).all()


@pytest.mark.parametrize("window_s", [1.0, 60.0, 600.0, 1000.0, 86_400.0])
def test_servegen_counts_of_whole_expectations_do_not_suffer_from_rounding(window_s):
    # Half a request a second: the expectation is a whole number and has no ceiling above it.
    profile = build([Client(0.5), Client(4.0)], window_s=window_s, windows=2)
    counts = counts_of(profile, counts="servegen", seed=10)
    assert (counts == [max(np.ceil(0.5 * window_s) - 1, 0), 4 * window_s - 1]).all()


def test_servegen_count_is_known_without_sampling():
    profile = build([Client(0.03), Client(0.77), Client(3.1)], window_s=10, windows=30)
    job = _core.Job(profile, counts="servegen")
    assert job.count() == 30 * (0 + 7 + 30)
    assert len(_core.collect(job)) == job.count()


# The grid


@pytest.mark.parametrize("counts", ["pinned", "renewal", "servegen"])
def test_idle_windows_stay_empty(counts):
    rates = np.zeros((3, 40))
    rates[0, ::2] = 5
    rates[1, 10:20] = 2
    rates[2, 39] = 9
    profile = build([Client(rate) for rate in rates], window_s=10, windows=40)
    observed = counts_of(profile, counts=counts, seed=11)
    assert ((observed > 0) == (rates.T > 0)).all()


def test_windows_without_any_client_are_reported_and_left_empty():
    rates = np.array([1.0, 0.0, 0.0, 1.0])
    profile = build([Client(rates)], window_s=10, windows=4)
    job = _core.Job(profile, rate=5.0, counts="pinned")
    assert job.empty_windows == 2
    assert job.expected == pytest.approx(100)
    assert cells_of(profile, collect(profile, rate=5.0, counts="pinned")).counts[:, 0].tolist() == [
        50,
        0,
        0,
        50,
    ]


def test_default_counts_come_from_the_profile():
    for counts in ("pinned", "renewal", "servegen"):
        profile = build([Client()], default_counts=counts)
        job = _core.Job(profile)
        assert job.counts == counts
        assert profile.default_counts == counts
        assert_same(collect(profile), collect(profile, counts=counts))


@pytest.mark.parametrize("counts", ["pinned", "renewal"])
def test_a_shorter_last_window_keeps_its_rate(counts):
    profile = build([Client(20, "gamma", 0.5), Client(4)], window_s=100, windows=10)
    job = _core.Job(profile, duration=250.0, counts=counts, seed=12)
    assert job.windows == 3
    assert job.window_starts_ns.tolist() == [0, 100 * 10**9, 200 * 10**9, 250 * 10**9]
    assert job.expected == pytest.approx(24 * 250)
    trace = collect(profile, duration=250.0, counts=counts, seed=12)
    assert trace["timestamp"].max() < 250
    totals = window_totals(job, trace)
    if counts == "pinned":
        assert (np.abs(totals - [2400, 2400, 1200]) <= 1).all()
    else:
        variance = np.array([100.0, 100.0, 50.0]) * (20 / 0.5 + 4) * 1.05
        assert (np.abs(totals - [2400, 2400, 1200]) < 6.5 * np.sqrt(variance)).all()


def test_the_whole_of_a_shorter_last_window_is_used():
    profile = one_client(0.5, "gamma", 0.5, window_s=100)
    positions = np.concatenate(
        [collect(profile, duration=30.0, counts="pinned", seed=seed)["timestamp"] for seed in range(400)]
    )
    assert positions.size == 400 * 15
    bins = np.histogram(positions.reshape(400, 15), bins=5, range=(0, 30))[0]
    assert bins.sum() == positions.size
    per_job = np.array([np.histogram(job, bins=5, range=(0, 30))[0] for job in positions.reshape(400, 15)])
    accept(mean_vector(per_job[:, :-1], [3, 3, 3, 3]))


def test_a_span_is_cut_before_it_is_repeated():
    rates = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    profile = build([Client(rates)], window_s=10, windows=5)
    job = _core.Job(profile, span_start=10.0, span_end=40.0, duration=80.0, counts="pinned", seed=13)
    trace = collect(profile, span_start=10.0, span_end=40.0, duration=80.0, counts="pinned", seed=13)
    assert job.duration_ns == 80 * 10**9
    assert window_totals(job, trace).tolist() == [20, 30, 40, 20, 30, 40, 20, 30]


def test_a_span_may_start_and_end_inside_a_window():
    rates = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    profile = build([Client(rates)], window_s=10, windows=5)
    options = {"span_start": 15.0, "span_end": 38.0, "duration": 46.0, "counts": "pinned", "seed": 21}
    job = _core.Job(profile, **options)
    assert (job.window_starts_ns / 1e9).tolist() == [0, 5, 15, 23, 28, 38, 46]
    assert window_totals(job, collect(profile, **options)).tolist() == [10, 30, 32] * 2


def test_duration_defaults_to_the_span_and_span_to_the_period():
    profile = one_client(1.0, window_s=10, windows=6)
    assert _core.Job(profile).duration_ns == profile.period_ns == 60 * 10**9
    assert _core.Job(profile, span_start=20.0).duration_ns == 40 * 10**9
    assert _core.Job(profile, span_start=20.0, span_end=50.0).duration_ns == 30 * 10**9


@pytest.mark.parametrize("span", [None, (10.0, 30.0)])
def test_repetitions_differ(span):
    profile = one_client(50.0, window_s=10, windows=4)
    options = {} if span is None else {"span_start": span[0], "span_end": span[1]}
    length = 40 if span is None else 20
    trace = collect(profile, duration=3.0 * length, counts="pinned", seed=14, **options)
    ns = nanoseconds(trace).reshape(3, -1) - np.arange(3)[:, None] * length * 10**9
    assert not np.isin(ns[0], ns[1]).mean() > 0.01
    assert not np.isin(ns[1], ns[2]).mean() > 0.01
    accept(uncorrelated(ns[0], np.random.default_rng(1).permutation(ns[1])))


@pytest.mark.parametrize("counts", ["pinned", "renewal", "servegen"])
@pytest.mark.parametrize("rate", [None, 40.0])
def test_a_span_alone_equals_its_piece_of_the_whole(counts, rate):
    rng = np.random.default_rng(15)
    clients = [
        Client(np.where(rng.random(12) < 0.8, rng.uniform(0.05, 9, 12), 0), family, shape)
        for family, shape in [
            ("exponential", 1),
            ("gamma", 0.2),
            ("gamma", 30),
            ("weibull", 0.4),
            ("weibull", 3),
        ]
    ]
    profile = build(clients, window_s=60, windows=12)
    whole = collect(profile, counts=counts, rate=rate, seed=16)
    start, end = 180.0, 480.0
    piece = rows(whole, (whole["timestamp"] >= start) & (whole["timestamp"] < end))
    alone = collect(profile, counts=counts, rate=rate, seed=16, span_start=start, span_end=end)
    np.testing.assert_array_equal(nanoseconds(alone), nanoseconds(piece) - int(start) * 10**9)
    assert_same(
        {**alone, "timestamp": 0 * piece["timestamp"]}, {**piece, "timestamp": 0 * piece["timestamp"]}
    )


def test_a_shorter_duration_is_a_prefix_up_to_its_last_whole_window():
    profile = build([Client(3, "gamma", 0.3), Client(1)], window_s=60, windows=6)
    whole = collect(profile, counts="renewal", seed=17)
    prefix = collect(profile, counts="renewal", seed=17, duration=180.0)
    assert_same(prefix, rows(whole, whole["timestamp"] < 180))


# Rate options


CURVE = np.array([1.0, 4.0, 2.0, 8.0])


def curve_job(**options):
    profile = build([Client(CURVE * 0.75), Client(CURVE * 0.25)], window_s=100, windows=4)
    options = {"counts": "pinned", "seed": 18, **options}
    job = _core.Job(profile, **options)
    return job, window_totals(job, collect(profile, **options)) / 100


def test_native_rates_are_the_default():
    job, rates = curve_job()
    np.testing.assert_allclose(rates, CURVE, atol=0.011)
    assert job.expected == pytest.approx(CURVE.sum() * 100)


def test_constant_rate_is_shared_by_the_clients_of_each_window():
    rates = np.array([[1.0, 3.0], [3.0, 0.0], [0.0, 1.0]])
    profile = build([Client(rate) for rate in rates], window_s=100, windows=2)
    counts = counts_of(profile, rate=10.0, counts="pinned", seed=19)
    assert (np.abs(counts - [[250, 750, 0], [750, 0, 250]]) <= 1).all()


def test_scale_multiplies_the_native_rates():
    _, rates = curve_job(scale=2.5)
    np.testing.assert_allclose(rates, CURVE * 2.5, atol=0.011)


def test_max_rate_lowers_the_curve_as_a_whole():
    _, rates = curve_job(max_rate=2.0)
    np.testing.assert_allclose(rates, CURVE / 4, atol=0.011)


def test_max_rate_above_the_peak_changes_nothing():
    _, rates = curve_job(max_rate=9.0)
    np.testing.assert_allclose(rates, CURVE, atol=0.011)


def test_max_rate_looks_at_the_span_alone():
    profile = build([Client(CURVE)], window_s=100, windows=4)
    totals = counts_of(profile, max_rate=2.0, span_end=300.0, duration=300.0, counts="pinned")[:3, 0]
    np.testing.assert_allclose(totals, [50, 200, 100], atol=1)


def test_rate_steps_give_each_window_its_total_and_repeat():
    _, rates = curve_job(rate_steps=[3.0, 1.0, 0.0])
    np.testing.assert_allclose(rates, [3, 1, 0, 3], atol=0.011)


def test_rate_points_are_joined_by_lines_and_held_outside():
    _, rates = curve_job(rate_points=[(100.0, 2.0), (200.0, 6.0), (300.0, 0.0)])
    np.testing.assert_allclose(rates, [2, 4, 3, 0], atol=0.011)


def test_rate_points_inside_a_window_give_the_mean_of_the_curve():
    # 0 to 4 within the first quarter of window 1, and down to 2 at its end.
    job, rates = curve_job(rate_points=[(100.0, 0.0), (125.0, 4.0), (200.0, 2.0), (350.0, 2.0), (350.5, 6.0)])
    expected = [0, 0.25 * 2 + 0.75 * 3, 2, 0.5 * 2 + 0.005 * 4 + 0.495 * 6]
    np.testing.assert_allclose(rates, expected, atol=0.011)
    assert job.expected == pytest.approx(100 * np.sum(expected))


def test_one_rate_point_is_a_constant():
    _, rates = curve_job(rate_points=[(50.0, 5.0)])
    np.testing.assert_allclose(rates, 5, atol=0.011)


@pytest.mark.parametrize("counts", ["pinned", "renewal", "servegen"])
def test_very_low_rates_are_kept_or_silent_as_the_mode_says(counts):
    # 0.01 requests a window and client, 200 clients: 2 a window.
    windows = 2000
    profile = build([Client(0.001)] * 199 + [Client(0.3)], window_s=10, windows=windows)
    counts_by_client = counts_of(profile, counts=counts, seed=20).sum(axis=0)
    slow = int(counts_by_client[:-1].sum())
    if counts == "servegen":
        assert slow == 0
        assert counts_by_client[-1] == 2 * windows
    elif counts == "pinned":
        accept(binomial(slow - windows, windows, 0.99))
    else:
        accept(poisson(slow, 1.99 * windows))

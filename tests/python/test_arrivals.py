"""Where requests lie in a window: gaps of every family and shape, phases, first arrivals, window edges."""

import numpy as np
import oracle
import pytest
from scipy import stats
from small_profiles import Client, build, one_client
from statistics_helpers import accept, binomial, ks_one_sample, ks_two_sample, mean_vector, uncorrelated
from trace_tools import cells_of, circular_spacings, collect, nanoseconds

GAMMA_SHAPES = (0.005, 0.007, 0.05, 0.3, 0.8, 1.0, 1.5, 2.5, 20.0, 45_000.0, 1e5)
WEIBULL_SHAPES = (0.15, 0.3, 0.5, 1.0, 2.0, 7.9, 50.0, 1e3, 1e5)
# In renewal mode; shapes below are so bursty that hardly any window holds a request.
RENEWAL_LAWS = [
    ("exponential", 1.0),
    *(("gamma", shape) for shape in GAMMA_SHAPES),
    *(("weibull", shape) for shape in WEIBULL_SHAPES),
]
MODERATE_LAWS = [
    ("exponential", 1.0),
    ("gamma", 0.05),
    ("gamma", 0.3),
    ("gamma", 2.5),
    ("gamma", 200.0),
    ("weibull", 0.5),
    ("weibull", 2.0),
    ("weibull", 30.0),
]
# Gaps are seen in whole nanoseconds; laws are compared from here on, where that does not matter.
RESOLVED_S = 1e-6
RESOLVED_SHARE = (1e-7, 1 - 1e-7)  # of a window of 10 s

EDGES = np.array([0, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99, 1.0])


def family_id(family: str) -> int:
    return oracle.FAMILIES.index(family)


# Renewal


@pytest.mark.parametrize(("family", "shape"), RENEWAL_LAWS)
def test_renewal_gaps_follow_their_law(family, shape):
    # The first 10,000 gaps of a window that is 20 times as long, so that its end selects nothing.
    rate, count = 0.2, 10_000
    profile = one_client(rate, family, shape, window_s=1e6)
    ns = nanoseconds(collect(profile, counts="renewal", seed=1))
    gaps = np.diff(ns[: count + 1]) / 1e9
    assert gaps.size == count
    accept(
        ks_one_sample(
            gaps, lambda t: oracle.gap_cdf(family_id(family), shape, rate, t), within=(RESOLVED_S, np.inf)
        )
    )
    accept(uncorrelated(gaps[:-1] + RESOLVED_S * np.arange(count - 1) / count, gaps[1:]), "consecutive gaps")


@pytest.mark.parametrize(("family", "shape"), MODERATE_LAWS)
def test_renewal_first_arrival_has_the_forward_recurrence_law(family, shape):
    profile = build([Client(0.3, family, shape)] * 10, window_s=10, windows=4000)
    first = cells_of(profile, collect(profile, counts="renewal", seed=2)).first() / 1e9
    accept(
        ks_one_sample(
            first,
            lambda t: oracle.first_arrival_cdf(family_id(family), shape, 0.3, t),
            within=(RESOLVED_S, np.inf),
        )
    )


@pytest.mark.parametrize(("family", "shape"), MODERATE_LAWS)
def test_renewal_gap_after_the_first_arrival_does_not_depend_on_it(family, shape):
    # 50 gaps a window: the second arrival nearly always exists.
    profile = one_client(5, family, max(shape, 0.3), window_s=10, windows=10_000)
    ns = nanoseconds(collect(profile, counts="renewal", seed=3))
    window, position = np.divmod(ns, profile.window_ns)
    starts = np.flatnonzero(np.diff(window, prepend=-1))
    starts = starts[np.diff(starts, append=ns.size) >= 2]
    assert starts.size > 9900
    accept(uncorrelated(position[starts], position[starts + 1] - position[starts]))


# Pinned


@pytest.mark.parametrize("shape", GAMMA_SHAPES)
def test_pinned_gamma_spacings_are_dirichlet(shape):
    count, windows = 5, 20_000
    profile = one_client(0.5, "gamma", shape, window_s=10, windows=windows)
    cells = cells_of(profile, collect(profile, counts="pinned", seed=4))
    assert (cells.counts == count).all()
    spacings = circular_spacings(cells.matrix(0, count), profile.window_ns)
    rng = np.random.default_rng(4)
    # Independent of their order on the circle, which starts with a length-biased one.
    spacings = rng.permuted(spacings, axis=1) / profile.window_ns
    law = oracle.spacing_law(shape, count)
    accept(ks_one_sample(spacings[:, 0], law.cdf, within=RESOLVED_SHARE), "one spacing")
    pair = spacings[:, 0] + spacings[:, 1]
    accept(
        ks_one_sample(pair, stats.beta(2 * shape, (count - 2) * shape).cdf, within=RESOLVED_SHARE),
        "sum of two spacings",
    )


@pytest.mark.parametrize(
    ("family", "shape"),
    [("exponential", 1.0), *(("weibull", shape) for shape in (0.005, 0.05, *WEIBULL_SHAPES))],
)
def test_pinned_spacings_agree_with_the_oracle(family, shape):
    count, windows = 6, 20_000
    profile = one_client(0.6, family, shape, window_s=10, windows=windows)
    cells = cells_of(profile, collect(profile, counts="pinned", seed=5))
    assert (cells.counts == count).all()
    rng = np.random.default_rng(5)
    observed = rng.permuted(circular_spacings(cells.matrix(0, count), profile.window_ns), axis=1)
    logs = oracle.log_gaps(rng, family_id(family), shape, count * windows).reshape(windows, count)
    expected = np.exp(logs - logs.max(axis=1, keepdims=True))
    expected *= profile.window_ns / expected.sum(axis=1, keepdims=True)
    assert (observed.sum(axis=1) == profile.window_ns).all()
    # Both in whole microseconds: a rounded gap may be off by one nanosecond.
    observed, expected = (np.rint(gaps / 1000) for gaps in (observed, expected))
    accept(ks_two_sample(observed[:, 0], expected[:, 0]), "one spacing")
    accept(ks_two_sample(observed.max(axis=1), expected.max(axis=1)), "largest spacing")
    accept(
        ks_two_sample(observed[:, 1] - observed[:, 2], expected[:, 1] - expected[:, 2]), "difference of two"
    )


def test_a_single_pinned_request_is_uniform_over_its_window():
    profile = one_client(0.1, "gamma", 3.0, window_s=10, windows=20_000)
    cells = cells_of(profile, collect(profile, counts="pinned", seed=6))
    assert (cells.counts == 1).all()
    accept(ks_one_sample(cells.first() / profile.window_ns, stats.uniform.cdf))


@pytest.mark.parametrize(
    ("family", "shape"), [*MODERATE_LAWS, ("gamma", 0.005), ("weibull", 0.005), ("gamma", 1e5)]
)
def test_pinned_phase_is_uniform(family, shape):
    # A random request of each window is uniform, whatever the gaps.
    count, windows = 5, 50_000
    profile = one_client(0.5, family, shape, window_s=10, windows=windows)
    cells = cells_of(profile, collect(profile, counts="pinned", seed=7))
    rng = np.random.default_rng(7)
    pick = cells.matrix(0, count)[np.arange(windows), rng.integers(count, size=windows)] / profile.window_ns
    accept(ks_one_sample(pick, stats.uniform.cdf))
    accept(binomial(int((pick < 0.01).sum()), windows, 0.01), "first 1 % of the window")
    accept(binomial(int((pick >= 0.99).sum()), windows, 0.01), "last 1 % of the window")


def test_pinned_requests_of_an_almost_regular_client_keep_one_phase():
    # Gamma(1e5): gaps vary by 0.3 %; 100 requests are a comb.
    profile = one_client(10, "gamma", 1e5, window_s=10, windows=200)
    cells = cells_of(profile, collect(profile, counts="pinned", seed=8))
    spacings = circular_spacings(cells.matrix(0, 100), profile.window_ns) / profile.window_ns
    assert np.abs(spacings * 100 - 1).max() < 8 * 1e5**-0.5
    phase = cells.matrix(0, 100)[:, 0] / profile.window_ns * 100
    accept(ks_one_sample(phase, lambda x: np.clip(x, 0, 1)), "phase within one gap")


# Stationarity: no pattern at window edges


@pytest.mark.parametrize("counts", ["pinned", "renewal"])
@pytest.mark.parametrize(("family", "shape"), MODERATE_LAWS)
def test_arrival_density_is_flat_over_the_window(counts, family, shape):
    rate, window_s = 0.45, 10
    profile = build([Client(rate, family, shape)] * 4, window_s=window_s, windows=25_000)
    density = cells_of(profile, collect(profile, counts=counts, seed=9)).histogram(EDGES)
    expected = np.diff(EDGES) * rate * window_s
    # Pinned counts sum to a constant or one more, which leaves nearly no variance in that direction.
    accept(mean_vector(density[:, :-1], expected[:-1]))


@pytest.mark.parametrize("counts", ["pinned", "renewal"])
def test_arrival_density_is_flat_over_a_large_window(counts):
    # Millions of requests in one window, which the engine makes in slices: 1,000 equal bins.
    profile = one_client(1e6, window_s=2, windows=1)
    ns = nanoseconds(collect(profile, counts=counts, seed=10))
    observed = np.histogram(ns, bins=1000, range=(0, profile.window_ns))[0]
    # Multinomial given the total, for both: exponential gaps on a circle and a Poisson process.
    expected = observed.sum() / 1000
    accept(float(stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), 999)))
    # And near each other: gaps are exponential throughout.
    gaps = np.diff(ns) / 1e9
    accept(
        ks_one_sample(gaps, lambda t: oracle.gap_cdf(oracle.EXPONENTIAL, 1, 1e6, t), within=(2e-7, np.inf))
    )


# The reference's scheme


@pytest.mark.parametrize("shape", GAMMA_SHAPES)
def test_servegen_gaps_fill_the_window_from_its_start(shape):
    # 5.5 expected: 6 gaps, the last dropped, each Beta(k, 5k) of the window.
    windows = 20_000
    profile = one_client(0.55, "gamma", shape, window_s=10, windows=windows)
    cells = cells_of(profile, collect(profile, counts="servegen", seed=11))
    assert (cells.counts == 5).all()
    positions = cells.matrix(0, 5) / profile.window_ns
    law = oracle.spacing_law(shape, 6)
    accept(ks_one_sample(positions[:, 0], law.cdf, within=RESOLVED_SHARE), "first gap")
    accept(ks_one_sample(1 - positions[:, 4], law.cdf, within=RESOLVED_SHARE), "dropped gap")
    accept(ks_one_sample(positions[:, 3] - positions[:, 2], law.cdf, within=RESOLVED_SHARE), "an inner gap")


# Extremes


@pytest.mark.parametrize("counts", ["pinned", "servegen"])
@pytest.mark.parametrize(
    ("family", "shape"),
    [
        ("gamma", 0.005),
        ("gamma", 0.007),
        ("gamma", 45_230.0),
        ("gamma", 1e5),
        ("weibull", 0.005),
        ("weibull", 1e5),
    ],
)
def test_extreme_shapes_keep_every_request_inside_the_window(counts, family, shape):
    profile = one_client(1000, family, shape, window_s=10, windows=20)
    trace = collect(profile, counts=counts, seed=12)
    ns = nanoseconds(trace)
    expected = 10_000 if counts == "pinned" else 9_999
    assert np.isfinite(trace["timestamp"]).all()
    assert (np.bincount(ns // profile.window_ns, minlength=20) == expected).all()


def test_many_requests_of_an_extremely_bursty_client_agree_with_the_oracle():
    # 2,000 gaps of Gamma(0.007) sum to about 14 variates' worth: a few clusters in each window.
    count, windows = 2000, 400
    profile = one_client(200, "gamma", 0.007, window_s=10, windows=windows)
    cells = cells_of(profile, collect(profile, counts="pinned", seed=13))
    spacings = (
        np.sort(circular_spacings(cells.matrix(0, count), profile.window_ns), axis=1) / profile.window_ns
    )
    rng = np.random.default_rng(13)
    expected = np.array(
        [np.sort(oracle.normalised(oracle.log_gaps(rng, oracle.GAMMA, 0.007, count))) for _ in range(windows)]
    )
    for rank in (1, 2, 5, 20, 100):
        accept(ks_two_sample(spacings[:, -rank], expected[:, -rank]), f"spacing {rank} of the largest")

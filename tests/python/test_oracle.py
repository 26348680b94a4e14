"""The oracle agrees with theory, and the engine with the oracle: on synthetic profiles and on real data."""

import numpy as np
import oracle
import pytest
from scipy import stats
from small_profiles import Client, IntegerPmf, Quantiles, RealPmf, build, zipf
from statistics_helpers import accept, chi_square, chi_square_two_sample, ks_one_sample, ks_two_sample, z_mean
from trace_tools import cells_of, collect

# The oracle against theory


@pytest.mark.parametrize("shape", [0.02, 0.3, 1.0, 2.5, 50.0, 4000.0])
@pytest.mark.parametrize("expected", [0.01, 0.7, 5.0, 60.0])
def test_count_law_has_the_right_mass_and_mean(shape, expected):
    pmf = oracle.gamma_count_pmf(shape, expected)
    mean, variance = oracle.moments(pmf)
    assert pmf.sum() == pytest.approx(1, abs=1e-9)
    assert mean == pytest.approx(expected, rel=1e-6)
    if shape == 1:
        np.testing.assert_allclose(pmf, stats.poisson.pmf(np.arange(pmf.size), expected), atol=1e-12)
        assert variance == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("family", "shape"), [(0, 1.0), (1, 0.3), (1, 4.0), (2, 0.6), (2, 3.0)])
def test_oracle_gaps_and_first_arrivals_follow_their_laws(family, shape):
    rng = np.random.default_rng(1)
    gaps = np.exp(oracle.log_gaps(rng, family, shape, 20_000)) / 3.0
    accept(ks_one_sample(gaps, lambda t: oracle.gap_cdf(family, shape, 3.0, t)))
    accept(z_mean(gaps, 1 / 3.0, oracle.squared_cv(family, shape) / 9.0))
    first = [oracle.renewal_arrivals(rng, 3.0, 2.0, family, shape)[:1] for _ in range(4000)]
    first = [arrival[0] if arrival.size else np.inf for arrival in first]
    accept(ks_one_sample(first, lambda t: oracle.first_arrival_cdf(family, shape, 3.0, t)))


def test_first_arrival_cdf_is_the_integral_of_the_survival_function():
    t = np.linspace(0, 4, 400_001)
    for family, shape in [(0, 1.0), (1, 0.3), (1, 4.0), (2, 0.6), (2, 3.0)]:
        survival = 1.5 * (1 - oracle.gap_cdf(family, shape, 1.5, t))
        survival[0] = 1.5
        integral = np.concatenate([[0], np.cumsum((survival[1:] + survival[:-1]) / 2) * (t[1] - t[0])])
        law = oracle.first_arrival_cdf(family, shape, 1.5, t)
        np.testing.assert_allclose(law[1:], integral[1:], atol=3e-4)


@pytest.mark.parametrize("shape", [0.3, 1.0, 4.0])
def test_oracle_renewal_counts_follow_theory(shape):
    rng = np.random.default_rng(2)
    counts = [oracle.renewal_arrivals(rng, 2.0, 1.5, oracle.GAMMA, shape).size for _ in range(6000)]
    pmf = oracle.gamma_count_pmf(shape, 3.0)
    accept(chi_square(np.bincount(counts, minlength=pmf.size)[: pmf.size], pmf))


def test_oracle_pinned_counts_are_unbiased():
    rng = np.random.default_rng(3)
    expected = np.array([0.25, 1.5, 0.1, 3.9])
    counts = np.array([oracle.pinned_counts(rng, expected) for _ in range(4000)])
    assert (np.abs(counts.sum(axis=1) - expected.sum()) < 1).all()
    for client in range(4):
        fraction = expected[client] % 1
        accept(z_mean(counts[:, client], expected[client], fraction * (1 - fraction)))


def test_oracle_quantiles():
    pmf = {"kind": "integer_pmf", "values": [3, 5, 9], "probabilities": [0.2, 0.5, 0.3]}
    assert oracle.quantile(pmf, np.array([0, 0.19, 0.21, 0.69, 0.71, 0.999])).tolist() == [3, 3, 5, 5, 9, 9]
    knots = {"kind": "quantiles", "values": [0, 10, 40]}
    assert oracle.quantile(knots, np.array([0, 0.25, 0.5, 0.75, 1])).tolist() == [0, 5, 10, 25, 40]


# The engine against the oracle


def plan_options(options):
    return {name: value for name, value in options.items() if name in ("duration", "rate", "span")}


def assert_equal_counts(ours, theirs, plan):
    """Equal, but for cells whose expectation is a whole number within rounding, which has two ceilings."""
    doubtful = np.zeros(ours.shape, dtype=bool)
    for number, step in enumerate(plan):
        expected = step["expected"]
        doubtful[number, step["client"]] = np.abs(expected - np.rint(expected)) < 1e-12 * (1 + expected)
    assert doubtful.mean() < 0.01
    np.testing.assert_array_equal(ours[~doubtful], theirs[~doubtful])
    assert (np.abs(ours - theirs)[doubtful] <= 1).all()


def compare(profile, *, windows, exact_counts, **options):
    """Counts, gaps and values of the same job by both."""
    options = {"duration": windows * profile.window_ns / 1e9, **options}
    engine_options = dict(options)
    span = engine_options.pop("span", None)
    if span is not None:
        engine_options |= {"span_start": span[0], "span_end": span[1]}
    ours = collect(profile, **engine_options)
    theirs = oracle.generate(profile, **{**options, "seed": 1234})
    cells, expected_cells = cells_of(profile, ours, windows), cells_of(profile, theirs, windows)
    if exact_counts:
        assert_equal_counts(
            cells.counts, expected_cells.counts, oracle.plan(profile, **plan_options(options))
        )
    else:
        accept(
            ks_two_sample(cells.counts[cells.counts > 0], expected_cells.counts[expected_cells.counts > 0]),
            "counts",
        )
    gaps = [which.random_gap(np.random.default_rng(5))[1] for which in (cells, expected_cells)]
    accept(ks_two_sample(*(np.maximum(gap // 1000, 0) for gap in gaps)), "gaps")
    first = [which.first()[which.counts.ravel() > 0] for which in (cells, expected_cells)]
    accept(ks_two_sample(*first), "first arrivals")
    for name in ("input_tokens", "output_tokens", "reason_tokens", "text_tokens"):
        if name in ours:
            accept(ks_two_sample(ours[name], theirs[name]), name)
    accept(
        ks_two_sample(
            *(trace["input_tokens"].astype(float) - trace["output_tokens"] for trace in (ours, theirs))
        ),
        "input less output",
    )
    for kind in oracle.KINDS:
        if f"{kind}_tokens" in ours:
            offsets, values = ours[f"{kind}_tokens"]
            counts = [np.diff(offsets), np.array([items.size for items in theirs[f"{kind}_tokens"]])]
            accept(
                chi_square_two_sample(
                    *(np.bincount(c, minlength=max(map(np.max, counts)) + 1) for c in counts)
                )
            )
            if values.size and counts[1].sum():
                accept(ks_two_sample(values, np.concatenate(theirs[f"{kind}_tokens"])), f"{kind} sizes")


LAWS = [
    ("exponential", 1.0),
    ("gamma", 0.007),
    ("gamma", 0.4),
    ("gamma", 30.0),
    ("weibull", 0.5),
    ("weibull", 6.0),
]


def synthetic(category, laws=LAWS):
    rng = np.random.default_rng(6)
    fields = {
        "language": {"input_tokens": zipf(np.arange(1, 3000)), "output_tokens": Quantiles([1, 30, 100, 900])},
        "reason": {
            "input_tokens": zipf(np.arange(1, 3000)),
            "output_tokens": Quantiles([100, 300, 1000, 9000]),
            "reason_ratio": RealPmf([0.1, 0.2, 0.7, 0.95], [0.3, 0.2, 0.2, 0.3]),
        },
        "multimodal": {
            "text_tokens": zipf(np.arange(1, 300)),
            "output_tokens": zipf(np.arange(1, 100)),
            "image_count": IntegerPmf([0, 1, 2, 9], [0.2, 0.5, 0.2, 0.1]),
            "image_tokens": IntegerPmf([85, 1196, 1230], [0.2, 0.5, 0.3]),
            "audio_count": IntegerPmf([0, 1], [0.8, 0.2]),
            "audio_tokens": Quantiles([50, 400]),
        },
    }[category]
    clients = [
        Client(
            np.where(rng.random(60) < 0.8, rng.uniform(0.05, 1.2, 60), 0), family, shape, [None, fields, None]
        )
        for family, shape in laws
    ]
    return build(clients, window_s=50, windows=60, epoch_windows=20, category=category)


@pytest.mark.parametrize("category", ["language", "reason", "multimodal"])
def test_servegen_mode_has_the_counts_and_laws_of_the_oracle(category):
    compare(
        synthetic(category),
        windows=60,
        exact_counts=True,
        counts="servegen",
        coupling="comonotonic",
        rate=3.7,
    )


@pytest.mark.parametrize("counts", ["pinned", "renewal"])
@pytest.mark.parametrize("category", ["language", "reason", "multimodal"])
def test_other_modes_have_the_laws_of_the_oracle(category, counts):
    laws = [law for law in LAWS if counts == "pinned" or law[1] > 0.1]
    compare(
        synthetic(category, laws),
        windows=60,
        exact_counts=False,
        counts=counts,
        coupling="independent",
        rate=3.7,
    )


@pytest.mark.parametrize(
    ("model", "rate", "start", "windows"),
    [
        ("m-small", 1.0, 3 * 86_400, 72),
        ("deepseek-r1", 0.7, 0, 100),
        ("mm-image", 0.5, 0, 100),
        ("m-large", 1.5, 86_400, 18),
    ],
)
def test_servegen_mode_on_real_data_has_the_counts_and_laws_of_the_oracle(
    servegen_profile, model, rate, start, windows
):
    profile = servegen_profile(model)
    compare(
        profile,
        windows=windows,
        exact_counts=True,
        counts="servegen",
        coupling="comonotonic",
        rate=rate,
        span=(start, start + windows * profile.window_ns / 1e9),
    )

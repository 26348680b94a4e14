"""How the fields of one request depend on each other."""

import pickle

import numpy as np
import pytest
import tracetide as tt
from scipy.stats import norm
from small_profiles import Bins, Client, IntegerPmf, Quantiles, RealPmf, build, one_client, zipf
from statistics_helpers import accept, chi_square, chi_square_two_sample, ks_one_sample, uncorrelated
from trace_tools import assert_same, collect, nanoseconds
from tracetide import _core

INPUT = zipf(np.arange(1, 3001) * 3)
OUTPUT = IntegerPmf(np.arange(50, 550), np.linspace(3, 1, 500) / np.linspace(3, 1, 500).sum())


def trace_of(coupling, *, category="language", seed=1, n=200_000, **fields):
    profile = one_client(n / 100, window_s=100, category=category, **fields)
    return collect(profile, counts="pinned", coupling=coupling, seed=seed)


def assert_monotone(x, y):
    """No two requests are ordered one way by x and the other way by y."""
    order = np.lexsort([y, x])
    assert (np.diff(y[order].astype(float)) >= 0).all()


def level(law, value):
    """The interval of levels u at which a PMF's quantile function is `value`."""
    cumulative = np.cumsum(law.probabilities) / np.sum(law.probabilities)
    place = np.searchsorted(np.asarray(law.values), value)
    return np.concatenate([[0], cumulative])[place], cumulative[place]


def test_comonotonic_fields_share_one_uniform():
    trace = trace_of("comonotonic", input_tokens=INPUT, output_tokens=OUTPUT)
    assert_monotone(trace["input_tokens"], trace["output_tokens"])
    assert_monotone(trace["output_tokens"], trace["input_tokens"])
    # Some level gives both values.
    input_low, input_high = level(INPUT, trace["input_tokens"])
    output_low, output_high = level(OUTPUT, trace["output_tokens"])
    assert (np.maximum(input_low, output_low) <= np.minimum(input_high, output_high) + 1e-8).all()


def test_comonotonic_quantile_fields_are_functions_of_each_other():
    trace = trace_of("comonotonic", input_tokens=Quantiles([0, 4e9]), output_tokens=Quantiles([0, 1e6, 4e9]))
    u = trace["input_tokens"] / 4e9
    expected = np.interp(u, [0, 0.5, 1], [0, 1e6, 4e9])
    assert np.abs(trace["output_tokens"] - expected).max() <= 3
    accept(ks_one_sample(u, lambda x: x))


def test_comonotonic_reasoning_rises_with_the_output():
    ratios = RealPmf([0.1, 0.2, 0.8, 0.9], [0.3, 0.2, 0.3, 0.2])
    outputs = IntegerPmf(np.arange(1000, 2000), np.ones(1000))
    trace = trace_of(
        "comonotonic", category="reason", output_tokens=outputs, reason_ratio=ratios, input_tokens=INPUT
    )
    ratio = trace["reason_tokens"] / trace["output_tokens"]
    nearest = np.abs(ratio[:, None] - ratios.values).argmin(axis=1)
    assert_monotone(trace["output_tokens"], nearest)
    assert_monotone(trace["input_tokens"], nearest)
    assert_monotone(trace["input_tokens"], trace["output_tokens"])


def test_comonotonic_multimodal_fields_share_one_uniform():
    trace = trace_of(
        "comonotonic",
        category="multimodal",
        text_tokens=INPUT,
        output_tokens=OUTPUT,
        image_count=IntegerPmf([0, 1, 5], [0.3, 0.4, 0.3]),
        image_tokens=zipf(np.arange(1, 2000)),
        audio_count=IntegerPmf([0, 2], [0.5, 0.5]),
        audio_tokens=zipf(np.arange(1, 2000)),
    )
    images, audios = np.diff(trace["image_tokens"][0]), np.diff(trace["audio_tokens"][0])
    for column in (trace["output_tokens"], images, audios):
        assert_monotone(trace["text_tokens"], column)
    assert set(np.unique(images)) == {0, 1, 5}


def test_comonotonic_requests_are_independent_of_each_other_and_of_gaps():
    profile = one_client(100, window_s=1000, input_tokens=Quantiles([0, 4e9]))
    trace = collect(profile, counts="renewal", coupling="comonotonic", seed=3)
    gaps = np.diff(nanoseconds(trace))
    accept(uncorrelated(gaps, trace["input_tokens"][1:]))
    accept(uncorrelated(gaps, trace["input_tokens"][:-1]))
    for lag in (1, 2, 8, 32):
        accept(uncorrelated(trace["input_tokens"][:-lag], trace["input_tokens"][lag:]), f"lag {lag}")


def test_coupling_changes_neither_arrivals_nor_marginals():
    one, other = (
        trace_of(coupling, input_tokens=INPUT, output_tokens=OUTPUT)
        for coupling in ("independent", "comonotonic")
    )
    np.testing.assert_array_equal(one["timestamp"], other["timestamp"])
    for name, law in (("input_tokens", INPUT), ("output_tokens", OUTPUT)):
        top = int(np.max(law.values)) + 1
        accept(
            chi_square_two_sample(
                np.bincount(one[name], minlength=top), np.bincount(other[name], minlength=top)
            )
        )


def test_independent_fields_are_uncorrelated():
    trace = trace_of("independent", input_tokens=INPUT, output_tokens=OUTPUT)
    accept(uncorrelated(trace["input_tokens"], trace["output_tokens"]))
    # Beyond rank correlation: large inputs against each part of the outputs.
    large = trace["input_tokens"] > np.quantile(trace["input_tokens"], 0.9)
    bins = [
        np.histogram(trace["output_tokens"][part], bins=20, range=(50, 550))[0] for part in (large, ~large)
    ]
    accept(chi_square_two_sample(*bins))


def test_a_profile_without_correlations_is_independent():
    profile = one_client(10, input_tokens=INPUT, output_tokens=OUTPUT)
    assert _core.Job(profile).coupling == "independent"
    assert_same(collect(profile), collect(profile, coupling="independent"))


def ranks_correlation(x, y):
    """Spearman's, for columns whose values are all different or nearly so."""
    return np.corrcoef(x.argsort().argsort(), y.argsort().argsort())[0, 1]


FINE = Quantiles([0, 4e9])


@pytest.mark.parametrize("spearman", [-0.95, -0.3, 0.1, 0.6, 0.99])
def test_a_copula_has_the_spearman_correlation_it_is_given(spearman):
    profile = one_client(2000, window_s=100, input_tokens=FINE, output_tokens=FINE)
    options = {"coupling": "copula", "correlations": [("output_tokens", "input_tokens", spearman)]}
    trace = collect(profile, counts="pinned", **options)
    x, y = trace["input_tokens"], trace["output_tokens"]
    n = x.size
    # Fieller, Hartley & Pearson (1957): atanh of Spearman's r is normal with variance 1.06 / (n - 3); their
    # factor holds up to about 0.8, and is below 2 for all correlations here (measured over 1,000 seeds).
    z = (np.arctanh(ranks_correlation(x, y)) - np.arctanh(spearman)) / np.sqrt(2 / (n - 3))
    accept(2 * norm.sf(abs(z)), f"{spearman}")
    for column in (x, y):
        accept(ks_one_sample(column / 4e9, lambda u: np.clip(u, 0, 1)))
    normal = norm.ppf(np.array([x, y]) / 4e9)
    # The copula is the Gaussian one: normal scores have Pearson's correlation 2 sin(pi rho / 6), and
    # products of their squares that of two normals.
    expected = 2 * np.sin(np.pi * spearman / 6)
    assert abs(np.corrcoef(normal)[0, 1] - expected) < 6.2 / np.sqrt(n)
    squares = np.corrcoef(normal**2)[0, 1]
    assert abs(squares - expected**2) < 6.2 * 4 / np.sqrt(n)


def test_a_copula_changes_neither_arrivals_nor_marginals():
    options = {"coupling": "copula", "correlations": [("input_tokens", "output_tokens", 0.7)]}
    profile = one_client(2000, window_s=100, input_tokens=INPUT, output_tokens=OUTPUT)
    one = collect(profile, counts="pinned", seed=1)
    other = collect(profile, counts="pinned", seed=1, **options)
    np.testing.assert_array_equal(one["timestamp"], other["timestamp"])
    for name, law in (("input_tokens", INPUT), ("output_tokens", OUTPUT)):
        observed = np.bincount(other[name], minlength=int(np.max(law.values)) + 1)[np.asarray(law.values)]
        assert observed.sum() == other[name].size
        accept(chi_square(observed, np.asarray(law.probabilities)), name)


def test_correlations_of_a_profile_are_those_of_its_clients():
    fields = {"input_tokens": FINE, "output_tokens": FINE}
    pair = ("input_tokens", "output_tokens")
    profile = build(
        [Client(1000, fields=fields, correlations={pair: rho}) for rho in (0.8, 0, -0.6)]
        + [Client(1000, fields=fields)],
        window_s=50,
    )
    trace = collect(profile)
    assert _core.Job(profile).coupling == "copula"
    for client, expected in enumerate([0.8, 0, -0.6, 0]):
        of_client = trace["client_id"] == client
        found = ranks_correlation(trace["input_tokens"][of_client], trace["output_tokens"][of_client])
        assert abs(found - expected) < 6.2 / np.sqrt(50_000)
    independent = collect(profile, coupling="independent")
    accept(uncorrelated(independent["input_tokens"], independent["output_tokens"]))


def test_three_correlated_fields():
    correlations = [
        ("input_tokens", "output_tokens", 0.5),
        ("output_tokens", "reason_ratio", -0.4),
        ("input_tokens", "reason_ratio", 0.2),
    ]
    ratios = Quantiles([0, 1], 0, 1)
    outputs = Quantiles([2_000_000_000, 4e9])  # so large that the ratio can be read off again
    profile = one_client(
        1000, window_s=100, category="reason", input_tokens=FINE, output_tokens=outputs, reason_ratio=ratios
    )
    trace = collect(profile, coupling="copula", correlations=correlations)
    values = {**trace, "reason_ratio": trace["reason_tokens"] / trace["output_tokens"]}
    for a, b, spearman in correlations:
        assert abs(ranks_correlation(values[a], values[b]) - spearman) < 6.2 / np.sqrt(100_000)


def test_numbers_of_a_bin_are_equally_likely():
    law = Bins([3, 4, 10, 11, 500], [0.1, 0.3, 0.2, 0.3, 0.1], 600)
    edges = np.append(law.values, 601)
    expected = np.concatenate(
        [np.full(n, p / n) for n, p in zip(np.diff(edges), law.probabilities, strict=True)]
    )
    for coupling in ("independent", "comonotonic"):
        trace = trace_of(coupling, input_tokens=law, output_tokens=OUTPUT, n=500_000)
        observed = np.bincount(trace["input_tokens"], minlength=601)[3:]
        accept(chi_square(observed, expected), coupling)
        # Where in its bin a value lies has nothing to do with the output, nor with the next request's.
        wide = trace["input_tokens"] >= 500
        accept(
            uncorrelated(trace["input_tokens"][wide], trace["output_tokens"][wide])
            if coupling == "independent"
            else uncorrelated(trace["input_tokens"][wide][1:], trace["input_tokens"][wide][:-1])
        )


def test_items_in_bins_are_drawn_one_by_one():
    law = Bins([1, 2, 100], [0.25, 0.25, 0.5], 355)
    trace = trace_of(
        "independent", category="multimodal", image_count=IntegerPmf([7], [1]), image_tokens=law, n=40_000
    )
    expected = np.concatenate([[0.25], np.full(98, 0.25 / 98), np.full(256, 0.5 / 256)])
    items = trace["image_tokens"][1].reshape(-1, 7)
    accept(chi_square(np.bincount(items.ravel(), minlength=356)[1:], expected))
    for i, j in ((0, 1), (1, 2), (4, 5)):
        accept(uncorrelated(items[:, i], items[:, j]), f"items {i} and {j}")
    accept(uncorrelated(items[:-1, 6], items[1:, 0]))


def test_the_widest_bin_is_drawn_over_all_its_range():
    trace = trace_of("independent", input_tokens=Bins([0], [1.0], 2**32 - 1))
    accept(ks_one_sample(trace["input_tokens"] / 2.0**32, lambda u: u))


def test_job_takes_correlations_by_pairs():
    pool = tt.ClientPool(one_client(50, input_tokens=FINE, output_tokens=FINE))
    job = tt.Job(pool, coupling={("input_tokens", "output_tokens"): 0.5})
    assert job.coupling == "copula"
    assert job.metadata()["correlations"] == [("input_tokens", "output_tokens", 0.5)]
    assert job != tt.Job(pool, coupling={("input_tokens", "output_tokens"): 0.4})
    assert pickle.loads(pickle.dumps(job)) == job
    np.testing.assert_array_equal(
        job.generate()["output_tokens"],
        collect(pool.profile, coupling="copula", correlations=[("output_tokens", "input_tokens", 0.5)])[
            "output_tokens"
        ],
    )


@pytest.mark.parametrize(
    ("coupling", "message"),
    [
        ("other", "coupling: 'other' is not allowed; it must be one of profile"),
        ({}, "coupling: {} is not allowed"),
        (0.5, "coupling: 0.5 is not allowed"),
        ({"input_tokens": 0.5}, "coupling: 'input_tokens' is not allowed; .*mapping such as"),
        ({("input_tokens", "output_tokens"): "x"}, "coupling: 'x' for .* must be a number"),
        ({("input_tokens", "output_tokens"): 1.0}, "correlation: 1 is not allowed"),
        ({("input_tokens", "input_tokens"): 0.5}, "correlation of: input_tokens is not allowed"),
        ({("input_tokens", "tokens"): 0.5}, "coupling: 'tokens' is not allowed; it must be one of"),
        ({("input_tokens", "reason_ratio"): 0.5}, "reason_ratio is not allowed"),
    ],
)
def test_wrong_couplings_are_named(coupling, message):
    with pytest.raises(ValueError, match=message):
        tt.Job(tt.ClientPool(one_client(5)), coupling=coupling)


@pytest.mark.parametrize("coupling", ["independent", "comonotonic"])
def test_job_reports_its_coupling(coupling):
    assert _core.Job(one_client(), coupling=coupling).coupling == coupling

"""How the fields of one request depend on each other."""

import numpy as np
import pytest
from small_profiles import IntegerPmf, Quantiles, RealPmf, one_client, zipf
from statistics_helpers import accept, chi_square_two_sample, ks_one_sample, uncorrelated
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


@pytest.mark.parametrize("coupling", ["independent", "comonotonic"])
def test_job_reports_its_coupling(coupling):
    assert _core.Job(one_client(), coupling=coupling).coupling == coupling

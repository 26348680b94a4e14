"""Counting lengths, making distributions of them, parametric laws and rank correlations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statistics_helpers import accept, chi_square_values, normal_p_value
from tracetide import _core
from tracetide.fit import parametric
from tracetide.fit.correlation import Correlations, mid_ranks, spearman_groups
from tracetide.fit.sample import GroupedSample
from tracetide.fit.ties import hermite_coefficients, spearman_of, untied
from tracetide.profile import empirical_laws as laws
from tracetide.statistics import histogram
from tracetide.statistics.histogram import BIN_BITS, FULL_BITS, Counts, Histograms, coarse, ends

ALL = np.ones(100, dtype=bool)


def counts_of(values) -> Counts:
    found, counts = np.unique(np.asarray(values, dtype=np.uint32), return_counts=True)
    return Counts(found, counts.astype(np.int64), FULL_BITS)


# Histograms


def test_counts_are_exact(monkeypatch):
    monkeypatch.setattr(histogram, "_PENDING", 50)
    generator = np.random.default_rng(1)
    client = generator.integers(0, 3, 5000).astype(np.uint32)
    values = generator.integers(0, 2**32, 5000, dtype=np.uint32) >> generator.integers(0, 31, 5000).astype(
        np.uint32
    )
    histograms = Histograms(1 << 20)
    for part in np.array_split(np.arange(5000), 40):
        histograms.add(client[part], values[part])
    found = dict(histograms.take(np.array([True, False, True])))
    assert sorted(found) == [0, 2]
    found |= dict(histograms.take(ALL))
    assert not dict(histograms.take(ALL))
    for one in range(3):
        expected, counts = np.unique(values[client == one], return_counts=True)
        assert np.array_equal(found[one].values, expected)
        assert np.array_equal(found[one].counts, counts)


def test_too_many_values_are_put_into_bins_that_hold_them_all():
    histograms = Histograms(500)
    values = np.arange(100_000, 200_000, dtype=np.uint32)
    histograms.add(np.zeros(values.size, dtype=np.uint32), values)
    ((_, counts),) = histograms.take(ALL)
    assert counts.values.size <= 500
    assert counts.bits < BIN_BITS
    assert counts.total == values.size
    assert counts.last >= values[-1]
    assert histograms.bits == FULL_BITS


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_a_bin_holds_its_value_and_is_as_narrow_as_it_says(value, bits):
    first, last = coarse(np.array([value], dtype=np.uint32), bits), None
    last = ends(first, bits)
    assert first[0] <= value <= last[0]
    assert coarse(last.astype(np.uint32), bits)[0] == first[0]
    assert last[0] - first[0] < max(first[0] / 2**bits, 1)


# Laws


def test_few_values_are_a_pmf_and_many_are_bins_without_loss_of_mass():
    few = laws.whole_numbers(counts_of([3, 3, 9]))
    assert (few.kind, few.values.tolist(), few.maximum) == ("integer_pmf", [3, 9], 9)
    generator = np.random.default_rng(5)
    values = (generator.lognormal(9, 1, 20_000)).astype(np.uint32)
    counts = counts_of(values)
    made = laws.whole_numbers(counts)
    assert made.kind == "bins"
    assert made.maximum == values.max()
    assert made.probabilities.sum() == pytest.approx(1)
    # Within a bin all numbers are equally likely, so only there can the distribution functions differ.
    cumulative = np.cumsum(made.probabilities)
    at = np.append(made.values[1:].astype(np.int64) - 1, int(made.maximum))
    assert np.allclose(cumulative, np.searchsorted(np.sort(values), at, side="right") / values.size)
    widths = np.diff(made.values.astype(np.int64))[made.probabilities[:-1] > 0]
    assert (widths <= np.maximum(made.values[:-1][made.probabilities[:-1] > 0] / 1024, 1)).all()


def test_few_ratios_are_a_pmf_and_many_their_quantiles():
    ticks = laws.RATIO_TICKS
    few = laws.ratios(counts_of([0, ticks // 2, ticks]))
    assert (few.kind, few.values.tolist()) == ("real_pmf", [0, 0.5, 1])
    generator = np.random.default_rng(6)
    values = np.where(generator.random(50_000) < 0.3, ticks, generator.beta(2, 5, 50_000) * ticks)
    many = laws.ratios(counts_of(values))
    assert many.kind == "quantiles"
    share = np.linspace(0, 1, many.values.size)
    expected = np.quantile(values / ticks, share)
    assert np.abs(many.values - expected).max() < 2e-3
    assert many.values[-1] == 1


# Parametric laws


def test_em_finds_the_mixture_that_lengths_are_from():
    law = _core.Mixture([(0.7, _core.LogNormal(5.0, 0.8)), (0.3, _core.Pareto(1.4, 2000.0))])
    lengths = np.empty(200_000)
    law.sample(lengths, 7, 0)
    _, found = parametric.mixture(counts_of(np.rint(np.minimum(lengths, 4e9))))
    parameters = found.parameters
    assert found.law == "mixture"
    assert parameters["weight"] == pytest.approx(0.3, abs=0.02)
    assert parameters["alpha"] == pytest.approx(1.4, abs=0.05)
    assert parameters["minimum"] == pytest.approx(2000, rel=0.1)
    assert parameters["mu"] == pytest.approx(5.0, abs=0.05)
    assert parameters["sigma"] == pytest.approx(0.8, abs=0.05)
    assert found.ks < 0.01


def test_a_log_normal_law_alone_is_fitted_too():
    lengths = np.rint(np.random.default_rng(8).lognormal(6, 0.5, 50_000))
    made, found = parametric.mixture(counts_of(lengths))
    assert found.ks < 0.01
    assert made.kind == "bins"
    assert made.maximum == lengths.max()


def test_outputs_are_exponential_with_their_mean():
    lengths = np.rint(np.random.default_rng(9).exponential(300, 50_000))
    made, found = parametric.exponential(counts_of(lengths))
    accept(normal_p_value((found.parameters["mean"] - 300) / (300 / np.sqrt(50_000))))
    assert found.ks < 0.01
    assert made.values[0] == lengths.min()
    assert made.maximum == lengths.max()
    _, bad = parametric.exponential(counts_of([100] * 50 + [120] * 50))
    assert bad.ks > 0.1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=30))
def test_every_list_of_lengths_has_parametric_laws(lengths):
    for make in (parametric.exponential, parametric.mixture):
        made, found = make(counts_of(lengths))
        assert made.values[0] >= min(lengths)
        assert made.maximum <= max(lengths)  # less where the law has less than 2^-36 above
        assert 0 <= found.ks <= 1
        assert made.probabilities.sum() == pytest.approx(1)


# Correlations


def test_correlations_are_scipys():
    generator = np.random.default_rng(10)
    client = np.sort(generator.integers(0, 4, 800)).astype(np.uint32)
    first = generator.integers(0, 30, 800).astype(np.uint32)
    second = (first // 3 + generator.integers(0, 10, 800)).astype(np.uint32)
    constant = np.full(800, 5, dtype=np.uint32)
    who, rows, found, products = spearman_groups(client, [first, second, constant])
    assert who.tolist() == [0, 1, 2, 3]
    assert rows.sum() == 800
    for one in range(4):
        own = client == one
        assert np.allclose(mid_ranks(client, first)[own] + 1, stats.rankdata(first[own]))
        assert found[0, one] == pytest.approx(stats.spearmanr(first[own], second[own])[0])
    assert (found[1:] == 0).all()
    assert (products[1:] == 0).all()


def tied(normals, shares):
    """Whole numbers of these shares, in the order of their normals."""
    return np.searchsorted(np.cumsum(shares)[:-1], stats.norm.cdf(normals)).astype(np.uint32)


@pytest.mark.parametrize(
    ("one", "other", "spearman"),
    [
        ([0.8, 0.2], [0.5, 0.5], 0.3),
        ([0.6] + [0.01] * 40, [0.001] * 1000, 0.4),
        ([0.9] + [0.01] * 10, [0.9] + [0.01] * 10, 0.6),
        ([0.3, 0.7], [0.25] * 4, -0.5),
        ([0.001] * 1000, [0.001] * 1000, -0.8),
    ],
)
def test_what_ties_take_is_given_back(one, other, spearman):
    n = 200_000
    first, noise = np.random.default_rng(12).normal(size=(2, n))
    group = np.zeros(n, dtype=np.uint32)
    coefficients = [
        hermite_coefficients(group, tied(values, shares)) for values, shares in ((first, one), (noise, other))
    ]
    normal = 2 * np.sin(np.pi * untied(spearman, coefficients[0][0] * coefficients[1][0]) / 6)
    second = normal * first + np.sqrt(1 - normal**2) * noise
    found = stats.spearmanr(tied(first, one), tied(second, other))[0]
    # Standard error at most 1 / sqrt(n); the coefficients are those of a sample as well.
    assert found == pytest.approx(spearman, abs=8 / np.sqrt(n))


def test_correlations_beyond_what_ties_allow_are_the_largest():
    rows = np.arange(1000, dtype=np.uint32)
    columns = [(rows < 900).astype(np.uint32), (rows < 100).astype(np.uint32)]
    found = spearman_groups(np.zeros(1000, dtype=np.uint32), columns)
    correlations = Correlations(["a", "b"])
    correlations.add(found[0], found[1], np.full((1, 1), 0.9), found[3])
    assert list(correlations.significant()) == [(0, "a", "b", pytest.approx(spearman_of(0.999)))]
    assert correlations.limited == 1


def untied_products(pairs, clients):
    """Of fields without ties."""
    rows = np.arange(1 << 12, dtype=np.uint32)
    one = hermite_coefficients(np.zeros(rows.size, dtype=np.uint32), rows)[0]
    return np.tile(one * one, (pairs, clients, 1))


def test_what_is_not_clear_of_its_noise_is_left_out():
    correlations = Correlations(["input_tokens", "output_tokens"])
    correlations.add(
        np.array([0, 2], dtype=np.uint32),
        np.array([100, 100]),
        np.array([[0.29, -0.31]]),
        untied_products(1, 2),
    )
    assert list(correlations.significant()) == [(2, "input_tokens", "output_tokens", pytest.approx(-0.31))]


def test_a_matrix_that_is_not_positive_definite_is_made_so():
    correlations = Correlations(["a", "b", "c"])
    wild = np.array([[0.9], [0.9], [-0.9]])
    correlations.add(np.zeros(1, dtype=np.uint32), np.array([10_000]), wild, untied_products(3, 1))
    found = {pair[1:3]: pair[3] for pair in correlations.significant()}
    assert correlations.shrunk == 1
    matrix = np.eye(3)
    for (i, a), (j, b) in itertools.combinations(enumerate("abc"), 2):
        matrix[i, j] = matrix[j, i] = 2 * np.sin(np.pi * found[a, b] / 6)
    assert np.linalg.eigvalsh(matrix)[0] > 0
    assert found["a", "b"] == found["a", "c"] == pytest.approx(-found["b", "c"])


# Samples


def sampled(values, sizes, cap, budget=1 << 20):
    sample = GroupedSample(cap, budget, [np.int64])
    for part in np.split(values, np.cumsum(sizes)[:-1]):
        sample.add(np.zeros(part.size, dtype=np.uint32), np.array([0]), np.array([part.size]), [part])
    return sample.take()[1][0]


def test_a_sample_does_not_depend_on_how_rows_come():
    values = np.arange(10_000)
    once = sampled(values, [10_000], 500)
    assert 200 < once.size <= 600
    assert np.array_equal(once, sampled(values, [1] * 100 + [4_900, 5_000], 500))
    assert np.array_equal(sampled(values[:400], [400], 500), values[:400])


def test_a_sample_is_even():
    kept = sampled(np.arange(1 << 18), [1 << 18], 1 << 13)
    accept(chi_square_values(kept % 64, np.arange(64), np.full(64, 1 / 64)))
    accept(chi_square_values(kept >> 12, np.arange(64), np.full(64, 1 / 64)))


def test_all_clients_together_stay_within_the_budget():
    sample = GroupedSample(1 << 16, 10_000, [np.int64])
    clients = np.repeat(np.arange(50, dtype=np.uint32), 2000)
    sample.add(clients, np.arange(50) * 2000, np.full(50, 2000), [np.arange(clients.size)])
    client, (rows,) = sample.take()
    assert rows.size <= 10_000
    assert np.array_equal(np.unique(client), np.arange(50))
    assert np.array_equal(client, clients[rows])

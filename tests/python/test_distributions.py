"""Laws drawn on their own: against SciPy, addressing, arguments."""

import math
import pickle
import re

import numpy as np
import pytest
import tracetide as tt
from scipy import stats
from statistics_helpers import (
    accept,
    binomial,
    chi_square,
    chi_square_two_sample,
    chi_square_values,
    ks_one_sample,
    ks_two_sample,
    uncorrelated,
    z_mean,
    z_variance,
)
from tracetide import _core

N = 1_000_000

CONTINUOUS = {
    "exponential": (tt.Exponential(), stats.expon()),
    "exponential, mean 300": (tt.Exponential(mean=300), stats.expon(scale=300)),
    "gamma, least shape": (tt.Gamma(0.005, scale=1e3), stats.gamma(0.005, scale=1e3)),
    "gamma 0.05": (tt.Gamma(0.05), stats.gamma(0.05)),
    "gamma 0.5": (tt.Gamma(0.5, mean=10), stats.gamma(0.5, scale=20)),
    "gamma just below 1": (tt.Gamma(0.999), stats.gamma(0.999)),
    "gamma 1": (tt.Gamma(1), stats.gamma(1)),
    "gamma 2": (tt.Gamma(2, scale=3), stats.gamma(2, scale=3)),
    "gamma of cv 2": (tt.Gamma(cv=2, mean=5), stats.gamma(0.25, scale=20)),
    "gamma, largest shape": (tt.Gamma(1e5), stats.gamma(1e5)),
    "weibull 0.02": (tt.Weibull(0.02), stats.weibull_min(0.02)),
    "weibull 0.7": (tt.Weibull(0.7, mean=5), stats.weibull_min(0.7, scale=5 / math.gamma(1 + 1 / 0.7))),
    "weibull 3": (tt.Weibull(3, scale=1e-3), stats.weibull_min(3, scale=1e-3)),
    "weibull, largest shape": (tt.Weibull(1e5), stats.weibull_min(1e5)),
    "pareto 0.5": (tt.Pareto(0.5, minimum=2), stats.pareto(0.5, scale=2)),
    "pareto 1.5": (tt.Pareto(1.5), stats.pareto(1.5)),
    "pareto 20": (tt.Pareto(alpha=20, minimum=1e6), stats.pareto(20, scale=1e6)),
    "log-normal": (tt.LogNormal(1, 0.5), stats.lognorm(0.5, scale=math.e)),
    "log-normal, sigma 5": (tt.LogNormal(median=300, sigma=5), stats.lognorm(5, scale=300)),
    "log-normal, sigma 0.001": (
        tt.LogNormal(mean=8, sigma=1e-3),
        stats.lognorm(1e-3, scale=8 * math.exp(-5e-7)),
    ),
    "uniform": (tt.Uniform(-3, 5), stats.uniform(-3, 8)),
}
"""Laws of ours and SciPy's."""


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_law_is_that_of_scipy(name):
    law, expected = CONTINUOUS[name]
    sample = law.sample(N, seed=1)
    assert sample.dtype == law.dtype == np.float64
    # Below 1e-300 lie values that are given as 0.
    accept(ks_one_sample(sample, expected.cdf, within=(1e-300, np.inf)), name)
    for p in (1e-4, 0.9999):
        if expected.ppf(p) == 0:
            continue
        accept(binomial(int((sample <= expected.ppf(p)).sum()), N, p), f"{name}, {p} quantile")


# Laws whose fourth moment is finite and not too far out for the normal approximation.
TAME = [
    "exponential",
    "gamma 0.5",
    "gamma 2",
    "gamma, largest shape",
    "weibull 0.7",
    "weibull 3",
    "pareto 20",
]
TAME += ["log-normal", "uniform"]


@pytest.mark.parametrize("name", TAME)
def test_moments(name):
    law, expected = CONTINUOUS[name]
    sample = law.sample(N, seed=2)
    accept(z_mean(sample, law.mean(), expected.var()), name)
    accept(z_variance(sample, law.mean(), expected.var()), name)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_mean_cdf_and_quantile_are_those_of_scipy(name):
    law, expected = CONTINUOUS[name]
    assert law.mean() == pytest.approx(expected.mean(), rel=1e-10)
    p = np.array([0, 1e-9, 0.1, 0.5, 0.99])
    x = expected.ppf(p)
    # SciPy takes x / scale first, which far out on the left costs it seven digits.
    np.testing.assert_allclose(law.cdf(x), expected.cdf(x), rtol=1e-6, atol=1e-300)
    np.testing.assert_allclose(law.cdf(x[2:]), expected.cdf(x[2:]), rtol=3e-10)
    assert law.cdf(float(x[2])) == law.cdf(x)[2]
    assert law.cdf(-10.0) == 0
    assert law.cdf(np.inf) == 1
    assert math.isnan(law.cdf(np.nan))
    if hasattr(law, "quantile"):
        np.testing.assert_allclose(law.quantile(p), expected.ppf(p), rtol=1e-9, atol=1e-300)
        assert law.quantile(1.0) == expected.ppf(1)
        with pytest.raises(ValueError, match=r"p: 1\.5 is not allowed; it must be from 0 to 1"):
            law.quantile(1.5)


def test_constant():
    assert set(tt.Constant(2.5).sample(1000)) == {2.5}
    assert tt.Constant(2.5).mean() == tt.Constant(2.5).quantile(0.3) == 2.5
    assert tt.Constant(2.5).cdf([2, 2.5, 3]).tolist() == [0, 1, 1]


def test_values_too_small_or_large_are_cut_not_infinite():
    for law in [
        tt.Pareto(0.01, 1e300),
        tt.LogNormal(700, 50),
        tt.Weibull(0.005, 1e200),
        tt.Exponential(1e308),
    ]:
        sample = law.sample(100_000)
        assert np.isfinite(sample).all()
        assert sample.max() > 1e307
    assert tt.LogNormal(-700, 50).sample(1000).min() == 0
    assert (tt.Pareto(1e9, 3).sample(N) >= 3).all()


ZIPF = {
    "1.0001": (1.0001, None),
    "1.1": (1.1, None),
    "1.5": (1.5, None),
    "3": (3, None),
    "25": (25, None),
    "uniform": (0, 1000),
    "0.5 to 50": (0.5, 50),
    "0.9 to 10,000": (0.9, 10_000),
    "just below 1": (1 - 2e-5, 10_000),
    "1": (1, 10_000),
    "just above 1": (1 + 2e-5, 10_000),
    "1.00011": (1.00011, 10_000),
    "2 to 3": (2, 3),
    "one value": (1.3, 1),
    "1 to 2^53": (1, 2**53),
}


def zipf_cells(exponent, maximum):
    """Ends of cells, (low, high], and their probabilities: single values, then powers of two."""
    ends = np.concatenate([np.arange(51), 2.0 ** np.arange(6, 54)])
    ends = ends[ends < maximum] if maximum else ends
    law = tt.Zipf(exponent, maximum)
    cdf = law.cdf(ends)
    return ends, np.append(np.diff(cdf), 1 - cdf[-1])


@pytest.mark.parametrize("name", ZIPF)
def test_zipf(name):
    exponent, maximum = ZIPF[name]
    law = tt.Zipf(exponent, maximum)
    sample = law.sample(N, seed=3)
    assert sample.dtype == law.dtype == np.int64
    assert sample.min() >= 1
    assert maximum is None or sample.max() <= maximum
    ends, probabilities = zipf_cells(exponent, maximum)
    if maximum is None:
        # The sampled law has no values above 2^63 - 1.
        probabilities[-1] -= 1 - law.cdf(2.0**63)
    counts = np.bincount(np.searchsorted(ends, sample) - 1, minlength=ends.size)
    accept(chi_square(counts, probabilities), name)


@pytest.mark.parametrize("exponent", [1.5, 3.0, 25.0])
def test_zipf_distribution_function_is_that_of_scipy(exponent):
    k = np.array([1, 2, 10, 31, 32, 33, 1000, 1e6])
    np.testing.assert_allclose(tt.Zipf(exponent).cdf(k), stats.zipf(exponent).cdf(k), rtol=1e-12)
    expected = stats.zipf(exponent).mean()
    assert tt.Zipf(exponent).mean() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0, 1.00001, 2.0])
def test_bounded_zipf_distribution_function_is_the_sum(exponent):
    terms = np.arange(1, 100_001.0) ** -exponent
    cumulative = np.cumsum(terms) / terms.sum()
    law = tt.Zipf(exponent, 100_000)
    k = np.array([1, 2, 31, 32, 33, 1000, 99_999, 100_000])
    np.testing.assert_allclose(law.cdf(k), cumulative[k - 1], rtol=1e-11)
    assert law.mean() == pytest.approx((np.arange(1, 100_001) * terms).sum() / terms.sum(), rel=1e-11)


def test_zipf_draws_what_numpy_draws():
    ours = tt.Zipf(1.3).sample(N, seed=4)
    theirs = np.random.default_rng(4).zipf(1.3, N)
    accept(ks_two_sample(np.log(ours), np.log(theirs)))


# Tables

TABLES = (tt.AliasTable, tt.QuantileTable)


def zipf_pmf(n, exponent=1.0, stride=1):
    values = 3 + stride * np.arange(n, dtype=np.int64)
    weights = np.arange(1, n + 1) ** -exponent
    return values, weights / weights.sum()


PMFS = {
    "two values": ([9, 3], [0.75, 0.25]),
    "zeros": ([1, 2, 3, 4, 5], [0.0, 0.5, 0.0, 0.5, 0.0]),
    "weights": ([1, 2, 3], [30, 50, 20]),
    "4,096 values": zipf_pmf(4096),
    "150,000 values": zipf_pmf(150_000),
    "150,000 values, scattered": zipf_pmf(150_000, 0.8, 28_000),
    "whole range": ([0, 65_535, 65_536, 2**31, 2**32 - 1], [1, 2, 3, 4, 5]),
    "real": ([0.5, -1e300, 3.25, 1e-9], [1, 2, 3, 4]),
    "300 real": (np.linspace(-1, 1, 300), np.arange(300.0)),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", PMFS)
def test_table_meets_its_probabilities(name, table):
    values, probabilities = PMFS[name]
    law = table(values, probabilities)
    sample = law.sample(N, seed=5)
    assert sample.dtype == law.dtype == (np.float64 if "real" in name else np.uint32)
    order = np.argsort(values)
    accept(chi_square_values(sample, np.asarray(values)[order], np.asarray(probabilities)[order]), name)
    shares = np.asarray(probabilities) / np.sum(probabilities)
    assert law.mean() == pytest.approx(np.dot(values, shares), rel=1e-9)


@pytest.mark.parametrize("table", TABLES)
def test_one_value(table):
    assert set(table([42], [1e-3]).sample(1000)) == {42}
    assert set(table({0.5: 1}).sample(1000)) == {0.5}


@pytest.mark.parametrize("table", TABLES)
def test_a_mapping_is_the_same_as_values_in_any_order(table):
    law = table({7: 2, 2: 1, 5: 0, 9: 1})
    assert law == table([2, 9, 7, 5], [1, 1, 2, 0])
    assert law.parameters["values"].tolist() == [2, 5, 7, 9]
    assert law.parameters["values"].dtype == np.uint32
    assert law.parameters["probabilities"].tolist() == [0.25, 0, 0.5, 0.25]
    assert law.cdf([1, 2, 6, 7, 9]).tolist() == [0, 0.25, 0.25, 0.75, 1]
    assert law.quantile([0, 0.25, 0.26, 1]).tolist() == [2, 2, 7, 9]
    assert set(law.sample(10_000)) == {2, 7, 9}


def test_quantile_tables_of_one_stream_rise_together():
    values, probabilities = zipf_pmf(1000)
    first = tt.QuantileTable(values, probabilities).sample(10_000, seed=1, stream=4)
    second = tt.QuantileTable(values * 7, probabilities).sample(10_000, seed=1, stream=4)
    np.testing.assert_array_equal(second, first * 7)


# Mixtures


def test_mixture_of_continuous_laws():
    law = tt.Mixture([(3, tt.Exponential(2)), (1, tt.LogNormal(2, 0.3))])
    sample = law.sample(N, seed=6)
    accept(
        ks_one_sample(
            sample,
            lambda x: 0.75 * stats.expon(scale=2).cdf(x) + 0.25 * stats.lognorm(0.3, scale=math.e**2).cdf(x),
        )
    )
    assert law.mean() == pytest.approx(0.75 * 2 + 0.25 * math.exp(2 + 0.045))
    accept(uncorrelated(sample[:-1], sample[1:]))


def test_mixture_of_tables_keeps_whole_numbers():
    law = tt.Mixture(
        [tt.AliasTable([1, 2], [1, 1]), tt.QuantileTable([2, 70_000], [1, 3])], weights=[0.2, 0.8]
    )
    sample = law.sample(N, seed=7)
    assert sample.dtype == law.dtype == np.uint32
    accept(chi_square_values(sample, [1, 2, 70_000], [0.1, 0.1 + 0.2, 0.6]))


def test_nested_mixture_and_types():
    inner = tt.Mixture([tt.Zipf(3), tt.Zipf(2, 5)], weights=[1, 1])
    assert inner.dtype == np.int64
    law = tt.Mixture([(1, inner), (2, tt.Constant(-1)), (0, tt.Constant(9))])
    sample = law.sample(N, seed=8)
    assert law.dtype == np.float64
    values = np.array([-1, *range(1, 2001)])
    bounded = np.where(values <= 5, np.maximum(values, 1.0) ** -2.0, 0)
    zeta = 0.5 * stats.zipf(3).pmf(values) + 0.5 * bounded / bounded[1:].sum()
    zeta[0] = 2
    inside = sample[sample <= 2000]
    assert inside.size > 0.999 * N
    accept(chi_square_values(inside, values, np.where(values == -1, 2 / 3, zeta / 3)))


def test_mixture_of_one_hundred_laws():
    weights = np.arange(100.0)
    law = tt.Mixture([tt.Constant(i) for i in range(100)], weights)
    accept(chi_square_values(law.sample(N), np.arange(100), weights))


# Independence

PAIRS = {
    "seeds": ({"seed": 1}, {"seed": 2}),
    "high halves of seeds": ({"seed": 1}, {"seed": 1 + 2**32}),
    "streams": ({"stream": 0}, {"stream": 1}),
}


@pytest.mark.parametrize("name", PAIRS)
def test_samples_of_different_seeds_and_streams_are_independent(name):
    first, second = PAIRS[name]
    for law in (tt.Exponential(), tt.Gamma(0.5), tt.QuantileTable(*zipf_pmf(1000))):
        accept(uncorrelated(law.sample(100_000, **first), law.sample(100_000, **second)), name)


def test_neighbours_are_independent():
    for law in (tt.Gamma(0.05), tt.LogNormal(0, 1), tt.Weibull(0.7), tt.AliasTable(*zipf_pmf(1000))):
        sample = law.sample(200_001)
        for lag in (1, 8):
            accept(uncorrelated(sample[lag:], sample[:-lag]), f"{law!r}, lag {lag}")


def test_alias_and_quantile_tables_agree():
    values, probabilities = zipf_pmf(1000)
    counts = [
        np.bincount(table(values, probabilities).sample(N, seed=9, stream=i))
        for i, table in enumerate(TABLES)
    ]
    length = max(map(len, counts))
    accept(chi_square_two_sample(*(np.pad(c, (0, length - len(c))) for c in counts)))


# Addressing, destinations, levels

LAWS = [law for law, _ in CONTINUOUS.values()]
LAWS += [
    tt.Constant(1),
    tt.Zipf(1.5),
    tt.Zipf(0.5, 99),
    tt.AliasTable(*zipf_pmf(500)),
    tt.AliasTable(*PMFS["real"]),
]
LAWS += [tt.QuantileTable(*PMFS["whole range"]), tt.Mixture([(1, tt.Zipf(1.5)), (2, tt.Gamma(0.5))])]
each_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: repr(law)[:60])


@each_law
def test_first_values_do_not_depend_on_how_many_follow(law):
    whole = law.sample(5000, seed=3, stream=1)
    for n in (0, 1, 255, 256, 257, 4097):
        np.testing.assert_array_equal(law.sample(n, seed=3, stream=1), whole[:n])


@each_law
def test_every_instruction_set_gives_the_same_values(law):
    expected = law.sample(3000, seed=11, stream=5)
    for level in _core.kernel_levels():
        out = np.empty(3000, law.dtype)
        law._law.sample(out, 11, 5, level)
        np.testing.assert_array_equal(out, expected)


@each_law
def test_a_given_array_is_filled(law):
    whole = np.zeros(2000, law.dtype)
    middle = whole[500:1500]
    assert law.sample(1000, 1, out=middle) is middle
    np.testing.assert_array_equal(middle, law.sample(1000, 1))
    assert not whole[:500].any()
    assert not whole[1500:].any()


def test_wrong_destinations_are_refused():
    law = tt.Exponential()
    read_only = np.empty(4)
    read_only.flags.writeable = False
    unaligned = np.empty(33, np.uint8)[1:].view(np.float64)
    wrong = [
        (np.empty(4, np.float32), "dtype float32 is not allowed; it must be float64"),
        (np.empty(4, ">f8"), "dtype >f8 is not allowed; it must be float64"),
        (np.empty(5), r"shape \(5,\) is not allowed; it must be \(4,\), as n = 4"),
        (np.empty((2, 2)), r"shape \(2, 2\)"),
        (np.empty(8)[::2], r"strides \(16,\) are not allowed; it must be contiguous"),
        (np.empty(4)[::-1], r"strides \(-8,\)"),
        (unaligned, "contiguous and aligned"),
        (read_only, "a read-only array is not allowed; it must be writeable"),
        ([0.0] * 4, "list is not allowed; it must be a NumPy array"),
    ]
    for out, message in wrong:
        with pytest.raises(ValueError, match=f"^out: {message}|{message}$"):
            law.sample(4, out=out)
    with pytest.raises(ValueError, match="out: dtype float64 is not allowed; it must be int64"):
        tt.Zipf(2).sample(4, out=np.empty(4))


def test_the_core_itself_refuses_wrong_destinations():
    law = tt.Exponential()._law
    read_only = np.empty(4)
    read_only.flags.writeable = False
    for out in (np.empty(4, np.float32), np.empty(8)[::2], [0.0] * 4):
        with pytest.raises(TypeError):
            law.sample(out, 0, 0)
    with pytest.raises(ValueError, match="writeable"):
        law.sample(read_only, 0, 0)
    with pytest.raises(ValueError, match="out: int64 is not allowed; the values of this law are float64"):
        law.sample(np.empty(4, np.int64), 0, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": -1}, "n: -1 is not allowed; it must be from 0 to 2^62"),
        ({"n": 1.5}, "n: 1.5 is not allowed; it must be a whole number"),
        ({"n": 1, "seed": -1}, "seed: -1 is not allowed; it must be from 0 to 2^64 - 1"),
        ({"n": 1, "seed": 2**64}, f"seed: {2**64} is not allowed"),
        ({"n": 1, "stream": 2**32}, f"stream: {2**32} is not allowed; it must be from 0 to 2^32 - 1"),
    ],
)
def test_wrong_sample_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        tt.Exponential().sample(**arguments)


def test_the_largest_seed_and_stream_are_allowed():
    assert tt.Exponential().sample(1, 2**64 - 1, stream=2**32 - 1) > 0


WRONG = [
    (lambda: tt.Exponential(0), "mean: 0 is not allowed; it must be above 0, finite and not subnormal"),
    (lambda: tt.Exponential("3"), "mean: '3' is not allowed; it must be a number"),
    (lambda: tt.Exponential(1e-310), "mean: 1e-310 is not allowed"),
    (lambda: tt.Gamma(), "Gamma: one of shape, cv is missing"),
    (lambda: tt.Gamma(1, cv=1), "Gamma: shape and cv together are not allowed"),
    (lambda: tt.Gamma(1, 1, mean=1), "Gamma: scale and mean together are not allowed"),
    (lambda: tt.Gamma(0), "shape: 0 is not allowed; it must be from 0.005 to 100000"),
    (lambda: tt.Gamma(0, mean=1), "shape: 0 is not allowed"),
    (lambda: tt.Gamma(math.nan), "shape: nan is not allowed"),
    (lambda: tt.Gamma(math.inf), "shape: inf is not allowed"),
    (lambda: tt.Gamma(2, -1), "scale: -1 is not allowed"),
    (lambda: tt.Gamma(2, mean=0), "mean: 0 is not allowed; it must be above 0"),
    (lambda: tt.Gamma(cv=0), "cv: 0 is not allowed; it must be from 0.00317 to 14.14"),
    (lambda: tt.Gamma(cv=15), "cv: 15 is not allowed"),
    (lambda: tt.Gamma(cv=-2), "cv: -2 is not allowed"),
    (lambda: tt.Weibull(0), "shape: 0 is not allowed"),
    (lambda: tt.Weibull(1, 1, mean=2), "Weibull: scale and mean together are not allowed"),
    (lambda: tt.Weibull(0.005, mean=300), "mean: 300 with shape 0.005 is not allowed"),
    (lambda: tt.Pareto(math.inf), "alpha: inf is not allowed"),
    (lambda: tt.Pareto(1, 0), "minimum: 0 is not allowed"),
    (lambda: tt.LogNormal(1), "LogNormal: sigma is missing"),
    (lambda: tt.LogNormal(1, 1, mean=2), "LogNormal: mu and mean together are not allowed"),
    (lambda: tt.LogNormal(0, -1), "sigma: -1 is not allowed; it must be at least 0 and finite"),
    (lambda: tt.LogNormal(mean=1, median=2), "mean: 1 with median 2 is not allowed"),
    (lambda: tt.Uniform(2, 1), "high: 1 is not allowed; it must be above low, 2"),
    (lambda: tt.Constant(math.nan), "value: nan is not allowed; it must be finite"),
    (lambda: tt.Zipf(1), "exponent: 1 is not allowed; it must be above 1"),
    (lambda: tt.Zipf(-1, 10), "exponent: -1 is not allowed; it must be at least 0"),
    (lambda: tt.Zipf(2, 0), "maximum: 0 is not allowed; it must be from 1 to 2^53"),
    (lambda: tt.Zipf(2, 2.5), "maximum: 2.5 is not allowed; it must be a whole number"),
    (lambda: tt.AliasTable({}), "values: an empty list is not allowed; it must be at least one value"),
    (lambda: tt.AliasTable([], []), "values: an empty list is not allowed"),
    (lambda: tt.AliasTable([1, 2]), "probabilities: missing"),
    (lambda: tt.AliasTable({1: 1}, [1]), "probabilities: not allowed beside a mapping"),
    (lambda: tt.AliasTable([1, 2], [1, -0.5]), "probabilities: -0.5 is not allowed; it must be at least 0"),
    (lambda: tt.AliasTable([1, 2], [1, math.nan]), "probabilities: nan is not allowed"),
    (lambda: tt.AliasTable([1, 2], [1, "x"]), "probabilities: [1, 'x'] is not allowed"),
    (lambda: tt.AliasTable([1, 2], [0, 0]), "probabilities: a sum of 0 is not allowed"),
    (lambda: tt.AliasTable([1, 2], [1]), "probabilities: a length of 1 is not allowed"),
    (lambda: tt.AliasTable([1, 2, 1], [1, 1, 1]), "values: 1 twice is not allowed"),
    (lambda: tt.QuantileTable([1.5, 2, 1.5], [1, 1, 1]), "values: 1.5 twice is not allowed"),
    (lambda: tt.AliasTable([-1, 2], [1, 1]), "values: -1 is not allowed; whole numbers must be from 0"),
    (lambda: tt.AliasTable([2**32], [1]), "values: 4294967296 is not allowed"),
    (lambda: tt.AliasTable([math.inf], [1]), "values: inf is not allowed; it must be finite"),
    (lambda: tt.AliasTable([[1, 2]], [1]), "values: 2 dimensions are not allowed"),
    (lambda: tt.Mixture([]), "components: an empty list is not allowed"),
    (lambda: tt.Mixture([tt.Exponential()]), "components: Exponential(mean=1.0) is not allowed"),
    (lambda: tt.Mixture([tt.Exponential()], [1, 2]), "weights: a length of 2 is not allowed"),
    (lambda: tt.Mixture([(-1, tt.Exponential())]), "weights: -1 is not allowed"),
    (lambda: tt.Mixture([(0, tt.Exponential())]), "weights: a sum of 0 is not allowed"),
]


@pytest.mark.parametrize(("make", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# Objects


@each_law
def test_parameters_make_the_law_again(law):
    again = type(law)(**law.parameters)
    assert again == law
    assert hash(again) == hash(law)
    np.testing.assert_array_equal(again.sample(1000), law.sample(1000))


@each_law
def test_pickles_are_equal(law):
    copy = pickle.loads(pickle.dumps(law))
    assert copy == law
    assert copy.parameters.keys() == law.parameters.keys()
    np.testing.assert_array_equal(copy.sample(1000, 3), law.sample(1000, 3))


def test_laws_with_other_parameters_are_not_equal():
    for i, law in enumerate(LAWS):
        assert [other == law for other in LAWS].count(True) == 1, i
    assert tt.AliasTable([1, 2], [1, 1]) != tt.QuantileTable([1, 2], [1, 1])
    assert tt.AliasTable([1, 2], [1, 1]) != tt.AliasTable([1.0, 2.0], [1, 1])
    assert tt.Exponential() != 1


def test_laws_are_immutable():
    law = tt.Gamma(2)
    with pytest.raises(AttributeError, match="Gamma is immutable"):
        law._parameters = {}
    law.parameters["shape"] = 3
    assert law.parameters == {"shape": 2, "scale": 1}
    with pytest.raises(ValueError, match="read-only"):
        tt.AliasTable([1, 2], [1, 1]).parameters["values"][0] = 5
    with pytest.raises(TypeError, match="Exponential"):
        tt.Distribution()


def test_representations():
    assert repr(tt.Gamma(cv=2, mean=5)) == "Gamma(shape=0.25, scale=20.0)"
    assert repr(tt.Zipf(1.5)) == "Zipf(exponent=1.5, maximum=None)"
    assert repr(tt.AliasTable([1, 9], [1, 1])) == "<AliasTable of 2 values, 1 to 9>"
    mixture = tt.Mixture([(1, tt.Exponential(2)), (3, tt.Constant(1))])
    assert repr(mixture) == "Mixture([(1.0, Exponential(mean=2.0)), (3.0, Constant(value=1.0))])"
    assert eval(repr(mixture), vars(tt)) == mixture


def test_other_forms_of_parameters():
    assert tt.Weibull(0.7, mean=5).mean() == pytest.approx(5, rel=1e-13)
    law = tt.LogNormal(mean=300, median=100)
    assert law.mean() == pytest.approx(300, rel=1e-13)
    assert law.cdf(100.0) == pytest.approx(0.5)
    assert tt.LogNormal(mean=300, sigma=1).mean() == pytest.approx(300, rel=1e-13)
    assert tt.Gamma(cv=2) == tt.Gamma(0.25, 1)
    assert tt.LogNormal(3, 0).sample(10) == pytest.approx(math.e**3)
    assert math.isinf(tt.Pareto(1).mean())
    assert math.isinf(tt.Zipf(2).mean())


def test_mixtures_of_mixtures_are_limited():
    law = tt.Exponential()
    for _ in range(16):
        law = tt.Mixture([(1, law), (1, law)])
    assert law.mean() == pytest.approx(1)
    with pytest.raises(ValueError, match="components: mixtures are nested too deeply; 16 levels are allowed"):
        tt.Mixture([law], [1])
    wide = tt.Mixture([(1, tt.Exponential())] * 256)
    with pytest.raises(
        ValueError, match="components: 65,792 laws in one are not allowed; at most 65,536 are"
    ):
        tt.Mixture([(1, wide)] * 257)

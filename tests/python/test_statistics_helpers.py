"""The helpers themselves: right on examples by hand, level kept under the null, power against the rest."""

import numpy as np
import pytest
import statistics_helpers as sh
from scipy import stats


def test_level_is_the_budget_divided_by_the_number_of_tests():
    np.testing.assert_allclose(sh.ALPHA * sh.ASSUMED_TESTS, sh.FALSE_ALARM_BUDGET)


def test_accept_reports_observed_and_threshold():
    sh.accept(2 * sh.ALPHA)
    with pytest.raises(AssertionError, match=r"lengths: observed p = 1e-12, threshold 1e-09.*z = 7"):
        sh.accept(sh.Outcome(1e-12, "z = 7"), "lengths")
    with pytest.raises(AssertionError):
        sh.accept(float("nan"))


def test_pooling_merges_rare_cells_and_keeps_totals():
    observed, expected = sh.pool_rare([50, 3, 2, 8, 40], [52, 4, 5, 3, 39], min_expected=10)
    assert observed.tolist() == [50, 40, 13]
    assert expected.tolist() == [52, 39, 12]


def test_pooling_gives_a_remainder_that_is_too_small_to_the_smallest_cell():
    observed, expected = sh.pool_rare([50, 3, 40], [52, 2, 39], min_expected=10)
    assert observed.tolist() == [50, 43]
    assert expected.tolist() == [52, 41]


def test_chi_square_agrees_with_scipy():
    observed = [18, 25, 31, 26]
    probabilities = [0.2, 0.25, 0.3, 0.25]
    expected = stats.chisquare(observed, np.array(probabilities) * 100).pvalue
    assert sh.chi_square(observed, probabilities).p_value == pytest.approx(expected)


def test_chi_square_refuses_values_of_probability_zero():
    assert sh.chi_square([5, 5, 1], [0.5, 0.5, 0.0]).p_value == 0
    assert sh.chi_square_values([1, 2, 7], [1, 2, 9], [1, 1, 1]).p_value == 0
    assert sh.chi_square_values([1, 2, 11], [1, 2, 9], [1, 1, 1]).p_value == 0


def test_two_sample_chi_square_agrees_with_scipy():
    first, second = [30, 50, 20], [66, 90, 44]
    expected = stats.chi2_contingency([first, second], correction=False).pvalue
    assert sh.chi_square_two_sample(first, second).p_value == pytest.approx(expected)


def test_exact_discrete_tests():
    assert sh.binomial(5, 10, 0.5).p_value == 1
    assert sh.binomial(0, 10, 0.5).p_value == pytest.approx(2 / 1024)
    assert sh.poisson(0, 3.0).p_value == pytest.approx(2 * np.exp(-3))


def test_ks_agrees_with_scipy():
    sample = np.random.default_rng(1).exponential(size=500)
    ours = sh.ks_one_sample(sample, stats.expon.cdf).p_value
    assert ours == pytest.approx(stats.kstest(sample, "expon", method="exact").pvalue, rel=1e-6)
    other = np.random.default_rng(2).exponential(size=700)
    ours = sh.ks_two_sample(sample, other).p_value
    assert ours == pytest.approx(stats.ks_2samp(sample, other, method="asymp").pvalue, rel=0.2)


def test_ks_within_a_range_ignores_what_lies_outside_but_not_how_much():
    rng = np.random.default_rng(3)
    sample = rng.exponential(size=20_000)
    rounded = np.where(sample < 0.1, 0.0, sample)
    assert sh.ks_one_sample(rounded, stats.expon.cdf).p_value < sh.ALPHA
    assert sh.ks_one_sample(rounded, stats.expon.cdf, within=(0.1, np.inf)).p_value > 1e-3
    too_many = np.where(sample < 0.2, 0.0, sample)
    assert sh.ks_one_sample(too_many, stats.expon.cdf, within=(0.1, np.inf)).p_value < sh.ALPHA
    late = np.where(sample > 2.0, 5.0, sample)
    assert sh.ks_one_sample(late, stats.expon.cdf).p_value < sh.ALPHA
    assert sh.ks_one_sample(late, stats.expon.cdf, within=(0.0, 2.0)).p_value > 1e-3


def test_ks_treats_infinity_as_later_than_observed():
    rng = np.random.default_rng(4)
    sample = rng.exponential(size=20_000)
    censored = np.where(sample > 1.0, np.inf, sample)
    assert sh.ks_one_sample(censored, stats.expon.cdf).p_value > 1e-3
    assert sh.ks_one_sample(np.where(sample > 1.0, 0.5, sample), stats.expon.cdf).p_value < sh.ALPHA


NULL_TESTS = {
    "chi_square": lambda rng: sh.chi_square(
        rng.multinomial(2000, [0.1, 0.2, 0.3, 0.4]), [0.1, 0.2, 0.3, 0.4]
    ),
    "chi_square_two_sample": lambda rng: sh.chi_square_two_sample(
        rng.multinomial(2000, [0.1, 0.2, 0.3, 0.4]), rng.multinomial(900, [0.1, 0.2, 0.3, 0.4])
    ),
    "ks_one_sample": lambda rng: sh.ks_one_sample(rng.exponential(size=500), stats.expon.cdf),
    "ks_two_sample": lambda rng: sh.ks_two_sample(rng.random(2000), rng.random(3000)),
    "z_mean": lambda rng: sh.z_mean(rng.exponential(size=2000), 1.0, 1.0),
    "z_variance": lambda rng: sh.z_variance(rng.normal(size=4000), 0.0, 1.0),
    "mean_vector": lambda rng: sh.mean_vector(
        rng.normal(size=(2000, 3)) @ [[1, 0.5, 0], [0, 1, 0], [1, 0, 2]], [0] * 3
    ),
    "uncorrelated": lambda rng: sh.uncorrelated(rng.random(500), rng.exponential(size=500)),
}


@pytest.mark.parametrize("name", NULL_TESTS)
def test_p_values_are_uniform_under_the_null(name):
    rng = np.random.default_rng(5)
    p_values = np.array([NULL_TESTS[name](rng).p_value for _ in range(400)])
    # Within 0.12 of uniform: the 1e-4 point of KS with 400 observations, plus approximation.
    assert stats.kstest(p_values, "uniform").statistic < 0.12


POWER_TESTS = {
    "chi_square": lambda rng: sh.chi_square(
        rng.multinomial(20_000, [0.13, 0.17, 0.3, 0.4]), [0.1, 0.2, 0.3, 0.4]
    ),
    "ks_one_sample": lambda rng: sh.ks_one_sample(rng.exponential(1.1, size=20_000), stats.expon.cdf),
    "ks_two_sample": lambda rng: sh.ks_two_sample(rng.random(20_000), rng.random(20_000) ** 1.2),
    "z_mean": lambda rng: sh.z_mean(rng.exponential(1.05, size=40_000), 1.0, 1.0),
    "z_variance": lambda rng: sh.z_variance(rng.normal(0, 1.1, size=20_000), 0.0, 1.0),
    "mean_vector": lambda rng: sh.mean_vector(rng.normal(size=(20_000, 3)), [0.06, 0, 0]),
    "binomial": lambda rng: sh.binomial(700, 10_000, 0.1),
    "poisson": lambda rng: sh.poisson(200, 100),
    "uncorrelated": lambda rng: sh.uncorrelated(
        np.arange(3000), np.arange(3000) + rng.normal(size=3000) * 6000
    ),
}


@pytest.mark.parametrize("name", POWER_TESTS)
def test_clear_deviations_are_refused(name):
    with pytest.raises(AssertionError):
        sh.accept(POWER_TESTS[name](np.random.default_rng(6)), name)

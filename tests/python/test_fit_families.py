"""Gap families by maximum likelihood, against SciPy and against what they were drawn from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats
from statistics_helpers import accept, normal_p_value
from tracetide.fit.families import LARGEST_SHAPE, SMALLEST_SHAPE, fit_groups, ks_p_value


def groups_of(*groups):
    gaps = np.concatenate(groups)
    sizes = np.array([len(group) for group in groups])
    return gaps, np.cumsum(sizes) - sizes


def test_each_group_is_fitted_as_scipy_fits_it():
    generator = np.random.default_rng(1)
    groups = [
        generator.gamma(0.4, 3.0, 500),
        generator.weibull(1.7, 80) * 1e9,
        generator.exponential(1e-6, 30),
        generator.gamma(40.0, 1.0, 200),
    ]
    fits = fit_groups(*groups_of(*groups), with_ks=True)
    for number, gaps in enumerate(groups):
        gamma, _, scale = stats.gamma.fit(gaps, floc=0)
        weibull, _, weibull_scale = stats.weibull_min.fit(gaps / gaps.mean(), floc=0)
        assert fits.shapes[1, number] == pytest.approx(gamma, rel=1e-5)
        assert fits.shapes[2, number] == pytest.approx(weibull, rel=1e-3)
        laws = [
            stats.expon(scale=gaps.mean()),
            stats.gamma(gamma, scale=scale),
            stats.weibull_min(weibull, scale=weibull_scale * gaps.mean()),
        ]
        for family, law in enumerate(laws):
            assert fits.log_likelihood[family, number] == pytest.approx(law.logpdf(gaps).sum(), rel=1e-5)
            assert fits.ks[family, number] == pytest.approx(stats.kstest(gaps, law.cdf).statistic, abs=2e-4)


def test_shapes_of_known_laws_are_found_in_their_error():
    """Asymptotic variances: k / (n (k trigamma(k) - 1)) for Gamma, 6 k^2 / (pi^2 n) for Weibull."""
    generator = np.random.default_rng(2)
    n, size = 2000, 200
    for shape in (0.05, 0.5, 3.0):
        gamma = generator.gamma(shape, 1.0, n * size)
        gamma = np.maximum(gamma, 1e-290)
        fits = fit_groups(gamma, np.arange(size) * n, with_ks=False)
        error = np.sqrt(shape / (n * (shape * special.polygamma(1, shape) - 1)))
        # The bias of the estimate is about 3 shape / n, a twentieth of its error.
        score = (fits.shapes[1].mean() - shape * (1 + 2 / n)) / (error / np.sqrt(size))
        accept(normal_p_value(score / 1.5), f"gamma {shape}")
        weibull = generator.exponential(1.0, n * size) ** (1 / shape)
        fits = fit_groups(np.maximum(weibull, 1e-290), np.arange(size) * n, with_ks=False)
        error = shape * np.sqrt(6 / n) / np.pi
        score = (fits.shapes[2].mean() - shape) / (error / np.sqrt(size))
        accept(normal_p_value(score / 1.5), f"weibull {shape}")


def test_the_family_is_the_one_they_are_from():
    generator = np.random.default_rng(3)
    groups = [generator.gamma(0.3, 1.0, 3000), generator.weibull(0.5, 3000), generator.exponential(1.0, 50)]
    fits = fit_groups(*groups_of(*groups), with_ks=True)
    assert fits.family[:2].tolist() == [1, 2]
    assert (fits.p_value[fits.family, np.arange(3)] > 1e-4).all()
    assert fits.p_value[0, 0] < 1e-9


def test_exponential_wins_unless_another_gains_more_than_a_parameter_costs():
    generator = np.random.default_rng(4)
    fits = fit_groups(generator.exponential(1.0, 100 * 400), np.arange(400) * 100, with_ks=False)
    gain = fits.log_likelihood[1:].max(axis=0) - fits.log_likelihood[0]
    assert ((fits.family == 0) == (gain <= 1)).all()
    assert (fits.shape[fits.family == 0] == 1).all()
    # 2 * gain of one family is chi-square with one degree of freedom: it exceeds 2 in 15.7 % of cases.
    assert 0.6 < (fits.family == 0).mean() < 0.9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=30),
        min_size=1,
        max_size=6,
    )
)
def test_every_fit_is_one_that_a_profile_can_hold(groups):
    fits = fit_groups(*groups_of(*map(np.array, groups)), with_ks=True)
    assert ((fits.shapes >= SMALLEST_SHAPE) & (fits.shapes <= LARGEST_SHAPE)).all()
    assert np.isfinite(fits.log_likelihood).all()
    assert ((fits.ks >= 0) & (fits.ks <= 1)).all()
    assert ((fits.p_value >= 0) & (fits.p_value <= 1)).all()


def test_equal_gaps_are_as_regular_as_can_be():
    fits = fit_groups(np.full(40, 7.0), np.array([0]), with_ks=True)
    assert fits.family[0] in (1, 2)
    assert fits.shape[0] > 1e4


def test_p_values_are_near_those_of_the_exact_law():
    for n in (20, 200):
        for statistic in (0.5, 1.0, 1.5):
            d = statistic / np.sqrt(n)
            assert float(ks_p_value(np.array(d), np.array(n))) == pytest.approx(
                stats.kstwo.sf(d, n), abs=0.02
            )


def test_gaps_below_the_resolution_of_times_do_not_change_the_law():
    """With Gamma 0.04 nearly half of the gaps are below 10 ns at a mean of 50 ms: rounding makes them."""
    generator = np.random.default_rng(5)
    n = 20_000
    for shape, mean in ((0.03, 5e7), (0.04, 5e7), (0.1, 5e7), (0.1, 1e9)):
        times = np.floor(np.cumsum(generator.gamma(shape, mean / shape, n)))
        gaps = np.maximum(np.diff(times), 1e-3)
        fits = fit_groups(gaps, np.array([0]), with_ks=False, seen_from=10.0)
        assert fits.family[0] == 1
        assert fits.shape[0] == pytest.approx(shape, rel=0.06)
    weibull = 1e7 * generator.weibull(0.15, n)
    gaps = np.maximum(np.diff(np.floor(np.cumsum(weibull))), 1e-3)
    fits = fit_groups(gaps, np.array([0]), with_ks=False, seen_from=10.0)
    assert fits.family[0] == 2
    assert fits.shape[0] == pytest.approx(0.15, rel=0.05)


def test_unseen_gaps_fit_as_the_likelihood_of_what_is_known():
    """Densities of gaps that are seen, probabilities of those that are not, maximised by SciPy."""
    generator = np.random.default_rng(6)
    bound = 1e-4
    gaps = generator.gamma(0.2, 5.0, 4000)
    unseen = int((gaps < bound).sum())
    assert unseen > 100
    fits = fit_groups(np.maximum(gaps, 1e-12), np.array([0]), with_ks=False, seen_from=bound)
    seen, mean = gaps[gaps >= bound], gaps.mean()

    def gamma(shape):
        law = stats.gamma(shape, scale=mean / shape)
        return law.logpdf(seen).sum() + unseen * law.logcdf(bound)

    def weibull(parameters):
        law = stats.weibull_min(parameters[0], scale=np.exp(parameters[1]))
        return law.logpdf(seen).sum() + unseen * law.logcdf(bound)

    of_gamma = optimize.minimize_scalar(lambda shape: -gamma(shape), bounds=(0.01, 1), method="bounded")
    of_weibull = optimize.minimize(lambda p: -weibull(p), [0.3, 0.0], method="Nelder-Mead")
    assert fits.shapes[1, 0] == pytest.approx(of_gamma.x, rel=1e-3)
    assert fits.shapes[2, 0] == pytest.approx(of_weibull.x[0], rel=3e-3)
    assert fits.log_likelihood[1, 0] == pytest.approx(-of_gamma.fun, abs=0.1)
    assert fits.log_likelihood[2, 0] == pytest.approx(-of_weibull.fun, abs=1)

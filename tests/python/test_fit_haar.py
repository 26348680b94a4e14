"""Haar sums against their definition and against rates that are known; surrogates keep gaps and rates."""

from __future__ import annotations

import numpy as np
import pytest
from rate_noise_simulator import cascade, positions
from statistics_helpers import accept, normal_p_value
from tracetide.fit.haar import haar_sums, levels_of, sums_between, window_counts
from tracetide.fit.surrogates import circular_gaps, surrogate


def by_definition(counts, follows, covered):
    """Node by node: (windows, levels) of squares, products, those over edges, requests, and nodes."""
    windows, bins = counts.shape
    levels = bins.bit_length() - 2
    found = np.zeros((5, windows, levels))
    for level in range(levels):
        quarter = bins >> (level + 2)
        for window in range(windows):
            row, seen = counts[window], round(covered[window] * bins)
            if seen == bins and window + 1 < windows and follows[window + 1]:
                row, seen = np.append(row, counts[window + 1]), bins + round(covered[window + 1] * bins)
            for start in range(0, bins, quarter):
                if start + 4 * quarter > seen:
                    continue
                left = row[start : start + 2 * quarter].sum()
                right = row[start + 2 * quarter : start + 4 * quarter].sum()
                n = left + right
                is_over = start + 4 * quarter > bins
                found[:, window, level] += [
                    (left - right) ** 2 - n,
                    n * (n - 1),
                    is_over * n * (n - 1),
                    n,
                    0.25,
                ]
    return found


@pytest.mark.parametrize("bins", [4, 8, 64])
def test_sums_are_those_of_the_definition(bins):
    generator = np.random.default_rng(1)
    counts = generator.poisson(3.0, (6, bins))
    follows = np.array([False, True, True, False, True, True])
    covered = np.array([1, 1, 1, 1, 1, 0.75])
    found = haar_sums(counts, follows, covered=covered)
    expected = by_definition(counts, follows, covered)
    columns = (found.squares, found.products, found.over_edges, found.requests, found.nodes)
    for column, wanted in zip(columns, expected, strict=True):
        np.testing.assert_allclose(column, wanted)


def test_more_axes_are_as_many_calls_and_runs_are_sums():
    generator = np.random.default_rng(2)
    counts = generator.poisson(1.0, (3, 5, 16))
    follows = np.array([False, True, False, True, True])
    together = haar_sums(counts, follows)
    for index in range(3):
        np.testing.assert_array_equal(together.squares[index], haar_sums(counts[index], follows).squares)
    runs = together.by_run(np.array([0, 2]))
    np.testing.assert_allclose(runs.products[:, 1], together.products[:, 2:].sum(axis=1))


def test_even_rates_have_no_sum_and_uneven_ones_that_of_their_halves():
    """A Poisson process whose rate is 1.5 and 0.5 in the halves of nodes of level 2: (0.5)^2 there, of the
    nodes at shift 0, and 0 of those shifted by half a node, which have even halves' sums; quarters: 1/4 each.
    """
    generator = np.random.default_rng(3)
    windows, per_bin = 400, 4.0
    even = haar_sums(generator.poisson(per_bin, (windows, 64)), np.zeros(windows, dtype=bool))
    total = even.squares.sum(axis=0)
    spread = np.sqrt((even.squares**2).sum(axis=0))
    for level, score in enumerate(total / spread):
        accept(normal_p_value(score), f"level {level}")
    rate = np.tile(np.repeat([1.5, 0.5], 8), 4) * per_bin
    uneven = haar_sums(generator.poisson(rate, (windows, 64)), np.zeros(windows, dtype=bool))
    # Relative differences of level 2 at shifts 0, 1/4, 1/2, 3/4: 1/2, 0, -1/2, 0.
    found = uneven.ratio.mean(axis=0)
    assert found[2] == pytest.approx(0.125, abs=0.01)
    assert found[0] == pytest.approx(0, abs=0.002)


def test_what_clients_have_in_common_is_in_the_sums_between_them():
    generator = np.random.default_rng(4)
    windows, levels, rho = 200, 5, 0.2
    same = [cascade(rho, 3, 400, generator) for _ in range(windows)]
    own = [[cascade(rho, 3, 400, generator) for _ in range(windows)] for _ in range(3)]

    def counts_of(noise):
        found = [positions(generator.exponential(1.0, 400), generator, masses) for masses in noise]
        rows = np.repeat(np.arange(windows), 400)
        return window_counts(np.concatenate(found), rows, windows, levels)

    common = sums_between(np.stack([counts_of(same) for _ in range(3)])).ratio
    apart = sums_between(np.stack([counts_of(noise) for noise in own])).ratio
    alone = haar_sums(counts_of(same), np.ones(windows, dtype=bool)).sum(0).ratio
    np.testing.assert_allclose(common, alone, rtol=0.15, atol=0.003)
    assert common[:3].min() > 0.08
    assert np.abs(apart).max() < 0.01


def test_levels_end_where_halves_are_short():
    assert levels_of(600, 1e-9) == 10  # 600 / 2^9 / 2 is 0.59 s
    assert levels_of(3600, 1e-9) == 11
    assert levels_of(600, 3.0) == 5  # 600 / 2^4 / 2 is 18.75 s, at least 12 s
    assert levels_of(600, 100.0) == 0
    assert levels_of(0.5, 1e-9) == 0


def test_surrogates_keep_gaps_and_windows():
    generator = np.random.default_rng(5)
    counts = np.array([1, 50, 2, 300])
    starts = np.cumsum(counts) - counts
    position = np.concatenate([np.sort(generator.random(count)) for count in counts])
    gaps = circular_gaps(position, starts)
    np.testing.assert_allclose(np.add.reduceat(gaps, starts), 1)
    first, again, other = (surrogate(gaps, starts, key) for key in ((7, 0), (7, 0), (7, 1)))
    np.testing.assert_array_equal(first, again)
    assert ((first >= 0) & (first < 1)).all()
    for start, count in zip(starts, counts, strict=True):
        here = slice(start, start + count)
        found = circular_gaps(np.sort(first[here]), np.array([0]))
        np.testing.assert_allclose(np.sort(found), np.sort(gaps[here]), atol=1e-12)
        assert not np.allclose(np.sort(first[here]), np.sort(other[here]))


def test_the_order_of_surrogates_is_even():
    """Where the largest of four gaps comes, counted from the phase's place, over 4,000 groups."""
    groups = 4000
    gaps = np.tile([0.1, 0.2, 0.3, 0.4], groups)
    starts = np.arange(groups) * 4
    made = surrogate(gaps, starts, (1, 1)).reshape(groups, 4)
    walked = np.diff(made, axis=1) % 1
    at_largest = np.isclose(walked, 0.4, atol=1e-9).sum(axis=0)
    for count in at_largest:
        accept(normal_p_value((count - groups / 4) / np.sqrt(groups * 3 / 16)))
    phase = made[:, 0]
    accept(normal_p_value((phase.mean() - 0.5) * np.sqrt(12 * groups)))

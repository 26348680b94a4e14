"""Fits of gaps that no family has, of silences at edges of windows, and of rates that move inside windows."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest
import tracetide as tt
from tracetide.base.grid import NS
from tracetide.fit.dispersion import Dispersion, IntervalCounts
from tracetide.fit.gap_tables import Chosen, GapHistograms

WINDOW = 600
ON_OFF = np.append(np.full(98, 1.0), [200.0, 300.0])
"""Gaps in bursts of fifty on average, with silences that fill five sixths of the time."""


def trace_of(times):
    times = np.asarray(times, dtype=np.float64)
    length = np.full(times.size, 10, dtype=np.uint32)
    return pa.table({"timestamp": times, "input_tokens": length, "output_tokens": length})


def on_off(generator, size):
    return generator.choice(ON_OFF, size) * generator.exponential(1.0, size)


def dispersion(times, interval_s, end):
    counts = np.bincount((np.asarray(times) // interval_s).astype(int), minlength=int(end // interval_s))
    return counts.var() / counts.mean()


# Tables or families


def tables(windows, family, shape):
    """Of clients' windows, each an array of gaps; with the family that they were fitted by."""
    found = GapHistograms()
    client = np.array([code for code, _ in windows], dtype=np.uint32)
    counts = np.array([gaps.size for _, gaps in windows])
    mean = np.array([gaps.mean() for _, gaps in windows])
    found.add(client, counts, np.concatenate([gaps for _, gaps in windows]), mean, np.full(client.size, 1e-9))
    clients = int(client.max()) + 1
    chosen = Chosen(client, counts, np.asarray(family, dtype=np.uint8), np.asarray(shape), np.ones(clients))
    return found.tables(chosen, np.zeros(clients))


def test_gaps_that_no_family_has_get_a_table():
    generator = np.random.default_rng(1)
    gaps = on_off(generator, 5000)
    found = tables([(0, gaps), (1, generator.gamma(0.3, 1.0, 5000))], [1, 1], [0.25, 0.3])
    assert found.keys() == {0}
    bins = np.floor(16 * np.log2(gaps / gaps.mean())).astype(int)
    assert found[0].first_bin == bins.min()
    np.testing.assert_allclose(found[0].probabilities, np.bincount(bins - bins.min()) / 5000)


def test_windows_that_each_have_a_family_keep_it():
    """Of shapes as far apart as these no one family has all gaps together."""
    generator = np.random.default_rng(2)
    shapes = [0.1, 0.3, 1.0, 4.0] * 5
    windows = [(0, generator.gamma(shape, 1.0, 1000)) for shape in shapes]
    assert tables(windows, np.ones(20), shapes) == {}
    assert tables(windows, np.ones(20), np.full(20, 0.3)).keys() == {0}


def test_few_gaps_and_regular_ones_have_no_table():
    generator = np.random.default_rng(3)
    assert tables([(0, on_off(generator, 499))], [1], [0.25]) == {}
    assert tables([(0, np.full(5000, 2.0))], [1], [1e5]) == {}


def test_gaps_are_counted_the_same_in_any_parts():
    generator = np.random.default_rng(4)
    gaps = generator.gamma(0.2, 1.0, 4000)
    found = []
    for parts in (1, 8):
        histograms = GapHistograms()
        for part in np.split(gaps, parts):
            counts = np.array([part.size])
            histograms.add(
                np.zeros(1, dtype=np.uint32), counts, part, np.array([gaps.mean()]), np.array([1e-6])
            )
        chosen = Chosen(
            np.zeros(1, dtype=np.uint32), np.array([4000]), np.zeros(1, np.uint8), np.ones(1), np.ones(1)
        )
        found.append(histograms.tables(chosen, np.zeros(1))[0])
    assert found[0].first_bin == found[1].first_bin
    np.testing.assert_array_equal(found[0].probabilities, found[1].probabilities)


# A whole fit


def test_a_trace_of_bursts_comes_back_as_a_table():
    generator = np.random.default_rng(5)
    times = np.cumsum(on_off(generator, 40_000))
    times *= 24 * WINDOW / times[-1] * 0.9999
    pool, report = tt.fit_with_report(trace_of(times))
    frame = report.to_pandas()
    assert (frame.family == "table").all()
    assert (frame["shape"] == 0).all()
    assert frame.ks_gamma.notna().all()
    assert pool.provenance["families"]["table"] == 1
    assert pool.provenance["gap_tables"] == 1
    ((first_bin, probabilities),) = pool.profile.gap_tables()
    assert probabilities.sum() == pytest.approx(1)
    assert first_bin < -50
    # Short gaps are 98 of 100: those below 1 / 6.94 of the mean gap, or so.
    again = tt.generate(pool, seed=1)
    assert len(again) == len(times)
    for interval in (1, 10, 60):
        actual, made = (dispersion(t, interval, 24 * WINDOW) for t in (times, again["timestamp"]))
        assert made == pytest.approx(actual, rel=0.25)


def test_rates_that_move_inside_windows_come_back():
    client = tt.Client(
        rate=2, modulation=tt.RateNoise(0.2, 5), input_tokens=tt.Constant(9), output_tokens=tt.Constant(9)
    )
    trace = tt.generate(tt.ClientPool([client]), duration=24 * WINDOW, seed=1)
    pool = tt.fit(trace)
    rho, levels = pool.profile.rate_noise()
    assert 0.12 < rho[0] < 0.35
    assert 3 <= levels[0] <= 6
    noise = pool.provenance["rate_noise"]
    assert noise["clients"] == 1
    assert noise["clients_by_levels"] == {str(levels[0]): 1}
    assert noise["mean_rho"] == rho[0]
    assert noise["pooled"] == {"clients": 0, "rho": 0.0, "levels": 0}
    again = [dispersion(tt.generate(pool, seed=seed)["timestamp"], 60, 24 * WINDOW) for seed in range(3)]
    assert np.mean(again) == pytest.approx(dispersion(trace["timestamp"], 60, 24 * WINDOW), rel=0.3)


def test_an_even_rate_has_no_noise_and_no_warning():
    generator = np.random.default_rng(6)
    times = np.sort(generator.uniform(0, 24 * WINDOW, 24_000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pool = tt.fit(trace_of(times))
    assert pool.provenance["rate_noise"]["clients"] == 0
    assert pool.profile.gap_tables() == []


def test_the_silence_at_the_edges_of_windows_is_a_gap():
    """Fifty requests in a minute of each window: 49 gaps of 1.2 s and one of 541.2 s."""
    times = (np.arange(4) * WINDOW)[:, None] + 100 + 1.2 * np.arange(50)
    gaps = np.append(np.full(49, 1.2), WINDOW - 49 * 1.2)
    # Too few for a table; and times are in steps of 1.2 s, of which ten are longer than 10 s.
    with pytest.warns(tt.DispersionWarning, match="20 s have a variance/mean of 14.9, .* smoother"):
        _, report = tt.fit_with_report(trace_of(times.ravel()), duration=4 * WINDOW)
    np.testing.assert_allclose(report.windows["cv"].to_numpy(), gaps.std(ddof=1) / gaps.mean(), rtol=1e-6)


def test_a_last_window_that_is_not_over_is_a_shorter_circle():
    """Fifty more in 150 s: the trace ends one mean gap after the last one."""
    times = np.append(np.arange(0, 4 * WINDOW, 3.0), 4 * WINDOW + 3.0 * np.arange(50))
    _, report = tt.fit_with_report(trace_of(times), duration=4 * WINDOW + 150)
    assert (report.windows["cv"].to_numpy() < 1e-6).all()


# Dispersion


def test_intervals_become_longer_with_the_trace_and_the_clock():
    counts = IntervalCounts()
    counts.add(np.array([0, 1, 15]) * NS)
    counts.add(np.array([15, 700_000]) * NS)
    assert counts.interval_ns == 20 * NS
    assert counts.counts[0] == 4
    assert counts.counts[35_000] == 1
    assert counts.counts.sum() == 5
    counts.not_below(3 * NS)
    assert counts.interval_ns == 40 * NS
    assert counts.counts.sum() == 5


@pytest.mark.parametrize(
    ("actual", "generated", "error", "is_far"),
    [
        (3.0, 4.4, 0.01, False),
        (3.0, 4.6, 0.01, True),
        (3.0, 4.6, 0.2, False),
        (4.6, 3.0, 0.01, True),
        (0.001, 0.4, 0.01, False),
    ],
)
def test_a_factor_of_one_and_a_half_that_is_no_chance_is_far(actual, generated, error, is_far):
    assert Dispersion(10, actual, generated, error).is_far == is_far

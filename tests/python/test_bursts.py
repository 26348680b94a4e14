"""Bursts below a window: gap tables and noise of rates, by hand, in files, and what pools make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from tracetide import _core
from tracetide.base.vocabulary import GAMMA, TABLE
from tracetide.describe import describe
from tracetide.profile.gap_table import tables_of

LENGTHS = {"input_tokens": 10, "output_tokens": 5}
ON_AND_OFF = tt.GapTable(-40, np.repeat([3.0, 0.0, 0.125], [16, 90, 8]))


def pool_of(*clients, window="10min", period="2h"):
    return tt.ClientPool(list(clients), window=window, period=period)


def one(rate=1.0, **more):
    return tt.Client(rate=rate, **LENGTHS, **more)


def test_a_client_keeps_its_table_and_its_noise():
    pool = pool_of(one(arrivals=ON_AND_OFF, modulation=tt.RateNoise(0.25, 4), count=3), one())
    profile = pool.profile
    (first, probabilities), *others = profile.gap_tables()
    assert not others
    assert first == -40
    assert probabilities == pytest.approx(ON_AND_OFF.probabilities)
    rho, levels = profile.rate_noise()
    assert rho.tolist() == [0.25] * 3 + [0]
    assert levels.tolist() == [4] * 3 + [0]
    cells = profile.cells()
    assert set(cells["family"][cells["client"] < 3]) == {TABLE}
    assert cells["cv"][0] == pytest.approx(ON_AND_OFF.cv)
    assert {row["family"] for row in pool.windows().to_pylist()} == {"Table", "Exponential"}
    assert tt.ClientPool(type(profile).from_bytes(profile.to_bytes())).profile.gap_tables()[0][0] == -40


def test_only_profiles_with_bursts_are_files_of_version_2():
    def version(pool):
        return int.from_bytes(pool.profile.to_bytes()[16:20], "little")

    assert version(pool_of(one())) == 1
    assert version(pool_of(one(arrivals=ON_AND_OFF))) == 2
    assert version(pool_of(one(modulation=tt.RateNoise(0.1, 1)))) == 2


def test_the_cv_of_a_table_is_that_of_its_gaps():
    gaps = np.random.default_rng(3).lognormal(0, 1.2, 200_000)
    table = tt.GapTable.of(gaps)
    assert table.cv == pytest.approx(gaps.std() / gaps.mean(), rel=0.01)
    # In another unit it is the same law.
    assert tt.GapTable.of(gaps * 1e6).cv == pytest.approx(table.cv, rel=1e-3)


# One client in one window of a day, 86,400 gaps. Of 100 such traces the CV has a standard deviation below 2%:
# 6 % is passed by chance in fewer than 1 of 300.
def test_a_trace_has_the_gaps_of_the_table():
    pool = pool_of(one(rate=1.0, arrivals=ON_AND_OFF), window="1d", period="1d")
    gaps = np.diff(tt.generate(pool, duration="1d", seed=2).timestamp)
    assert gaps.std() / gaps.mean() == pytest.approx(ON_AND_OFF.cv, rel=0.06)
    scaled = gaps / gaps.mean()
    # The bins without a share have no gaps.
    starts = np.exp2((-40 + np.array([16, 106])) / 16) * (
        1 / (ON_AND_OFF._moment(1))  # of a table with the mean 1
    )
    between = np.count_nonzero((scaled > starts[0] * 1.02) & (scaled < starts[1] * 0.98))
    assert between <= 1  # the gap around the circle's end is cut


# Leaves of 10 s have masses with E m^2 = (1 + rho)^6 of the squared share, so counts of Poisson arrivals
# have variance/mean 1 + 200 (1.2^6 - 1) = 398. Of 300 windows its relative standard error is about 6 %.
def test_noise_has_the_dispersion_of_the_cascade():
    pool = pool_of(one(rate=20.0, modulation=tt.RateNoise(0.2, 6)), window=640, period=640)

    def dispersion(**options):
        time = tt.generate(pool, duration=640 * 300, seed=4, counts="renewal", **options).timestamp
        counts = np.bincount((time // 10).astype(np.int64), minlength=64 * 300)
        return counts.var() / counts.mean()

    assert dispersion() == pytest.approx(1 + 200 * (1.2**6 - 1), rel=0.25)
    assert dispersion(modulation=0.5) == pytest.approx(1 + 200 * (1.1**6 - 1), rel=0.25)
    # Poisson: a standard error of 1 %.
    assert dispersion(modulation=0) == pytest.approx(1, abs=0.05)


def test_pinned_counts_of_windows_stay_exact():
    pool = pool_of(one(rate=3.0, arrivals=ON_AND_OFF, modulation=tt.RateNoise(0.9, 10)))
    time = tt.generate(pool, duration="2h", seed=1, counts="pinned").timestamp
    assert np.bincount((time // 600).astype(np.int64)).tolist() == [1800] * 12


@pytest.mark.parametrize("part", [(100.0, 1200.0), (0.0, 450.0)])
def test_a_span_that_cuts_a_window_has_its_part(part):
    pool = pool_of(one(rate=50.0, modulation=tt.RateNoise(0.3, 8)))
    start, end = part
    time = tt.generate(pool.span(start, end), seed=8, counts="pinned").timestamp
    assert time.size == round(50 * (end - start))
    assert 0 <= time.min() <= time.max() < end - start


def test_adding_pools_keeps_tables_and_the_time_of_the_noise():
    a = pool_of(one(arrivals=ON_AND_OFF, modulation=tt.RateNoise(0.25, 4)), window="40min")
    b = pool_of(one(arrivals=tt.GapTable(0, [1.0]), modulation=tt.RateNoise(0.1, 3)), window="10min")
    profile = (b + a).profile
    assert [table.first_bin for table in tables_of(profile)] == [0, -40]
    assert profile.window_ns == 600 * 10**9
    rho, levels = profile.rate_noise()
    # Two of the four halvings of 40 minutes are above ten minutes.
    assert list(zip(rho.tolist(), levels.tolist(), strict=True)) == [(0.1, 3), (0.25, 2)]


def test_one_client_for_all_has_gamma_gaps_and_no_noise():
    pool = pool_of(one(arrivals=ON_AND_OFF, modulation=tt.RateNoise(0.25, 4)))
    profile = pool.collapse().profile
    assert not profile.gap_tables()
    assert not profile.rate_noise()[1].any()
    cells = profile.cells()
    assert set(cells["family"]) == {GAMMA}
    assert cells["shape"][0] == pytest.approx(ON_AND_OFF.cv**-2, rel=1e-6)
    other = pool.with_arrivals(tt.Exponential()).profile
    assert not other.gap_tables()
    assert not other.rate_noise()[1].any()


def test_a_folder_of_servegen_says_what_it_has_no_place_for(tmp_path):
    pool = pool_of(one(arrivals=ON_AND_OFF, modulation=tt.RateNoise(0.25, 4)))
    written = tt.Job(pool, seed=1).write(tmp_path / "folder", format="servegen")
    assert set(written.left_out) == {"gap_tables", "modulation"}
    cells = tt.load(tmp_path / "folder").profile.cells()
    assert cells["shape"][0] == pytest.approx(ON_AND_OFF.cv**-2, rel=1e-6)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: tt.RateNoise(-0.1, 2), r"rho: -0.1 is not allowed; it must be a number from 0 to 0.9"),
        (lambda: tt.RateNoise(0.95, 2), "rho: 0.95"),
        (lambda: tt.RateNoise("much", 2), "rho: 'much'"),
        (lambda: tt.RateNoise(0.1, 11), "levels: 11 is not allowed; it must be a whole number from 0 to 10"),
        (lambda: tt.RateNoise(0.1, 2.5), "levels: 2.5"),
        (lambda: tt.GapTable(0.5, [1.0]), "first_bin: 0.5"),
        (lambda: tt.GapTable(-1025, [1.0]), "first_bin: -1025 with 1 bins"),
        (lambda: tt.GapTable(0, []), r"probabilities: shape \(0,\)"),
        (lambda: tt.GapTable(0, [1.0, -1.0]), "probabilities: they must be finite and at least 0"),
        (lambda: tt.GapTable(0, [0.0]), "with a sum above 0"),
        (lambda: tt.GapTable(0, ["a"]), "probabilities: it must be an array of numbers"),
        (lambda: tt.GapTable(0, [1.0] + [0.0] * 990 + [1e-15]), "times the mean are not allowed"),
        (lambda: tt.GapTable.of([1.0, 0.0]), "gaps: they must be one or more numbers above 0"),
        (lambda: one(modulation=0.5), "modulation: 0.5 is not allowed; it must be a RateNoise"),
        (lambda: one(arrivals=5), "arrivals: 5 is not allowed; .* or a GapTable"),
        (
            lambda: tt.Job(pool_of(one()), modulation=1.5),
            "modulation: 1.5 is not allowed; it must be a factor",
        ),
        (lambda: tt.Job(pool_of(one()), modulation=math.nan), "modulation: nan"),
        (
            lambda: pool_of(one()).with_arrivals(ON_AND_OFF),
            r"arrivals: GapTable\(114 bins from -40, cv .*\) is not allowed",
        ),
    ],
)
def test_what_is_wrong_is_named(make, says):
    with pytest.raises(ValueError, match=says):
        make()


def test_a_description_has_what_is_drawn_and_what_was_recorded():
    noise = tt.RateNoise(0.25, 4)
    pool = pool_of(one(arrivals=ON_AND_OFF, modulation=noise), one(rate=3.0))
    found = describe(pool)
    assert found.burstiness["cv_mean"] == pytest.approx((ON_AND_OFF.cv + 3) / 4)
    assert found.families == pytest.approx({"exponential": 0.75, "gamma": 0, "weibull": 0, "table": 0.25})
    assert found.details["modulation"] == pytest.approx({"share": 0.25, "rho": 0.25, "levels": 4})
    # A recorded CV stays what it was, whatever the law of the gaps.
    builder = _core.ProfileBuilder(
        "language",
        window_ns=10**12,
        windows=1,
        epoch_ns=10**12,
        epochs=1,
        default_counts="pinned",
        metadata="{}",
    )
    builder.add_client("a")
    column = [np.array([value]) for value in (0, 1.0, 0.25, 7.0, 1)]
    builder.add_cells(0, column[0].astype(np.uint32), *column[1:4], column[4].astype(np.uint8))
    for field in LENGTHS:
        builder.set_field(0, 0, field, builder.add_integer_pmf(np.array([5], dtype=np.uint32), np.ones(1)))
    recorded = describe(tt.ClientPool(builder.build()))
    assert recorded.burstiness["cv_mean"] == pytest.approx(2)
    assert recorded.details["recorded_burstiness"]["cv_mean"] == 7


TOML = """\
period = "2h"

[[clients]]
rate = 2.0
input_tokens = 10
output_tokens = 5
modulation = { rho = 0.25, levels = 4 }

[clients.arrivals]
law = "table"
first_bin = -16
probabilities = [1, 0, 0, 2.5]
"""


def test_a_workload_file_says_them_too(tmp_path):
    path = tmp_path / "w.toml"
    path.write_text(TOML)
    by_hand = tt.ClientPool(
        [one(rate=2.0, arrivals=tt.GapTable(-16, [1, 0, 0, 2.5]), modulation=tt.RateNoise(0.25, 4))],
        period="2h",
    )
    a, b = (tt.generate(pool, seed=3, duration=900) for pool in (tt.load(path), by_hand))
    assert a.timestamp.tolist() == b.timestamp.tolist()
    path.write_text(TOML.replace("rho = 0.25", "rho = 1.25"))
    with pytest.raises(ValueError, match=r"line 7.*rho: 1.25"):
        tt.load(path)


def test_the_command_line_takes_a_factor(tmp_path):
    path = tmp_path / "w.toml"
    path.write_text(TOML)
    out = tmp_path / "t.csv"
    succeeds("generate", str(path), "--duration", "10min", "--modulation", "0", "-o", str(out), "-q")
    plain = tt.generate(tt.load(path), duration="10min", seed=0, modulation=0)
    assert tt.read(out).timestamp.tolist() == plain.timestamp.tolist()
    fails(
        "generate",
        str(path),
        "--modulation",
        "2",
        "-o",
        str(out),
        says=["--modulation", "2 is not allowed; it must be a finite number from 0 to 1"],
    )

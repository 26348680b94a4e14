"""The findings on traces whose truth is known.

Statistical bounds are at least five standard errors, unless they say otherwise: false alarms below 1e-6.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from scipy import stats
from small_profiles import Client, IntegerPmf, build, constant
from test_measures import trace_of
from tracetide.characterize.rates import gap_cv, readable_step
from tracetide.cli import app
from tracetide.measures.pairs import Pairs


def renewal(law, seconds: float, seed: int, **columns) -> tt.Trace:
    """Arrivals with gaps of a law of SciPy; columns from functions of (random, requests)."""
    random = np.random.default_rng(seed)
    gaps = law.rvs(int(1.5 * seconds / law.mean()), random_state=random)
    times = np.cumsum(gaps)
    times = np.round(times[times < seconds], 9)
    made = {name: make(random, times.size) for name, make in columns.items()}
    trace = trace_of(times, **{name: column.astype(np.uint32) for name, column in made.items()})
    trace.metadata["duration"] = seconds
    return trace


def near(value: float, rel: float) -> object:
    return pytest.approx(value, rel=rel)


# Gaps


@pytest.mark.parametrize(
    ("family", "law", "shape"),
    [
        ("exponential", stats.expon(scale=0.1), None),
        ("gamma", stats.gamma(0.4, scale=0.25), 0.4),
        ("weibull", stats.weibull_min(0.6, scale=0.1 / 1.5046), 0.6),
    ],
)
def test_the_law_of_gaps_is_found(family, law, shape):
    found = tt.characterize(renewal(law, 3000, 1), window=1000)["gaps"]
    n = found["gaps"]
    assert found["mean"] == near(law.mean(), 5 * law.std() / law.mean() / n**0.5)
    # The variance of a squared CV, by the fourth moment, which heavy tails make large.
    assert found["cv"] == near(law.std() / law.mean(), 0.1)
    assert found["share_of_families"][family] > 0.99 if shape else found["cv"] == near(1, 0.05)
    if shape:
        assert found["ks_of_families"][family] == min(found["ks_of_families"].values())
    # Kolmogorov's law for a window of 10,000 gaps; fitted parameters only make it smaller.
    assert found["busiest_window"][f"ks_{family}"] < 2.7 / (n / 3) ** 0.5
    if shape:
        # 5 standard errors of a Gamma or Weibull shape are below 5 / sqrt(n) of it, for these shapes.
        assert found["busiest_window"][f"shape_{family}"] == near(shape, 5 / (n / 3) ** 0.5)
    quantiles = found["quantiles"]
    for level in (0.1, 0.5, 0.9, 0.99):
        density = law.pdf(law.ppf(level)) * law.ppf(level)
        error = 5 * (level * (1 - level) / n) ** 0.5 / density + 1 / 2048
        assert quantiles[f"p{100 * level:g}"] == near(law.ppf(level), error)


def test_windows_are_the_same_for_every_way_of_cutting():
    """Gaps of windows that go on over pieces are fitted as those that do not."""
    trace = renewal(stats.gamma(0.5, scale=0.002), 600, 2)
    assert len(trace) > 1 << 19  # more than a piece
    found = tt.characterize(trace, window=100).tables()["gaps_windows"].to_pandas()
    gaps = np.diff(trace.timestamp)
    window = trace.timestamp[1:] // 100
    for row in found.itertuples():
        here = gaps[window == row.start // 100]
        assert row.gaps == here.size
        # Of at least half of 65,536 gaps: 5 standard errors.
        assert row.cv == near(here.std() / here.mean(), 5 * 2 / 32_768**0.5)
        assert row.shape_gamma == near(0.5, 5 * 1.2 / 32_768**0.5)


# Rates


def test_rates_and_burstiness_over_time():
    steady = renewal(stats.expon(scale=0.2), 3600, 3)
    bursty = renewal(stats.gamma(0.2, scale=0.5), 3600, 4)
    times = np.concatenate([steady.timestamp, 3600 + bursty.timestamp])
    tokens = np.concatenate([np.full(len(steady), 100), np.full(len(bursty), 700)]).astype(np.uint32)
    trace = trace_of(times, input_tokens=tokens)
    trace.metadata["duration"] = 7200.0
    found = tt.characterize(trace)
    assert found["rates"]["step"] == 30
    assert found["rates"]["mean"] == len(trace) / 7200
    table = found.tables()["rates"].to_pandas()
    assert len(table) == 240
    assert (table["rate"] * 30).sum() == pytest.approx(len(trace))
    first, second = table[table.start < 3600], table[table.start >= 3600]
    assert set(first.mean_input_tokens.dropna()) == {100}
    assert set(second.mean_input_tokens.dropna()) == {700}
    assert first.gap_cv.mean() == near(1, 0.05)
    assert second.gap_cv.mean() > 1.5
    lengths = found["rates"]["mean_length_ranges"]["input_tokens"]
    assert (lengths["lowest"], lengths["highest"]) == (100, 700)
    whole = renewal(stats.expon(scale=0.1), 3600, 5)
    dispersions = tt.characterize(whole)["rates"]["dispersion"]
    for scale, seconds in (("1 s", 1), ("60 s", 60)):
        assert dispersions[scale] == pytest.approx(1, abs=6 * (2 * seconds / 3600) ** 0.5)


def test_the_cv_of_few_gaps_is_that_of_the_gaps():
    gaps = np.array([0.5, 1.0, 3.0])
    found = gap_cv(np.array([3, 2]), np.array([gaps.sum(), 2.0]), np.array([(gaps**2).sum(), 2.0]))
    assert found[0] == pytest.approx(gaps.std(ddof=1) / gaps.mean())
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("duration", "least", "step"),
    [
        (20, 0.1, 0.1),
        (600, 0.1, 2),
        (86400, 0.1, 300),
        (14 * 86400, 10, 7200),
        (3e7, 600, 172800),
        (5, 60, 60),
    ],
)
def test_steps_are_readable(duration, least, step):
    assert readable_step(duration, least) == step


# Lengths


def test_laws_of_lengths_are_found():
    body, tail = tt.LogNormal(median=300, sigma=0.6), tt.Pareto(alpha=1.8, minimum=2000)
    lengths = tt.Mixture([(0.9, body), (0.1, tail)]).sample(200_000, seed=1)
    lengths = np.maximum(np.rint(lengths), 1).astype(np.uint32)
    outputs = np.rint(tt.Exponential(mean=250).sample(200_000, seed=2)).astype(np.uint32)
    times = np.arange(200_000) / 50
    found = tt.characterize(trace_of(times, input_tokens=lengths, output_tokens=outputs))
    inputs = found["lengths"]["input_tokens"]
    law = inputs["laws"]["pareto_lognormal"]
    assert law["weight"] == pytest.approx(0.1, abs=0.01)
    assert law["alpha"] == near(1.8, 0.06)
    assert law["minimum"] == near(2000, 0.05)
    assert np.exp(law["mu"]) == near(300, 0.02)
    assert law["sigma"] == near(0.6, 0.02)
    assert law["ks"] < 0.008
    assert law["ks_tail"] < 0.04
    assert inputs["laws"]["exponential"]["ks"] > 0.1
    assert inputs["laws"]["exponential"]["ks_tail"] > 0.3
    exponential = found["lengths"]["output_tokens"]["laws"]["exponential"]
    assert exponential["mean"] == near(250, 5 / 200_000**0.5)
    assert exponential["ks"] < 2.7 / 200_000**0.5 + 0.001
    assert exponential["ks_tail"] < 2.7 / 10_000**0.5
    assert inputs["mean"] == pytest.approx(lengths.mean())
    ordered = np.sort(lengths)
    assert inputs["quantiles"]["p99"] == ordered[int(np.ceil(0.99 * ordered.size)) - 1]
    assert inputs["highest"] == ordered[-1]


def test_lengths_that_are_all_the_same_have_no_law():
    found = tt.characterize(trace_of(np.arange(50.0)))["lengths"]["input_tokens"]
    assert found["laws"] == {}
    assert found["mean"] == found["highest"] == 10


# Correlation


def test_ranks_in_bins_are_nearly_those_of_all():
    random = np.random.default_rng(6)
    normal = random.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 50_000)
    one, other = np.exp(5 + normal).astype(np.uint32).T
    pairs = Pairs()
    for start in range(0, 50_000, 7000):
        pairs.add(one[start : start + 7000], other[start : start + 7000])
    assert pairs.total == 50_000
    assert pairs.spearman() == pytest.approx(stats.spearmanr(one, other).statistic, abs=2e-4)
    bins = pairs.quantiles((0.5, 0.9))
    assert sum(bin["pairs"] for bin in bins) > 0.98 * 50_000
    for bin in bins:
        here = other[(one >= bin["low"]) & (one < bin["high"])]
        assert bin["pairs"] == here.size
        assert bin["p50"] == pytest.approx(np.quantile(here, 0.5, method="inverted_cdf"), rel=1 / 60)
        assert bin["p90"] == pytest.approx(np.quantile(here, 0.9, method="inverted_cdf"), rel=1 / 60)


def test_pairs_of_any_numbers_are_counted():
    values = np.array([0, 1, 63, 64, 65, 127, 128, 2**20, 2**32 - 1], dtype=np.uint32)
    pairs = Pairs()
    pairs.add(values, values[::-1])
    assert pairs.total == values.size
    assert pairs.spearman() < -0.9
    assert np.isnan(Pairs().spearman())
    assert Pairs().quantiles((0.5,)) == []
    alone = Pairs()
    alone.add(np.full(9, 70), np.arange(9))
    assert np.isnan(alone.spearman())
    assert [(bin["low"], bin["high"], bin["p50"]) for bin in alone.quantiles((0.5,))] == [(70, 72, 4)]


def test_inputs_and_outputs_are_correlated_as_asked_for():
    pool = tt.ClientPool(
        [
            tt.Client(
                rate=20,
                input_tokens=tt.LogNormal(median=500, sigma=1),
                output_tokens=tt.Exponential(mean=300),
            )
        ]
    )
    job = tt.Job(pool, duration="1h", coupling={("input_tokens", "output_tokens"): 0.4}, seed=7)
    found = tt.characterize(job)
    # 5 / sqrt(n), and binned ranks.
    assert found["correlation"]["spearman"] == pytest.approx(0.4, abs=5 / 72_000**0.5 + 2e-3)
    medians = found.tables()["correlation"]["p50"].to_pylist()
    assert medians[-1] > 1.5 * medians[0]


# All together


@pytest.fixture(scope="module")
def pool() -> tt.ClientPool:
    """Two hours of a steady and a bursty client."""
    clients = [
        Client(3.0, fields={"input_tokens": IntegerPmf([10, 20, 40], [0.2, 0.3, 0.5])}),
        Client([0, 4.0], "gamma", 0.1, {"input_tokens": constant(500)}),
    ]
    return tt.ClientPool(build(clients, windows=2, window_s=3600), name="two")


def test_a_trace_a_file_a_job_and_a_pool_have_the_same_findings(pool, tmp_path):
    job = tt.Job(pool, seed=8)
    trace = job.generate()
    trace.write(tmp_path / "two.parquet")
    found = [tt.characterize(one).to_dict() for one in (job, trace, tmp_path / "two.parquet")]
    found.append(tt.characterize(pool, seed=8).to_dict())
    assert [one.pop("name") for one in found] == ["two", "trace", "two.parquet", "two"]
    for one in found:
        one.pop("clients", None)  # a trace does not know the names that a pool has
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0]["requests"] == len(trace)
    assert found[0]["duration"] == 7200
    json.dumps(found[0], allow_nan=False)


def test_a_profile_has_the_rate_and_duration_asked_for(pool):
    found = tt.characterize(pool, rate=2.0, duration="1h")
    assert (found.duration, found.requests) == (3600, 7200)


def test_the_folder(pool, tmp_path):
    pytest.importorskip("matplotlib")
    found = tt.characterize(pool)
    files = found.write(tmp_path / "two")
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == files
    assert {f"{name}.png" for name in found.findings} < set(files)
    assert (tmp_path / "two" / "gaps.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "two" / "characterization.json").read_text()) == found.to_dict()
    for name, table in found.tables().items():
        assert pq.read_table(tmp_path / "two" / f"{name}.parquet") == table
    with pytest.raises(FileExistsError, match="the folder is not empty"):
        found.write(tmp_path / "two")
    with pytest.raises(ValueError, match=r"must end in .png, .svg, .pdf"):
        found.write(tmp_path / "other", pictures="gif")
    with pytest.raises(KeyError, match="'x' is not a finding; there are gaps, rates"):
        found["x"]


def test_the_command_line(pool, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)  # this process keeps its own
    pool.write(tmp_path / "two.tide")
    done = succeeds(
        "characterize", "two.tide", "--seed", "3", "--json", "-o", "f", "--pictures", "none", cwd=tmp_path
    )
    expected = tt.characterize(tt.load(tmp_path / "two.tide"), seed=3).to_dict()
    assert json.loads(done.stdout) == expected
    assert json.loads((tmp_path / "f" / "characterization.json").read_text()) == expected
    assert done.stderr.decode() == f"f: {len(list((tmp_path / 'f').iterdir()))} files\n"
    tt.generate(pool).write(tmp_path / "two.csv")
    assert app.run(["characterize", str(tmp_path / "two.csv"), "--window", "5min"]) == 0
    shown = capsys.readouterr().out
    assert "two.csv: language, " in shown
    assert "gaps (figure 1, 14)" in shown


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t: tt.characterize(t, window=0), "window: 0 is not allowed"),
        (
            lambda t: tt.characterize(t, window=1e-6),
            "window: 1e-06 s is not allowed; the trace has more than",
        ),
        (lambda t: tt.characterize(t, rate=2.0), "rate: not allowed for <Trace"),
        (lambda t: tt.characterize(t, max_clients=0), "max_clients: 0 is not allowed"),
        (lambda t: tt.characterize(trace_of([0.0])), "1 requests from 0 s to 0 s are not allowed"),
        (lambda t: tt.characterize(trace_of([3.0, 3.0])), "2 requests from 3 s to 3 s are not allowed"),
        (lambda t: tt.characterize(trace_of([2e9, 2e9 + 1])), "rebase=True"),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make(trace_of(np.arange(100.0)))


def test_the_command_line_says_what_is_left_out_and_what_is_wrong(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)  # this process keeps its own
    build([Client(3.0), Client(1.0, fields=None)], windows=1).write(str(tmp_path / "gappy.tide"))
    assert app.run(["characterize", str(tmp_path / "gappy.tide"), "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["requests"] == 2400
    assert told.err.startswith("tracetide: warning: gappy: 1 of 2 clients are left out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    fails("characterize", "gappy.tide", "-o", "full", says=["'full': the folder is not empty"], cwd=tmp_path)


# Real traces


def test_the_azure_trace(data_dir):
    path = data_dir / "traces" / "AzureLLMInferenceTrace_conv.csv"
    if not path.is_file():
        pytest.skip(f"no real data: {path}")
    found = tt.characterize(path)
    assert found.requests == 19_366
    assert found["lengths"]["input_tokens"]["mean"] == pytest.approx(1155, abs=1)
    assert found["lengths"]["output_tokens"]["mean"] == pytest.approx(211.1, abs=0.1)
    assert found["correlation"]["spearman"] == pytest.approx(0.073, abs=0.005)


def test_without_matplotlib_the_error_says_what_to_install(pool, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    found = tt.characterize(pool)
    with pytest.raises(ImportError, match=r"pip install 'tracetide\[plot\]'"):
        found.write(tmp_path / "f")
    with pytest.raises(ImportError, match=r"pip install 'tracetide\[plot\]'"):
        found.findings["gaps"].draw(tmp_path / "gaps.png")
    assert list(tmp_path.iterdir()) == []
    assert "gaps_windows.parquet" in found.write(tmp_path / "f", pictures=None)

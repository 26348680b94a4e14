"""Generated traces beside an actual one, against what is worked out by hand or known of the processes."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow.csv as pa_csv
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from small_profiles import Client, IntegerPmf, build, constant
from test_measures import trace_of
from tracetide.cli import app
from tracetide.measures.series import autocorrelation, cv, dispersion


def values(comparison: tt.TraceComparison) -> dict[str, tuple[float, ...]]:
    return {row.measure: row.values for row in comparison.rows}


def poisson(rate: float, seconds: float, seed: int, **columns) -> tt.Trace:
    random = np.random.default_rng(seed)
    times = np.sort(random.uniform(0, seconds, random.poisson(rate * seconds)))
    made = {name: make(random, times).astype(np.uint32) for name, make in columns.items()}
    trace = trace_of(np.round(times, 9), **made)
    return tt.Trace({name: trace[name] for name in trace.columns}, {"duration": seconds})


def test_a_trace_is_at_no_distance_from_itself():
    trace = poisson(20, 300, 1, input_tokens=lambda random, times: random.integers(1, 500, times.size))
    found = values(tt.compare(trace, trace))
    far = [name for name in found if name.startswith(("KS", "Wasserstein"))]
    assert len(far) == 12
    assert all(found[name] == (0, 0) for name in far)
    for pair in found.values():
        assert pair[0] == pair[1] or all(map(math.isnan, pair))


def test_what_is_counted_by_hand():
    # Intervals of 1 s have 2, 1, 0 and 1 requests.
    actual = trace_of([0.0, 0.5, 1.0, 3.0], input_tokens=np.array([10, 30, 6, 8], dtype=np.uint32))
    actual.metadata["duration"] = 4.0
    twice = trace_of([0.0, 0.5, 1.0, 3.0], input_tokens=np.array([20, 60, 12, 16], dtype=np.uint32))
    twice.metadata["duration"] = 4.0
    comparison = tt.compare(actual, twice, interval=1, names=["a", "b"])
    found = values(comparison)
    assert found["requests"] == (4, 4)
    assert found["duration"] == (4, 4)
    assert found["rate"] == (1, 1)
    assert found["rate peak"] == (2, 2)
    assert found["input_tokens mean"] == (13.5, 27)
    assert found["input_tokens p50"] == (8, 16)
    assert found["rate and mean input_tokens"][0] == pytest.approx(3**0.5 / 2)  # ranks 3, 1.5, 1.5; 3, 1, 2
    assert found["Wasserstein input_tokens"] == (0, 13.5)
    assert found["Wasserstein mean input_tokens"][1] == pytest.approx(34 / 3)
    assert found["KS input_tokens"] == (0, 0.75)  # at 10
    assert found["KS rate"] == (0, 0)
    table = comparison.intervals().to_pylist()
    assert [row["rate"] for row in table] == [2, 1, 0, 1] * 2
    assert [row["mean_input_tokens"] for row in table] == [20, 6, None, 8, 40, 12, None, 16]
    assert comparison.table().column_names == ["measure", "unit", "a", "b"]


def test_statistics_of_series():
    assert cv(np.array([1.0, 3.0])) == 0.5
    assert dispersion(np.array([1.0, 3.0])) == 0.5
    assert math.isnan(cv(np.zeros(5)))
    assert math.isnan(dispersion(np.empty(0)))
    assert autocorrelation(np.array([1.0, -1.0] * 50), 1) == pytest.approx(-99 / 100)
    assert autocorrelation(np.array([1.0, -1.0] * 50), 10) == pytest.approx(90 / 100)
    assert math.isnan(autocorrelation(np.ones(50), 1))


def test_poisson_arrivals_are_known_at_every_scale():
    actual, other = (poisson(40, 1200, seed) for seed in (1, 2))
    found = values(tt.compare(actual, other))
    for scale in (0.1, 1, 10, 60):
        intervals = 1200 / scale
        # The variance of a variance of n Poisson counts is about 2 / n of its square: 6 standard errors.
        assert found[f"dispersion {scale:g} s"] == pytest.approx((1, 1), abs=6 * (2 / intervals) ** 0.5)
        relative = 6 * (0.5 / intervals) ** 0.5
        assert found[f"rate CV {scale:g} s"] == pytest.approx((1 / (40 * scale) ** 0.5,) * 2, rel=relative)
    assert "rate CV 600 s" not in found
    assert found["gap CV"] == pytest.approx((1, 1), abs=6 / 48_000**0.5)
    # 5.2 sqrt(1 / 2n) is exceeded with a probability of 3e-12 by the distance of two samples of n gaps.
    assert found["KS gaps"][1] < 5.2 * (1 / 96_000) ** 0.5


# Poisson arrivals that are recorded in steps of 3 s, uneven by a millisecond: at all scales that are told the
# dispersion is 1 (6 standard errors). In seconds it would be 3 times the rate.
def test_intervals_are_multiples_of_the_step_of_the_clock():
    rng = np.random.default_rng(7)
    step = np.floor(np.cumsum(rng.exponential(0.25, 40_000)) / 3).astype(np.int64)
    late = np.append(0, rng.integers(-1, 2, step[-1]))[step] / 1000
    columns = {name: np.ones(step.size, dtype=np.uint32) for name in ("input_tokens", "output_tokens")}
    trace = tt.Trace({"timestamp": np.round(step * 3 + late, 3), **columns})
    comparison = tt.compare(trace, poisson(4, 10_000, 8))
    assert comparison.clock_step == pytest.approx(3, abs=0.003)
    assert comparison.interval == 12
    assert comparison.has_coarse_clock
    found = values(comparison)
    scales = [name.split()[1] for name in found if name.startswith("dispersion ")]
    assert scales == ["3", "12", "60", "600"]
    for scale in scales:
        intervals = 10_000 / float(scale)
        assert found[f"dispersion {scale} s"] == pytest.approx((1, 1), abs=6 * (2 / intervals) ** 0.5)
    curve = comparison.to_dict()["variance_time"][0]
    assert curve["intervals"] == [3 * 2**k for k in range(9)]
    assert curve["variance_over_mean"][:5] == pytest.approx(np.ones(5), abs=0.35)
    assert tt.compare(trace, trace, interval=6).interval == 6
    message = r"interval: 1 s is not allowed; the times of .* are in steps of 3 s: .* such as 3 s"
    with pytest.raises(ValueError, match=message):
        tt.compare(poisson(4, 10_000, 8), trace, interval=1)


def test_a_fine_clock_changes_nothing():
    comparison = tt.compare(poisson(40, 600, 1), poisson(40, 600, 2))
    assert comparison.clock_step < 1e-6
    assert not comparison.has_coarse_clock
    assert "dispersion 0.1 s" in values(comparison)


def test_mutual_information_sees_what_a_correlation_does_not():
    rng = np.random.default_rng(9)
    inputs = rng.integers(1, 10_000, 20_000).astype(np.uint32)
    # Short or long where inputs are long, else between: no tendency.
    is_long = inputs > 5000
    outputs = np.where(is_long, rng.choice([10, 4000], inputs.size), rng.integers(500, 600, inputs.size))
    times = np.cumsum(rng.exponential(0.1, inputs.size))

    def trace(outs):
        columns = {"input_tokens": inputs, "output_tokens": outs.astype(np.uint32)}
        return tt.Trace({"timestamp": np.round(times, 9), **columns})

    found = values(tt.compare(trace(outputs), trace(rng.permutation(outputs))))
    # Which half an input is in, and whether the output is between, are one bit, less what bins blur.
    assert found["input and output mutual information"] == pytest.approx((math.log(2), 0), abs=0.05)
    assert found["input and output rank correlation"] == pytest.approx((0, 0), abs=0.03)
    # The two halves of the grid are empty or twice as full.
    assert found["L1 joint ranks"] == pytest.approx((0, 1), abs=0.05)


def bursts(seed: int) -> tt.ClientPool:
    """A steady client of short requests, and a bursty one of long ones."""
    clients = [
        Client(20.0, fields={"input_tokens": IntegerPmf([80, 100, 120], [0.3, 0.4, 0.3])}),
        Client(20.0, "gamma", 0.03, {"input_tokens": constant(1000), "output_tokens": constant(500)}),
    ]
    return tt.ClientPool(
        build(clients, windows=2, window_s=600, default_counts="renewal"), name=f"pool {seed}"
    )


def test_naive_loses_what_bursts_bring_with_them():
    pool = bursts(0)
    actual, clients = (tt.generate(pool, seed=seed) for seed in (1, 2))
    naive = tt.generate(pool.collapse(), seed=3)
    comparison = tt.compare(actual, clients, naive, names=["actual", "clients", "NAIVE"])
    found = values(comparison)
    assert comparison.interval == 1
    real, client_based, baseline = found["rate and mean input_tokens"]
    assert real > 0.8
    assert client_based == pytest.approx(real, abs=0.1)
    assert abs(baseline) < 0.3
    assert found["mean input_tokens spread"][1] == pytest.approx(
        found["mean input_tokens spread"][0], rel=0.1
    )
    assert found["mean input_tokens spread"][2] < 0.6 * found["mean input_tokens spread"][0]
    # Lengths alone do not tell them apart.
    assert found["KS input_tokens"][2] < 0.1
    assert found["KS mean input_tokens"][2] > 2 * found["KS mean input_tokens"][1]


def test_the_interval_has_thirty_requests():
    def interval(rate: float, seconds: float) -> float:
        return tt.compare(*[poisson(rate, seconds, 1)] * 2).interval

    assert interval(40, 600) == 1
    assert interval(20, 600) == 2
    assert interval(0.4, 7200) == 120
    assert interval(0.1, 1000) == 30  # a twentieth of the trace is shorter than thirty requests take
    assert tt.compare(poisson(5, 600, 1), poisson(5, 600, 2), interval="250ms").interval == 0.25


def test_a_profile_and_a_job_are_compared(tmp_path):
    pool = bursts(1)
    job = tt.Job(pool, seed=4)
    found = tt.compare(job, pool, tt.scan(job.generate()))
    assert found.names == ("pool 1", "pool 1#2", "trace")
    assert values(found)["requests"][0] == values(found)["requests"][2]


def test_the_figure(tmp_path):
    pytest.importorskip("matplotlib")
    trace = poisson(20, 120, 1)
    comparison = tt.compare(trace, trace, names=["actual", "copy"])
    for path in ("one.svg", "two.svg"):
        comparison.draw(tmp_path / path)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "actual" in (tmp_path / "one.svg").read_text()
    with pytest.raises(
        ValueError, match=r"figure: '.*x.gif' is not allowed; it must end in .png, .svg, .pdf"
    ):
        comparison.draw(tmp_path / "x.gif")


def test_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)  # this process keeps its own
    for seed, name in enumerate(("actual", "made")):
        poisson(10, 300, seed).write(tmp_path / f"{name}.csv")
    done = succeeds("compare", "actual.csv", "made.csv", "--interval", "5s", "--json", "-o", "t.csv",
                    cwd=tmp_path)  # fmt: skip
    found = json.loads(done.stdout)
    expected = tt.compare(tmp_path / "actual.csv", tmp_path / "made.csv", interval=5)
    assert found == expected.to_dict()
    assert found["traces"] == ["actual.csv", "made.csv"]
    assert found["measures"]["mean input_tokens spread"]["values"] == [0, 0]
    assert found["measures"]["rate and mean input_tokens"]["values"] == [None, None]
    assert pa_csv.read_csv(tmp_path / "t.csv")["measure"].to_pylist() == list(found["measures"])
    paths = [str(tmp_path / name) for name in ("actual.csv", "made.csv")]
    assert app.run(["compare", *paths, "--name", "one", "--name", "two"]) == 0
    text = capsys.readouterr().out
    assert "Wasserstein rate, requests/s" in text
    assert "one" in text.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a.csv"], ["GENERATED"]),
        (["a.csv", "a.csv", "--name", "x"], ["--name: 1 are not allowed; there must be 2"]),
        (
            ["a.csv", "a.csv", "--interval", "1h"],
            ["--interval: 3600 s is not allowed; a.csv is only 60.0412498 s long"],
        ),
        (["a.csv", "coarse.csv", "--interval", "1"], ["--interval: 1 s is not allowed", "in steps of 3 s"]),
        (["a.csv", "none.csv", "--figure", "x.gif"], ["figure: 'x.gif' is not allowed"]),
        (["a.csv", "none.csv", "-o", "x.txt"], ["output: 'x.txt' is not allowed"]),
    ],
)
def test_the_command_line_names_what_is_wrong(tmp_path, arguments, says):
    poisson(10, 60, 1).write(tmp_path / "a.csv")
    trace_of(np.repeat(np.arange(400) * 3.0, 3)).write(tmp_path / "coarse.csv")
    fails("compare", *arguments, says=says, cwd=tmp_path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda t: tt.compare(t), "generated: none is given"),
        (lambda t: tt.compare(t, t, names=["x"]), "names: 1 are not allowed; there must be 2"),
        (lambda t: tt.compare(t, t, interval=0), "interval: 0 is not allowed"),
        (lambda t: tt.compare(t, t, interval="1h"), "interval: 3600 s is not allowed; trace is only 60 s"),
        (lambda t: tt.compare(trace_of([1.0]), t), "Trace: 1 requests from 1 s to 1 s are not allowed"),
        (lambda t: tt.compare(t, trace_of([1.7e9, 1.7e9 + 1])), "rebase=True counts them"),
        (lambda t: tt.compare(t, trace_of([0.0, np.nan])), "timestamp"),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make(poisson(10, 60, 1))

"""The benchmark of how near generated traces are to actual ones: its figures, its verdicts, and all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
NS = 1_000_000_000


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def requests(times, inputs, outputs, *, duration=600.0, step=1):
    from fidelity_figures import Requests

    time_ns = np.rint(np.asarray(times) * NS).astype(np.int64)
    return Requests(
        time_ns, np.asarray(inputs, dtype=float), np.asarray(outputs, dtype=float), duration, step
    )


def test_figures_of_regular_requests():
    """One request a second; by turns with a short and a long input."""
    from fidelity_figures import figures

    short, long = np.tile([1.0, 3.0], 300), np.tile([3.0, 1.0], 300)
    found = figures(requests(np.arange(600) + 0.01, short, long))
    assert found["variance/mean 10 s"] == 0
    assert found["empty 10 s"] == 0
    assert found["gap CV in 1 min"] == pytest.approx(0, abs=1e-9)
    assert found["input and output"] == pytest.approx(-1)
    assert found["long output, given a long input"] == 0
    # Equal work a second, 0.6 s of it: nobody waits.
    assert found["wait p99 at 0.6"] == 0
    assert found["load 10 s, peak/mean"] == 1


def test_figures_of_bursts():
    """Ten requests together every sixty seconds, of 3.6 s of work each at a use of 0.6."""
    from fidelity_figures import figures

    times = np.repeat(np.arange(0, 600, 60.0), 10)
    found = figures(requests(times, np.full(100, 7.0), np.full(100, 5.0)))
    assert found["variance/mean 60 s"] == 0
    assert found["variance/mean 10 s"] == pytest.approx((10**2 / 6 - (10 / 6) ** 2) / (10 / 6))
    assert found["empty 10 s"] == pytest.approx(5 / 6)
    assert found["load 10 s, peak/mean"] == pytest.approx(6)
    # Of ten together the i-th waits for i times 3.6 s.
    assert found["wait mean at 0.6"] == pytest.approx(4.5 * 3.6)
    assert found["wait p99 at 0.6"] == pytest.approx(9 * 3.6)


def test_a_trace_is_no_distance_from_itself_and_lengths_that_change_places_are():
    from fidelity_figures import RATIOS, correlation_difference, distances, figures, log_ratio

    generator = np.random.default_rng(1)
    times = np.sort(generator.uniform(0, 600, 2000))
    inputs, outputs = generator.lognormal(6, 1, (2, 2000)).round()
    actual = requests(times, inputs, outputs)
    assert set(RATIOS) <= set(figures(actual))
    assert set(distances(actual, actual).values()) == {0.0}
    assert log_ratio(figures(actual), figures(actual)) == 0
    together = requests(times, inputs, np.sort(outputs)[np.argsort(np.argsort(inputs))])
    found = distances(together, actual)
    assert found["KS output"] == 0
    # All on the diagonal of eight by eight cells: 7/8 of the requests are elsewhere.
    assert found["joint ranks, L1"] == pytest.approx(2 * 7 / 8, abs=0.1)
    assert correlation_difference(figures(together), figures(actual)) > 0.05


def test_a_clock_of_three_seconds_is_everybodys():
    actual = requests([0, 3, 6, 9], [5] * 4, [5] * 4, duration=12.0, step=3)
    columns = {"timestamp": np.array([0.5, 4.4, 8.9, 13.0])}
    columns |= {name: np.full(4, 5, dtype=np.uint32) for name in ("input_tokens", "output_tokens")}
    made = actual.like(tt.Trace(columns, {"duration": 20.0}))
    assert (made.time_ns // NS).tolist() == [0, 3, 6]
    assert made.intervals(10).step_s == 9
    assert made.intervals(1).requests.tolist() == [1, 1, 1, 0]


def test_rates_are_those_of_the_tested_half():
    import fidelity

    one, other = fidelity.both_halves(fidelity.made_trace(2400))
    pools = fidelity.fitted(one)
    groups = fidelity.latent_groups(one, other)
    assert groups.max() + 1 == len(pools["now"]) == 2
    made = fidelity.generated("now", pools["now"], other, 1, groups)
    assert np.all(np.diff(made.time_ns) >= 0)
    for part in (slice(None), groups == 0):
        rates = np.array(fidelity.window_rates(other.chosen(np.arange(groups.size)[part])))
        assert rates.size == 2
    counts = [np.bincount(of.time_ns // (600 * NS)) for of in (made, other)]
    assert np.abs(counts[0] - counts[1]).max() <= 2


def test_a_spike_is_where_it_is_asked_for():
    import fidelity

    found = fidelity.spike(100)
    assert found["largest deviation"] < 4
    assert found["totals"] == [200, 200]


def both(actual, now, before=None):
    """Two directions of one figure each."""
    before = now if before is None else before
    spread = {"now": dict.fromkeys(actual, 0.0)}
    ln = {"mean |ln|": 0.1}
    return 2 * [{"actual": actual, "now": now | ln, "before": before | ln, "spread": spread, "clients": 1}]


def test_what_is_not_met_is_said():
    import fidelity_report

    figures = {"variance/mean 10 s": 10.0}
    code = both(figures, {"variance/mean 10 s": 15.0})
    for one in code:
        one["now"] |= {"empty 10 s": 0.5, "load 10 s, peak/mean": 8.0}
        one["actual"] = figures | {"empty 10 s": 0.45, "load 10 s, peak/mean": 9.0}
    mooncake = both(figures, {"variance/mean 10 s": 13.0}, before={"variance/mean 10 s": 9.0})
    told = fidelity_report.markdown({"halves": {"Azure code": code, "Mooncake conversation": mooncake}})
    lines = {line.split("|")[1].strip(): line for line in told.splitlines() if line.startswith("| ")}
    assert lines["Azure code: variance/mean 10 s"].endswith("| **not met** |")
    assert lines["Azure code: empty 10 s"].endswith("| met |")
    assert "farther off: variance/mean 10 s" in next(
        line for name, line in lines.items() if name.startswith("Mooncake")
    )


def test_the_script_writes_tables(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "fidelity.py"), "--quick", "-o", str(tmp_path)]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, timeout=120, check=True)
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["fidelity.json", "fidelity.md"]
    assert b"| made: instances needed |" in done.stdout
    results = json.loads((tmp_path / "fidelity.json").read_text())
    assert {"halves", "instances", "round trip", "spike"} <= set(results)
    # Bursts and joint lengths that one client cannot have.
    for one in results["halves"]["made"]:
        assert one["clients"] == 2
        assert one["now"]["joint ranks, L1"] < one["before"]["joint ranks, L1"]

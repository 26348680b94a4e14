"""The study of the docs: its pieces on a workload whose truth is known, and the script as a whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tracetide as tt
from tracetide.profile.bundled import bundled

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import study

    return study


def bursty_and_steady() -> tt.ClientPool:
    """One client whose bursts bring long prompts, beside a steady one with short prompts."""
    bursty = tt.Client(rate=4, arrivals=tt.Gamma(cv=5), input_tokens=8000, output_tokens=20)
    steady = tt.Client(rate=16, arrivals=tt.Exponential(), input_tokens=200, output_tokens=20)
    return tt.ClientPool([bursty, steady])


def test_bursts_with_long_prompts_are_what_naive_misses(study):
    pool = bursty_and_steady()
    found = study.studied(study.piece_of_profile(pool, rate=20), study.whole_naive(pool))
    assert found["clients"] == 2
    together = found["measures"]["rate and mean input_tokens"]
    assert together["actual"] > 0.5
    assert abs(together["clients"] - together["actual"]) < 0.1
    assert abs(together["naive"]) < 0.15
    needed = found["instances"]
    assert needed["naive"] < 0.7 * needed["actual"]
    assert abs(needed["clients"] - needed["actual"]) < needed["actual"] - needed["naive"]


def test_one_poisson_client_is_all_the_same_to_naive(study):
    pool = tt.ClientPool([tt.Client(rate=30, arrivals=tt.Exponential(), input_tokens=900, output_tokens=100)])
    found = study.studied(study.piece_of_profile(pool, rate=30), study.whole_naive(pool))
    for method in ("clients", "naive", "whole", "chance"):
        assert abs(found["instances"][method] - found["instances"]["actual"]) <= 1


def test_a_piece_is_cut_without_losing_requests(study):
    trace = tt.generate(bursty_and_steady(), rate=20, duration=study.REST_S + study.HELD_OUT_S, seed=4)
    piece = study.piece_of(trace)
    assert len(piece.rest) + len(piece.held_out) == len(trace)
    assert np.array_equal(piece.rest.input_tokens, trace.input_tokens[: len(piece.rest)])
    assert piece.held_out.timestamp[0] >= 0
    assert piece.held_out.timestamp[-1] < study.HELD_OUT_S


def test_methods_have_the_rate_of_what_is_held_out(study):
    piece = study.piece_of_profile(bursty_and_steady(), rate=20)
    whole = study.whole_naive(bursty_and_steady())
    made = study.generated(study.fitted(piece.rest), whole, piece.held_out)
    assert list(made) == ["clients", "naive", "whole"]
    for trace in made.values():
        assert len(trace) == pytest.approx(len(piece.held_out), abs=3)


def test_prompts_too_long_for_ten_minutes_have_no_target(study):
    def target(tokens: int) -> float | None:
        ones = np.ones(100, dtype=np.uint32)
        columns = {"timestamp": np.arange(100.0), "input_tokens": ones * tokens, "output_tokens": ones}
        return study.ttft_target(tt.Trace(columns, {"duration": 100.0}))

    assert target(500) == study.TTFT_S
    assert study.TTFT_S < target(20_000) < study.LONGEST_TTFT_S
    assert target(400_000) is None
    assert target(1_000_000) is None  # more than the KV cache holds


def test_the_script_writes_tables_and_pictures(tmp_path):
    pytest.importorskip("matplotlib")
    if "m-large" not in bundled():
        pytest.skip("the profiles are not bundled in this build")
    command = [sys.executable, str(BENCHMARKS / "study.py"), "--quick", "-o", str(tmp_path)]
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, timeout=120, check=True)
    names = [file.name for file in sorted(tmp_path.iterdir())]
    assert names == ["grid.svg", "study.json", "study.md", "study.png"]
    assert b"| m-rp |" in done.stdout
    results = json.loads((tmp_path / "study.json").read_text())
    assert [workload["name"] for workload in results["workloads"]] == ["m-rp", "mm-audio"]
    assert all(workload["pieces"] for workload in results["workloads"])
    assert results["grid"]["cells"]


@pytest.mark.parametrize("category", ["language", "reason", "multimodal"])
def test_the_whole_workload_is_one_client_with_its_lengths(study, category):
    fields = {
        "language": {"input_tokens": {10: 0.5, 90: 0.5}},
        "reason": {"input_tokens": 50, "reason_ratio": {0.25: 0.5, 0.75: 0.5}},
        "multimodal": {"text_tokens": 20, "image_count": {0: 0.5, 2: 0.5}, "image_tokens": 30},
    }[category]
    clients = [tt.Client(rate=3, arrivals=tt.Gamma(cv=3), output_tokens=40, **fields)] * 2
    whole = study.whole_naive(tt.ClientPool(clients, period="1d"))
    assert (len(whole), whole.category) == (1, category)
    cells = whole.profile.cells()
    # Two clients with a CV of 3 are less bursty together than one.
    assert 1 < cells["shape"][0] ** -0.5 < 3
    trace = tt.generate(whole, rate=20, duration=600, seed=1)
    # Means of 50 tokens of 12,000 requests, whose standard error is below 0.4.
    assert trace.input_tokens.mean() == pytest.approx(50, abs=2)
    assert set(trace.output_tokens.tolist()) == {40}


def test_one_instance_at_its_rate_is_what_naive_gets_wrong(study, monkeypatch):
    monkeypatch.setattr(study, "SCALED_HOURS", (0, 1))
    clients = [tt.Client(rate=0.5, arrivals=tt.Gamma(cv=8), input_tokens=6000, output_tokens=20)] * 4
    steady = tt.Client(rate=20, arrivals=tt.Exponential(), input_tokens=100, output_tokens=20)
    pool = tt.ClientPool([*clients, steady], period="1d")
    found = study.scaled(pool, study.whole_naive(pool), 20.0)
    assert [(day["day"], day["ttft"]) for day in found] == [(0, 0.75), (0, 2.25)]
    for day in found:
        rates = day["rate_of_one"]
        assert rates["clients"] == pytest.approx(rates["actual"], rel=0.5)
        assert rates["naive"] > 1.3 * rates["actual"]


def test_a_piece_is_studied_the_same_each_time(study):
    pool = bursty_and_steady()
    whole = study.whole_naive(pool)
    once, again = (study.studied(study.piece_of_profile(pool, rate=5), whole) for _ in range(2))
    assert once == again

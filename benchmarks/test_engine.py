"""How long does a whole job take, next to NumPy and to the reference's way?

All peers make the same job: the same profile, rate and windows. The engine runs on one thread and on all
cores. A job of a million requests is short for it (some 10 ms, of which starting is a part), as the
reference's way takes seconds; `table.py` has the long ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import tracetide as tt
from peers import numpy_vectorised, plan, reference_algorithm
from profiles import Spec, synthetic

PEERS = ["tracetide", "tracetide_1_thread", "numpy_vectorised", "reference_algorithm"]
WINDOWS = 6
RATES = {"m-small": None, "deepseek-r1": 300.0, "mm-image": 300.0}
"""Requests/s; None is the profile's own."""


def run(measure: Any, group: str, peer: str, pool: tt.ClientPool, rate: float | None, windows: int) -> int:
    """One peer's time for the first windows of a pool; returns the number of requests."""
    if peer.startswith("tracetide"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tt.MissingDataWarning)
            job = tt.Job(pool, rate=rate, duration=windows * pool.window)
        threads = 1 if peer.endswith("1_thread") else 0
        return int(measure(group, lambda: sum(map(len, job.stream(threads=threads)))))
    steps = list(plan(pool, rate=rate, windows=windows))
    if peer == "numpy_vectorised":
        return int(measure(group, numpy_vectorised, steps))
    return len(measure(group, reference_algorithm, steps, rounds=1))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("category", ["language", "reason", "multimodal"])
def test_synthetic(measure: Any, requests_wanted: int, category: str, peer: str) -> None:
    pool = synthetic(Spec(category=category))
    rate = requests_wanted / (WINDOWS * pool.window)
    made = run(measure, f"engine: synthetic {category}", peer, pool, rate, WINDOWS)
    # The reference's way drops a request per client and window.
    assert made == pytest.approx(requests_wanted, rel=0.05)


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("model", RATES)
def test_real(measure: Any, quick: bool, real_folder: Callable[[str], Any], model: str, peer: str) -> None:
    pool = tt.load(real_folder(model))
    rate = 10.0 if quick else RATES[model]
    made = run(measure, f"engine: {model}", peer, pool, rate, 1 if quick or rate is None else WINDOWS)
    assert made > 0

"""What does a request of a single client cost, by the law of its gaps?

The engine makes everything (times, client numbers, lengths, batches), NumPy the arrival times alone: the
comparison leans towards NumPy. Both on one thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tracetide as tt
from peers import numpy_arrivals
from profiles import EXPONENTIAL, GAMMA, WEIBULL, one_client

LAWS = {
    "exponential": (EXPONENTIAL, 1.0),
    "gamma 0.15": (GAMMA, 0.15),
    "gamma 0.5": (GAMMA, 0.5),
    "gamma 2": (GAMMA, 2.0),
    "weibull 0.5": (WEIBULL, 0.5),
    "weibull 2": (WEIBULL, 2.0),
}
WINDOW_S = 600.0
WINDOWS = 20


@pytest.mark.parametrize("peer", ["tracetide", "numpy"])
@pytest.mark.parametrize("law", LAWS)
def test_gaps(measure: Any, requests_wanted: int, law: str, peer: str) -> None:
    family, shape = LAWS[law]
    count = requests_wanted // WINDOWS
    if peer == "tracetide":
        pool = one_client(family, shape, count / WINDOW_S)
        job = tt.Job(pool, duration=WINDOWS * WINDOW_S)
        made = measure(f"gaps: {law}", lambda: sum(map(len, job.stream(threads=1))))
        assert made == requests_wanted
    else:
        rng = np.random.default_rng(0)
        windows = measure(
            f"gaps: {law}",
            lambda: [numpy_arrivals(family, shape, count, WINDOW_S, rng) for _ in range(WINDOWS)],
        )
        assert all(window.size == count and (np.diff(window) >= 0).all() for window in windows)

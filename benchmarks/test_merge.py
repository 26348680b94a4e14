"""What does bringing clients into time order cost, for few, thousands and tens of thousands of clients?

NumPy merges what is ready-made: columns of every client in ascending order of time, concatenated, and moved
by a stable argsort. The engine does the whole job, generating included, as it never has unmerged columns to
start from; so the comparison leans towards NumPy. Both on one thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tracetide as tt
from peers import Columns, Window, numpy_arrivals, numpy_merge, plan
from profiles import Spec, synthetic

CLIENTS = [40, 2_500, 26_000]
WINDOW_S = 600.0
WINDOWS = 4


def pool_of(clients: int) -> tt.ClientPool:
    # Lengths are shared: this is about time order, and building 26,000 sets of tables takes seconds.
    return synthetic(Spec(clients=clients, windows=WINDOWS, epochs=1, lengths=40))


def ready_made(window: Window) -> list[Columns]:
    """The columns of every client of a window."""
    rng = np.random.default_rng(0)
    pieces = []
    for client in window.clients:
        count = rng.poisson(client.expected)
        if count:
            pieces.append(
                {
                    "timestamp": numpy_arrivals(client.family, client.shape, count, WINDOW_S, rng),
                    "client_id": np.full(count, client.client, dtype=np.uint32),
                    "input_tokens": rng.integers(1, 8000, count, dtype=np.uint32),
                    "output_tokens": rng.integers(1, 2000, count, dtype=np.uint32),
                }
            )
    return pieces


@pytest.mark.parametrize("peer", ["tracetide", "numpy_merge_alone"])
@pytest.mark.parametrize("clients", CLIENTS)
def test_merge(measure: Any, requests_wanted: int, clients: int, peer: str) -> None:
    group = f"merge: {clients:,} clients"
    pool = pool_of(clients)
    rate = requests_wanted / (WINDOWS * WINDOW_S)
    if peer == "tracetide":
        job = tt.Job(pool, rate=rate)
        made = measure(group, lambda: sum(map(len, job.stream(threads=1))))
        assert made == pytest.approx(requests_wanted, abs=WINDOWS)
    else:
        windows = [ready_made(window) for window in plan(pool, rate=rate, windows=WINDOWS)]
        merged = measure(group, lambda: [numpy_merge(pieces) for pieces in windows])
        assert all((np.diff(window["timestamp"]) >= 0).all() for window in merged)

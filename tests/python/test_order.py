"""The order of a trace: (timestamp, client, position in the client's window)."""

import numpy as np
import pytest
from small_profiles import Client, Quantiles, build
from trace_tools import assert_same, collect, columns, nanoseconds, rows
from tracetide import _core

WIDE = {"input_tokens": Quantiles([0, 4e9]), "output_tokens": Quantiles([0, 4e9])}


def assert_ordered(trace):
    ns, client = nanoseconds(trace), trace["client_id"].astype(np.int64)
    step, tie = np.diff(ns), np.diff(client)
    assert (step >= 0).all()
    assert (tie[step == 0] >= 0).all()
    return int((step == 0).sum()), int(((step == 0) & (tie > 0)).sum())


@pytest.mark.parametrize("counts", ["pinned", "renewal", "servegen"])
def test_ties_in_tiny_windows_are_ordered_by_client(counts):
    # 400 requests in each window of 1,000 ns.
    clients = [
        Client(8e7, family, shape) for family, shape in [("exponential", 1), ("gamma", 0.3), ("weibull", 0.6)]
    ]
    profile = build([*clients, Client(8e7), Client(8e7)], window_s=1e-6, windows=300)
    trace = collect(profile, counts=counts, seed=1)
    ties, between_clients = assert_ordered(trace)
    assert ties > 1000
    assert between_clients > 1000


@pytest.mark.parametrize("counts", ["pinned", "servegen"])
@pytest.mark.parametrize(("family", "shape"), [("gamma", 0.005), ("weibull", 0.005)])
def test_ties_of_extreme_bursts_are_ordered_by_client(counts, family, shape):
    profile = build([Client(50, family, shape)] * 8, window_s=100, windows=5)
    ties, _ = assert_ordered(collect(profile, counts=counts, seed=2))
    assert ties > 15_000


@pytest.mark.parametrize("clients", [1, 2, 3, 60, 3000])
@pytest.mark.parametrize("counts", ["pinned", "renewal"])
def test_traces_of_few_and_many_clients_are_ordered(clients, counts):
    rng = np.random.default_rng(3)
    families = [("exponential", 1.0), ("gamma", 0.05), ("gamma", 40.0), ("weibull", 0.4)]
    profile = build(
        [
            Client(rate, *families[i % 4])
            for i, rate in enumerate(200_000 / clients * rng.pareto(1.5, clients) / 100)
        ],
        window_s=20,
        windows=5,
    )
    trace = collect(profile, counts=counts, seed=3)
    assert trace["timestamp"].size > 1000
    assert_ordered(trace)


def test_a_window_made_in_slices_is_ordered():
    # Millions of requests in one window, half of them in bursts.
    profile = build([Client(1e6), Client(1e6, "gamma", 0.01), Client(3e5, "weibull", 0.3)], window_s=2)
    assert_ordered(collect(profile, counts="pinned", seed=4))


@pytest.mark.parametrize("window_s", [1e-6, 1.0])
def test_requests_of_a_client_keep_their_order_and_values_among_others(window_s):
    # In renewal mode a client's requests do not depend on who else is there, ties included.
    first = Client(100 / window_s, "gamma", 0.5, WIDE)
    others = [Client(150 / window_s, fields=WIDE), Client(80 / window_s, "weibull", 0.7, WIDE)]
    options = {"counts": "renewal", "coupling": "independent", "seed": 5}
    alone = collect(build([first], window_s=window_s, windows=50), **options)
    together = collect(build([first, *others], window_s=window_s, windows=50), **options)
    assert_same(rows(together, together["client_id"] == 0), alone)


def test_batches_continue_each_other():
    profile = build([Client(8e7), Client(8e7)], window_s=1e-6, windows=300)
    position = 0
    last = -1
    for batch in _core.Stream(_core.Job(profile, seed=6), batch_size=997):
        assert batch.first_request == position
        position += len(batch)
        ns = nanoseconds(columns(batch))
        assert ns[0] >= last
        last = ns[-1]

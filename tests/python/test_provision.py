"""Simulated serving, and how many instances a workload needs."""

from __future__ import annotations

import json
import math
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from hypothesis import given, settings
from hypothesis import strategies as st
from platforms import interrupt as press_ctrl_c
from tracetide import _core
from tracetide.provision import CostModel, Instance
from tracetide.provision.workload import JobWorkload, TraceWorkload

ONE_AT_A_TIME = Instance(CostModel(base_s=0.01), kv_tokens=10_000, max_batch_tokens=10_000, max_sequences=1)
"""A server with a service time of 10 ms a token of output, whatever else."""
SMALL = Instance(
    CostModel(1e-3, 1e-4, 1e-6, 2e-4, 1e-6), kv_tokens=120, max_batch_tokens=16, max_sequences=4, name="small"
)


ONES = np.ones(2, dtype=np.uint32)


def trace_of(times, inputs=1, outputs=1, **columns) -> tt.Trace:
    n = len(times)
    return tt.Trace(
        {
            "timestamp": np.asarray(times, dtype=np.float64),
            "client_id": np.zeros(n, dtype=np.uint32),
            "input_tokens": np.broadcast_to(np.asarray(inputs, dtype=np.uint32), n),
            "output_tokens": np.broadcast_to(np.asarray(outputs, dtype=np.uint32), n),
            **columns,
        }
    )


def regular(rate: float, **client) -> tt.ClientPool:
    """A client whose gaps are all alike, to a third of a percent."""
    lengths = {"input_tokens": tt.Constant(10), "output_tokens": tt.Constant(1)} | client
    return tt.ClientPool([tt.Client(rate=rate, arrivals=tt.Gamma(1e5), **lengths)])


# Serving

REQUESTS = st.lists(
    st.tuples(st.integers(0, 10**8), st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=60
)


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("instances", [1, 3])
def test_requests_that_are_not_held_are_served_alike(instances, chunked):
    """More than an instance keeps waiting come while it is behind; then it is idle, and then comes more."""
    generator = np.random.default_rng(5)
    times = np.sort(np.concatenate([generator.uniform(0, 2, 30_000), generator.uniform(900, 901, 25_000)]))
    inputs, outputs = generator.integers(1, 40, times.size), generator.integers(1, 40, times.size)
    trace = trace_of(np.round(times, 9), inputs, outputs)
    instance = replace(SMALL, chunked_prefill=chunked)
    plain = tt.provision.simulate(trace, instance, instances=instances)
    kept = tt.provision.simulate(trace, instance, instances=instances, keep_requests=True)  # holds them
    assert plain.to_dict() == kept.to_dict()
    assert plain.requests + plain.rejected == times.size


def test_what_must_be_held_is_limited():
    job = tt.Job(regular(50), duration="7d")
    for options in ({"closed_loop": True}, {"routing": "least-loaded"}):
        with pytest.raises(
            ValueError, match="workload: 30,240,000 requests are not allowed in a closed loop or"
        ):
            tt.provision.instances_needed(job, SMALL, ttft=1, tbt=1, **options)
    with pytest.raises(
        ValueError, match="workload: 30,240,000 requests are not allowed where benchmarks divide"
    ):
        tt.provision.grid(job, SMALL, ttft=[1], tbt=[1])


@settings(max_examples=100, deadline=None)
@given(REQUESTS, st.integers(1, 4), st.sampled_from(["round-robin", "least-loaded"]), st.booleans())
def test_nothing_is_lost(requests, instances, routing, chunked):
    requests.sort()
    times, inputs, outputs = (np.array(column) for column in zip(*requests, strict=True))
    trace = trace_of(times / 1e9, inputs, outputs)
    instance = replace(SMALL, chunked_prefill=chunked)
    result = tt.provision.simulate(trace, instance, instances=instances, routing=routing, keep_requests=True)
    fits = np.maximum(inputs, 1) + np.maximum(outputs, 1) - 1 <= SMALL.kv_tokens
    served = result.served
    assert result.requests == fits.sum() == result.ttft.count == result.latency.count
    assert result.rejected == (~fits).sum()
    assert sorted(served["request"]) == np.flatnonzero(fits).tolist()
    rows = served["request"].astype(int)
    assert served["arrival"].tolist() == trace.timestamp[rows].tolist()
    assert result.output_tokens == np.maximum(outputs, 1)[fits].sum()
    assert result.tbt.count == result.output_tokens - result.requests
    assert (np.diff(served["end"]) >= 0).all() or instances > 1
    # No prompt is faster than alone in an iteration, and no sequence than alone in the batch.
    prompts = np.maximum(inputs, 1)[rows] * 1e-4 + 1e-3
    assert (served["first_token"] - served["arrival"] >= prompts - 1e-12).all()
    tokens = np.maximum(outputs, 1)[rows] - 1
    assert (served["end"] - served["first_token"] >= tokens * 1.2e-3 - 1e-12).all()
    assert result.peak_kv_tokens <= SMALL.kv_tokens
    assert result.busy <= instances * result.duration + 1e-9
    assert served["preemptions"].sum() == result.preemptions


def test_a_job_a_trace_and_a_file_are_served_alike(tmp_path):
    job = tt.Job(regular(20), duration="1min", seed=3)
    trace = job.generate()
    trace.write(tmp_path / "t.csv")
    expected = tt.provision.simulate(trace, SMALL, instances=2).to_dict()
    assert expected["requests"] == 1200
    assert tt.provision.simulate(job, SMALL, instances=2).to_dict() == expected
    assert tt.provision.simulate(tmp_path / "t.csv", SMALL, instances=2).to_dict() == expected


def test_latencies_of_a_single_server():
    # Ten requests at once: each waits for those before.
    result = tt.provision.simulate(trace_of([0.0] * 10), ONE_AT_A_TIME)
    assert result.ttft.mean == pytest.approx(0.055)
    assert result.ttft.max == pytest.approx(0.1)
    assert result.ttft.p50 == pytest.approx(0.05, rel=1 / 512)
    assert result.utilisation == pytest.approx(1)
    assert math.isnan(result.tbt.p99)
    assert result.to_dict()["tbt"] == {
        "count": 0,
        "mean": None,
        "p50": None,
        "p90": None,
        "p99": None,
        "max": None,
    }
    assert result.served == {}


def test_the_next_turn_waits_for_the_end_of_the_last():
    columns = {
        "session_id": np.array([7, 7, tt.NO_SESSION], dtype=np.uint64),
        "turn": np.array([1, 2, 1], dtype=np.uint16),
        "delay": np.array([np.nan, 1.0, np.nan]),
    }
    # 5 tokens of output, 50 ms; the second turn is recorded far too late for that.
    trace = trace_of([0, 9, 10], outputs=5, **columns)
    open_loop = tt.provision.simulate(trace, ONE_AT_A_TIME, keep_requests=True)
    assert open_loop.served["arrival"].tolist() == [0, 9, 10]
    closed = tt.provision.simulate(trace, ONE_AT_A_TIME, closed_loop=True, keep_requests=True)
    assert closed.served["arrival"].tolist() == pytest.approx([0, 1.05, 10])


def test_a_closed_loop_slows_down_with_the_server():
    chat = tt.conversations(share=1.0, turns={4: 1.0}, think_time=tt.Constant(1), new_tokens=tt.Constant(5))
    pool = regular(40).with_sessions(chat)
    job = tt.Job(pool, duration="2min", seed=1)
    slow = replace(ONE_AT_A_TIME, cost=CostModel(base_s=0.03))
    opened = tt.provision.simulate(job, slow)
    closed = tt.provision.simulate(job, slow, closed_loop=True)
    assert opened.requests == closed.requests
    # Overloaded: who waits for a turn sends no other, so fewer wait.
    assert closed.ttft.mean < 0.9 * opened.ttft.mean


def test_a_trace_with_sessions_as_texts(tmp_path):
    path = tmp_path / "chats.jsonl"
    lines = [
        {"timestamp": 0, "session_id": "a", "input_length": 10, "output_length": 5},
        {"delay": 1000, "session_id": "a", "input_length": 12, "output_length": 5},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = tt.provision.simulate(path, ONE_AT_A_TIME, closed_loop=True, keep_requests=True)
    assert result.served["arrival"].tolist() == pytest.approx([0, 1.05])
    with pytest.raises(ValueError, match="timestamp: row 2 has none, which is not allowed"):
        tt.provision.simulate(path, ONE_AT_A_TIME)


def test_chunked_prefill_keeps_prompts_from_stalling_decoding():
    # The generation stalls that Sarathi-Serve (OSDI '24) measures in vLLM, and takes away by chunks.
    pool = regular(3, input_tokens=tt.LogNormal(median=3000, sigma=0.6), output_tokens=tt.Constant(200))
    job = tt.Job(pool, duration="5min", seed=1)
    instance = tt.provision.preset("a100-8b")
    chunks = tt.provision.simulate(job, replace(instance, max_batch_tokens=512))
    whole = tt.provision.simulate(job, replace(instance, max_batch_tokens=8192, chunked_prefill=False))
    assert chunks.tbt.p99 < whole.tbt.p99 / 3
    assert chunks.ttft.p50 > whole.ttft.p50


@pytest.mark.parametrize("closed_loop", [False, True])
def test_an_interrupt_ends_a_simulation(closed_loop):
    n = 4_000_000
    trace = trace_of(np.arange(n) / 1e3, outputs=3)
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        press_ctrl_c()

    def simulate_for_ever():
        while True:
            tt.provision.simulate(trace, ONE_AT_A_TIME, closed_loop=closed_loop)

    timer = threading.Timer(0.2, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        simulate_for_ever()
    ended = time.monotonic()
    timer.join()
    assert ended - sent[0] < 2.0  # 0.1 s, and room for a loaded machine


def test_a_simulation_does_not_hold_the_gil():
    trace = trace_of(np.arange(2_000_000) / 1e3)
    done = threading.Event()

    def simulate():
        tt.provision.simulate(trace, ONE_AT_A_TIME)
        done.set()

    thread = threading.Thread(target=simulate)
    thread.start()
    turns = 0
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    thread.join()
    assert turns > 10


# Searches


def test_the_largest_rate_of_a_server_is_its_service_rate():
    job = tt.Job(regular(10), duration="1min", seed=1)
    found = tt.provision.max_rate(job, ONE_AT_A_TIME, ttft=0.02, tbt=1)
    assert 99 / 1.01 < found.rate < 101
    assert not found.is_bound
    assert found.result.ttft.p99 <= 0.02
    assert found.instances_for(450) == 5


def test_the_largest_rate_of_a_trace():
    random = np.random.default_rng(1)
    trace = trace_of(np.sort(random.uniform(0, 300, 60_000)))
    rate = 60_000 / 300
    found = tt.provision.max_rate(trace, ONE_AT_A_TIME, ttft=0.05, tbt=1, seed=3)
    # M/D/1: at 90 of 100 requests/s the 99th percentile of the wait is about 0.2 s, at 50 it is 0.04 s.
    assert 40 < found.rate < 80
    # As many whole parts as there are of that share.
    assert found.result.requests == pytest.approx(int(rate / found.rate) * found.rate * 300, rel=0.02)
    easy = tt.provision.max_rate(trace, replace(ONE_AT_A_TIME, cost=CostModel(1e-4)), ttft=1, tbt=1)
    assert easy.is_bound
    assert easy.rate == pytest.approx(rate, rel=1e-4)
    assert easy.result.requests == 60_000
    assert tt.provision.max_rate(trace, ONE_AT_A_TIME, ttft=0.005, tbt=1) == tt.provision.MaxRate(
        0.0, False, None
    )
    assert tt.provision.MaxRate(0.0, False, None).instances_for(5) is None


def test_the_fewest_instances():
    job = tt.Job(regular(450), duration="30s", seed=1)
    for routing in ("round-robin", "least-loaded"):
        found = tt.provision.instances_needed(job, ONE_AT_A_TIME, ttft=0.03, tbt=1, routing=routing)
        assert found.instances == 5
        assert found.result.instances == 5
    # However many there are, a request takes 10 ms.
    found = tt.provision.instances_needed(tt.Job(regular(50), duration=2), ONE_AT_A_TIME, ttft=0.005, tbt=1)
    assert found.to_dict() == {"instances": None, "result": None}
    easy = tt.provision.instances_needed(tt.Job(regular(50), duration=2), ONE_AT_A_TIME, ttft=0.1, tbt=1)
    assert easy.instances == 1


def test_rejected_requests_wait_for_ever():
    inputs = np.where(np.arange(1000) % 50 == 0, 20_000, 1)
    trace = trace_of(np.arange(1000) / 10, inputs)
    found = tt.provision.simulate(trace, ONE_AT_A_TIME)
    assert found.rejected == 20
    assert found.ttft_quantile(0.98) == pytest.approx(0.01)
    assert found.ttft_quantile(0.99) == math.inf
    assert tt.provision.instances_needed(trace, ONE_AT_A_TIME, ttft=1, tbt=1, quantile=0.98).instances == 1
    assert tt.provision.instances_needed(trace, ONE_AT_A_TIME, ttft=1, tbt=1).instances is None


@pytest.mark.parametrize("thin", ["requests", "clients"])
def test_a_trace_is_divided_into_its_parts(thin):
    n = 2000
    times = np.arange(n) / 10
    clients = np.arange(n, dtype=np.uint32) % 37
    session = np.where(np.arange(n) % 3 == 0, np.arange(n) // 30, tt.NO_SESSION).astype(np.uint64)
    trace = trace_of(times, np.arange(n) + 1, session_id=session)
    trace = tt.Trace({name: trace[name] for name in trace} | {"client_id": clients}, {"duration": 200.0})
    parts = list(TraceWorkload(trace, thin=thin, seed=5).at(2.5))
    assert len(parts) == 4
    rows = [part.input_tokens.astype(int) - 1 for part in parts]
    assert sorted(np.concatenate(rows)) == list(range(n))
    for number, (part, inside) in enumerate(zip(parts, rows, strict=True)):
        assert part.timestamp == pytest.approx(times[inside] + 200 * number)
        together = (
            clients if thin == "clients" else np.where(session == tt.NO_SESSION, n + np.arange(n), session)
        )
        assert not set(together[inside]) & set(together[np.setdiff1d(np.arange(n), inside)])
        alone = part.session_id == tt.NO_SESSION
        assert (alone == (session[inside] == tt.NO_SESSION)).all()
    sessions = [set(part.session_id[part.session_id != tt.NO_SESSION].tolist()) for part in parts]
    assert sum(map(len, sessions)) == len(set().union(*sessions))


@pytest.mark.parametrize(
    "rate",
    [
        {"rate": 30.0},
        {"scale": 2.0},
        {"max_rate": 20.0},
        {"rate": {0: 10, "5min": 20}},
        {"rate": [(0, 10), (600, 20)]},
        {},
    ],
)
def test_a_job_at_another_rate(rate):
    pool = tt.ClientPool(
        [
            tt.Client(
                rate=tt.Steps({0: 5, "5min": 10}), input_tokens=tt.Constant(1), output_tokens=tt.Constant(1)
            ),
            tt.Client(rate=3, input_tokens=tt.Constant(2), output_tokens=tt.Constant(1)),
        ],
        window="1min",
    )
    job = tt.Job(pool, duration="10min", seed=2, counts="pinned", **rate)
    workload = JobWorkload(job)
    whole = np.concatenate([batch.timestamp for batch in workload.whole()])
    assert whole.tolist() == job.generate().timestamp.tolist()
    half = list(workload.at(workload.rate / 2))
    times = np.concatenate([batch.timestamp for batch in half])
    assert times.size == pytest.approx(whole.size, abs=4)
    assert times.max() > 600
    first = times[times < 600]
    # The same curve at half the rate.
    halves = [np.histogram(one, 10, (0, 600))[0] for one in (first, whole)]
    assert halves[0] == pytest.approx(halves[1] / 2, abs=2.5)
    twice = np.concatenate([batch.timestamp for batch in workload.at(2 * workload.rate)])
    assert twice.size == pytest.approx(2 * whole.size, abs=4)
    assert twice.max() < 600


@pytest.mark.parametrize(
    "options",
    [
        {"coupling": "independent"},
        {"coupling": {("input_tokens", "output_tokens"): 0.5}},
        {"counts": "renewal"},
        {"conversations": False},
        {"block_size": 16},
        {},
    ],
)
def test_a_job_of_any_options_is_served_as_it_is(options):
    """Also of a pool with correlations, conversations and system prompts of its own."""
    chat = tt.conversations(share=0.5, turns={3: 1.0}, think_time=tt.Constant(5), new_tokens=tt.Constant(9))
    lengths = {"input_tokens": tt.LogNormal(median=50, sigma=1), "output_tokens": tt.Exponential(mean=20)}
    pool = tt.ClientPool(
        [tt.Client(rate=10, correlations={("input_tokens", "output_tokens"): 0.7}, **lengths)]
    )
    pool = pool.with_sessions(chat).with_prefixes(tt.Prefixes(levels=[tt.PromptLevel(prompts=2, tokens=20)]))
    job = tt.Job(pool, duration="1min", seed=4, **options)
    trace = job.generate()
    (made,) = JobWorkload(job).whole()
    assert made.timestamp.tolist() == trace.timestamp.tolist()
    assert made.input_tokens.tolist() == trace.input_tokens.tolist()
    assert made.output_tokens.tolist() == trace.output_tokens.tolist()
    assert (made.session_id is None) == ("session_id" not in trace)


@pytest.mark.parametrize("kind", ["share", "scaled"])
def test_the_grid(kind):
    job = tt.Job(regular(300), duration="20s", seed=1)
    found = tt.provision.grid(job, ONE_AT_A_TIME, ttft=[0.5, 0.005], tbt=[1, 2], benchmark=kind, seed=2)
    assert found.ttft == (0.005, 0.5)
    assert found.requests == 6000
    assert found.rate == pytest.approx(300)
    impossible, _, cell, _ = found.cells
    assert (impossible.ttft, impossible.tbt, impossible.needed) == (0.005, 1, None)
    assert impossible.instances == {"naive": None, "clients": None}
    assert impossible.over("naive") is None
    assert cell.needed == 3
    assert cell.instances["clients"] in (3, 4)
    assert cell.over("clients") == pytest.approx(100 * (cell.instances["clients"] - 3) / 3)
    table = found.table().to_pylist()
    assert table[2]["clients_rate"] == cell.rates["clients"]
    assert table[0]["needed"] is None
    assert json.loads(json.dumps(found.to_dict()))["cells"] == table


def test_the_grid_of_a_trace_is_of_fitted_clients(tmp_path):
    # A client of many short requests, and one that sends bursts of long ones.
    short = tt.Client(rate=30, input_tokens=tt.Constant(50), output_tokens=tt.Constant(2))
    bursts = tt.Client(
        rate=2, arrivals=tt.Gamma(cv=4), input_tokens=tt.Constant(4000), output_tokens=tt.Constant(2)
    )
    trace = tt.generate(tt.ClientPool([short, bursts]), duration="5min", seed=3)
    trace.write(tmp_path / "t.parquet")
    instance = Instance(CostModel(0.005, 1e-4), kv_tokens=100_000, max_batch_tokens=4096)
    found = tt.provision.grid(
        tmp_path / "t.parquet", instance, ttft=[1.5], tbt=[1], benchmark="scaled", tolerance=0.05
    )
    (cell,) = found.cells
    assert cell.needed is not None
    # Bursts of long requests are what the NAIVE benchmark does not know.
    assert cell.rates["naive"] > 1.3 * cell.rates["clients"]


def test_the_heat_map(tmp_path):
    pytest.importorskip("matplotlib")
    cells = (
        tt.provision.Cell(1.0, 0.1, 24, {"naive": 4.0, "clients": 2.0}, {"naive": 12, "clients": 25}),
        tt.provision.Cell(1.0, 0.2, None, {"naive": 0.0, "clients": 2.0}, {"naive": None, "clients": 25}),
    )
    made = tt.provision.Grid(50.0, 30_000, (1.0,), (0.1, 0.2), 0.99, SMALL, cells)
    made.draw(tmp_path / "g.svg")
    made.draw(tmp_path / "g.png")
    assert cells[0].over("naive") == -50
    drawn = (tmp_path / "g.svg").read_text()
    for text in ("-50 %", "+4 %", "none", "NAIVE", "p99 TTFT target, s"):
        assert text in drawn


# Costs


def measured(cost: CostModel, rows: int, *, noise: float = 0.0, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    prompts = np.where(random.random(rows) < 0.5, random.integers(1, 4000, rows), 0)
    sequences = random.integers(0, 200, rows)
    work = {
        "prefill_tokens": prompts,
        "prefill_pairs": prompts * random.integers(1, 5000, rows),
        "decode_sequences": sequences,
        "context_tokens": sequences * random.integers(1, 3000, rows),
    }
    seconds = np.array(
        [cost.seconds(**dict(zip(work, row, strict=True))) for row in zip(*work.values(), strict=True)]
    )
    return work | {"seconds": seconds * np.exp(noise * random.standard_normal(rows))}


def test_calibration_finds_the_costs_again(tmp_path):
    cost = tt.provision.preset("a100x2-14b").cost
    table = measured(cost, 200)
    found = tt.provision.calibrate(table)
    for name, value in vars(cost).items():
        assert getattr(found.cost, name) == pytest.approx(value, rel=1e-6), name
    assert found.rows == 200
    assert found.largest_error < 1e-6
    names = list(table)
    lines = [
        ",".join(names),
        *(",".join(map(repr, map(float, row))) for row in zip(*table.values(), strict=True)),
    ]
    (tmp_path / "m.csv").write_text("\n".join(lines) + "\n")
    assert tt.provision.calibrate(tmp_path / "m.csv") == found
    noisy = tt.provision.calibrate(measured(cost, 2000, noise=0.05))
    assert noisy.cost.prefill_token_s == pytest.approx(cost.prefill_token_s, rel=0.03)
    assert noisy.error == pytest.approx(0.05, rel=0.1)


def test_calibration_without_pairs_or_with_costs_that_would_be_negative():
    table = measured(CostModel(0.01, 1e-4, 0.0, 1e-4, 1e-8), 100)
    del table["prefill_pairs"]
    assert tt.provision.calibrate(table).cost.prefill_pair_s == 0
    table["seconds"] = table["seconds"] - 1e-5 * table["decode_sequences"] * 10.5
    found = tt.provision.calibrate(table)
    assert found.cost.decode_sequence_s == 0


def test_presets_are_what_their_sources_give():
    made = tt.provision.preset("a100-8b")
    # 8.03e9 weights of 2 bytes at 0.8 of 2.039 TB/s, and 3 ms.
    assert made.cost.base_s == pytest.approx(16.06e9 / (0.8 * 2.039e12) + 3e-3)
    assert made.cost.prefill_token_s == pytest.approx(16.06e9 / (0.5 * 312e12))
    assert made.cost.context_token_s == pytest.approx(131072 / (0.8 * 2.039e12))
    assert made.kv_tokens == int((0.9 * 80e9 - 2e9 - 16.06e9) / 131072)
    for name, preset in tt.provision.PRESETS.items():
        assert preset.name == name
        assert preset.cost.seconds(decode_sequences=1, context_tokens=1000) < 0.05


# What is wrong


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(SMALL, kv_tokens=0), "kv_tokens: 0 is not allowed; it must be from 1 to"),
        (lambda: replace(SMALL, kv_tokens=1.5), "kv_tokens: 1.5 is not allowed; it must be a whole number"),
        (lambda: replace(SMALL, max_batch_tokens=3), "max_batch_tokens: 3 is not allowed; it must be from 4"),
        (lambda: replace(SMALL, cost=CostModel()), "cost: all 0 is not allowed"),
        (
            lambda: replace(SMALL, cost=CostModel(-1.0)),
            "base_s: -1 is not allowed; it must be from 0 to 1000 s",
        ),
        (
            lambda: tt.provision.preset("h100-8B-x"),
            "'h100-8B-x' is not allowed; it must be a preset such as h100-8b",
        ),
        (lambda: tt.provision.simulate(TRACE, SMALL, instances=0), "instances: 0 is not allowed"),
        (
            lambda: tt.provision.simulate(TRACE, SMALL, routing="x"),
            "routing: 'x' is not allowed; it must be one of",
        ),
        (
            lambda: _core.ServingSimulator(SMALL.core()).add(np.array([1.0, 0.5]), ONES, ONES),
            "timestamp: row 2 has 0.5 after 1, which",
        ),
        (
            lambda: tt.provision.simulate(tt.Trace({"timestamp": np.zeros(1)}), SMALL),
            "input_tokens: missing; the trace has timestamp",
        ),
        (
            lambda: tt.provision.max_rate(TRACE, SMALL, ttft=0, tbt=1),
            "ttft: 0 is not allowed; it must be a number",
        ),
        (lambda: tt.provision.max_rate(TRACE, SMALL, ttft=1, tbt=math.inf), "tbt: inf is not allowed"),
        (
            lambda: tt.provision.max_rate(TRACE, SMALL, ttft=1, tbt=1, quantile=1),
            "quantile: 1 is not allowed",
        ),
        (
            lambda: tt.provision.max_rate(TRACE, SMALL, ttft=1, tbt=1, tolerance=0),
            "tolerance: 0 is not allowed",
        ),
        (lambda: tt.provision.max_rate(TRACE, SMALL, ttft=1, tbt=1, thin="x"), "thin: 'x' is not allowed"),
        (
            lambda: tt.provision.max_rate(trace_of([0, 1]), SMALL, ttft=1, tbt=1),
            "workload: 2 requests are not",
        ),
        (
            lambda: tt.provision.max_rate(trace_of([0.0] * 20), SMALL, ttft=1, tbt=1),
            "all requests come at one time",
        ),
        (lambda: tt.provision.grid(TRACE, SMALL, ttft=[], tbt=[1]), "ttft and tbt: no target is not allowed"),
        (
            lambda: tt.provision.grid(tt.Job(regular(5), duration=9, seed=1), SMALL, ttft=[1], tbt=[1]),
            "seed: 1 is not allowed; it must differ from that of the job",
        ),
        (lambda: tt.provision.calibrate({"seconds": [1]}), "table: prefill_tokens: missing; there must be"),
        (
            lambda: tt.provision.calibrate(TABLE | {"seconds": [1, 0]}),
            "table: seconds: row 2 has 0, which is not",
        ),
        (
            lambda: tt.provision.calibrate(TABLE | {"seconds": ["x", 0]}),
            "table: seconds has values that are not",
        ),
        (lambda: tt.provision.calibrate(TABLE | {"seconds": [1]}), "table: lengths"),
        (
            lambda: tt.provision.calibrate(TABLE | {"prefill_tokens": [0, 0]}),
            "table: prefill_tokens is 0 in all rows",
        ),
        (
            lambda: tt.provision.calibrate(TABLE),
            "table: 2 rows in which prefill_tokens, .* depend on each other",
        ),
    ],
)
def test_what_is_wrong_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


TRACE = trace_of(np.arange(100) / 10)
TABLE = {"prefill_tokens": [1, 2], "decode_sequences": [1, 0], "context_tokens": [5, 1], "seconds": [1, 2]}


def test_a_pool_is_no_workload():
    with pytest.raises(TypeError, match="it must be a Job, a Trace, a TraceScan, or the path of a trace"):
        tt.provision.simulate(regular(1), SMALL)
    with pytest.raises(TypeError, match="it must be an Instance or the name of a preset"):
        tt.provision.simulate(TRACE, 5)


# The command line


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("provision")
    regular(20, input_tokens=tt.Constant(500), output_tokens=tt.Constant(20)).write(folder / "p.tide")
    tt.generate(tt.load(folder / "p.tide"), duration="30s", seed=5).write(folder / "t.parquet")
    table = measured(tt.provision.preset("h100-8b").cost, 50)
    names = list(table)
    lines = [
        ",".join(names),
        *(",".join(map(repr, map(float, row))) for row in zip(*table.values(), strict=True)),
    ]
    (folder / "m.csv").write_text("\n".join(lines) + "\n")
    return folder


def test_targets_on_the_command_line(folder):
    command = ["provision", "p.tide", "--duration", "30s", "--ttft", "1,0.001", "--tbt", "0.5"]
    shown = succeeds(*command, cwd=folder).stdout.decode()
    assert "Instances (a100x2-14b) for 600 requests at 20 requests/s" in shown
    assert "none" in shown
    found = json.loads(succeeds(*command, "--json", cwd=folder).stdout)
    job = tt.Job(tt.load(folder / "p.tide"), duration="30s")
    assert found == tt.provision.grid(job, "a100x2-14b", ttft=[0.001, 1], tbt=[0.5]).to_dict()


def test_a_number_of_instances_on_the_command_line(folder):
    command = ["provision", "t.parquet", "--instances", "2", "--routing", "least-loaded"]
    shown = succeeds(*command, cwd=folder).stdout.decode()
    assert "600 requests by 2 instances" in shown
    found = json.loads(succeeds(*command, "--json", cwd=folder).stdout)
    result = tt.provision.simulate(folder / "t.parquet", "a100x2-14b", instances=2, routing="least-loaded")
    assert found == result.to_dict()


def test_an_instance_of_ones_own_on_the_command_line(folder):
    done = succeeds(
        "provision", "t.parquet", "--instances", "1", "--cost-table", "m.csv", "--kv-tokens", "50000",
        "--max-batch-tokens", "512", "--max-sequences", "64", "--no-chunked-prefill", "--closed-loop",
        "--json",
        cwd=folder,
    )  # fmt: skip
    cost = tt.provision.calibrate(folder / "m.csv").cost
    instance = Instance(cost, 50_000, 512, 64, chunked_prefill=False)
    expected = tt.provision.simulate(folder / "t.parquet", instance, closed_loop=True).to_dict()
    assert json.loads(done.stdout) == expected


def test_a_heat_map_on_the_command_line(folder, tmp_path):
    pytest.importorskip("matplotlib")
    succeeds(
        "provision", "t.parquet", "--ttft", "1", "--tbt", "0.5", "--plot", tmp_path / "h.svg", cwd=folder
    )  # fmt: skip
    assert "NAIVE" in (tmp_path / "h.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["p.tide"], "--ttft and --tbt: both must be given, or else --instances alone"),
        (["p.tide", "--ttft", "1", "--tbt", "1", "--instances", "2"], "or else --instances alone"),
        (
            ["p.tide", "--ttft", "1", "--tbt", "a"],
            "--tbt: 'a' is not allowed; it must be a finite number above 0",
        ),
        (["p.tide", "--instances", "2", "--plot", "x.png"], "--plot: not allowed with --instances"),
        (["t.parquet", "--instances", "2", "--seed", "5"], "--seed: not allowed; it is for profiles"),
        (["nothing.parquet", "--instances", "2"], "nothing.parquet"),
        (["t.parquet", "--instances", "2", "--cost-table", "no.csv"], "no.csv"),
    ],
)
def test_wrong_usage_is_one_line(folder, arguments, says):
    fails("provision", *arguments, says=[says], cwd=folder)


def test_failed_requests_of_a_trace_are_told_by_the_command(tmp_path):
    rows = "".join(f"{i / 10},{i % 4 * 100},{i % 4 * 5}\n" for i in range(400))
    (tmp_path / "t.csv").write_text(f"timestamp,input_tokens,output_tokens\n{rows}")
    done = succeeds("provision", "t.csv", "--ttft", "2", "--tbt", "1", cwd=tmp_path)
    (line,) = done.stderr.decode().splitlines()
    assert "100 of 400 requests, 25 %, have no input or no output" in line
    assert line.endswith("--drop-empty of a fit or a conversion leaves them out")

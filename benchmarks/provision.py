"""How fast is serving simulated, next to plain Python, and how does it grow? Is it right?

    python benchmarks/provision.py [--quick] [--only speed growth theory provisioning]

- **Speed**: one instance, the same requests and the same costs. The peer, `serving_reference.py`, takes
  iteration after iteration; first tokens and ends of all requests are checked to be the same. Requests are
  ready in memory.
- **Growth**: with the requests at a constant load of each instance, and with the instances.
- **Theory**: mean times in the system against queueing theory.
- **Provisioning**: the study's figure 20 over ten-minute windows of m-large: how many percent too many
  instances benchmarks provision.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from dataclasses import replace

import machine
import numpy as np
import serving_reference
import tracetide as tt

INSTANCE = replace(tt.provision.preset("a100x2-14b"), kv_tokens=10**9)
QUESTIONS = ("speed", "growth", "theory", "provisioning")
REQUESTS_A_SECOND = 5.0
"""Of an instance, with m-large's lengths: about 85 % of what it can do."""


def trace_of(requests: int, rate: float, profile: str = "m-large") -> tt.Trace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        warnings.simplefilter("ignore", tt.IdleWindowWarning)
        return tt.generate(tt.load(profile), rate=rate, duration=requests / rate, seed=1)


def timed(trace: tt.Trace, instances: int, routing: str) -> tuple[float, tt.provision.ServingResult]:
    """The best of three runs."""
    best, result = float("inf"), None
    for _ in range(3):
        started = time.perf_counter()
        result = tt.provision.simulate(trace, INSTANCE, instances=instances, routing=routing)
        best = min(best, time.perf_counter() - started)
    assert result is not None
    return best, result


def speed(requests: int) -> None:
    print(
        "\n| profile | requests | iterations a request | core, M requests/s | Python, M requests/s | ratio |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for profile, rate in (("m-large", REQUESTS_A_SECOND), ("m-small", 20.0), ("deepseek-r1", 0.5)):
        trace = trace_of(requests, rate, profile)
        seconds, result = timed(trace, 1, "round-robin")
        kept = tt.provision.simulate(trace, INSTANCE, keep_requests=True).served
        columns = [np.rint(trace.timestamp * 1e9).astype(np.int64), trace.input_tokens, trace.output_tokens]
        times, inputs, outputs = (column.tolist() for column in columns)
        inputs, outputs = ([max(value, 1) for value in column] for column in (inputs, outputs))
        started = time.perf_counter()
        first, end = serving_reference.serve(times, inputs, outputs, INSTANCE)
        peer = time.perf_counter() - started
        order = kept["request"].astype(np.int64)
        for name, expected in (("first_token", first), ("end", end)):
            same = np.array_equal(kept[name], np.array(expected)[order] / serving_reference.PICOSECONDS)
            assert same, f"{profile}: {name} differs from the reference's"
        n = len(trace)
        print(
            f"| {profile} | {n:,} | {result.iterations / n:.1f} | {n / seconds / 1e6:.2f} | "
            f"{n / peer / 1e6:.4f} | {peer / seconds:,.0f} |"
        )


def growth(largest: int) -> None:
    print("\n| requests | instances | routing | M requests/s | p99 TTFT s | p99 TBT s |")
    print("|---:|---:|---|---:|---:|---:|")
    cases = [(largest // 100, 10), (largest // 10, 10), (largest, 10)]
    cases += [(largest // 10, instances) for instances in (1, 100, 1000)]
    for requests, instances in cases:
        trace = trace_of(requests, REQUESTS_A_SECOND * instances)
        for routing in ("round-robin", "least-loaded"):
            seconds, result = timed(trace, instances, routing)
            print(
                f"| {len(trace):,} | {instances:,} | {routing} | {len(trace) / seconds / 1e6:.2f} | "
                f"{result.ttft.p99:.2f} | {result.tbt.p99:.3f} |"
            )


def theory(requests: int) -> None:
    """A request's service takes 10 ms on average."""
    token_s = 1e-5
    room = {"kv_tokens": 10**9, "max_batch_tokens": 10**6}
    one_at_a_time = tt.provision.Instance(
        tt.provision.CostModel(prefill_token_s=token_s), max_sequences=1, **room
    )
    sharing = tt.provision.Instance(
        tt.provision.CostModel(decode_sequence_s=token_s), max_sequences=10**6, **room
    )
    mixed = tt.Mixture([(0.9, tt.Constant(500)), (0.1, tt.Constant(5500))])
    queues = [
        ("M/M/1", one_at_a_time, tt.Exponential(mean=1000), lambda load: 0.01 / (1 - load)),
        ("M/D/1", one_at_a_time, tt.Constant(1000), lambda load: 0.01 * (1 + load / (2 * (1 - load)))),
        ("M/G/1", one_at_a_time, mixed, lambda load: 0.01 * (1 + 3.25 * load / (2 * (1 - load)))),
        ("M/G/1-PS", sharing, mixed, lambda load: 0.01 / (1 - load)),
    ]
    print("\n| queue | load | requests | mean time, ms | in theory, ms | difference |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, instance, work, mean in queues:
        is_shared = instance is sharing
        for load in (0.5, 0.75, 0.9):
            client = tt.Client(
                rate=100 * load,
                arrivals=tt.Exponential(),
                input_tokens=tt.Constant(1) if is_shared else work,
                output_tokens=work if is_shared else tt.Constant(1),
            )
            pool = tt.ClientPool([client])
            job = tt.Job(pool, duration=requests / (100 * load), counts="renewal", seed=1)
            result = tt.provision.simulate(job, instance)
            # The first token of an output is the prompt's, which costs nothing here.
            expected = mean(load) * (0.999 if is_shared else 1)
            found = result.latency.mean
            print(
                f"| {name} | {load:.0%} | {result.requests:,} | {1e3 * found:.3f} | {1e3 * expected:.3f} | "
                f"{100 * (found / expected - 1):+.2f} % |"
            )


def provisioning(every_hours: int, largest_left_out: float = 0.4) -> None:
    """Windows in which clients with most of the rate have no lengths are left out."""
    found: dict[tuple[str, str], list[float]] = {}
    windows = 0
    for hour in range(0, 14 * 24, every_hours):
        pool = tt.load("m-large").span(hour * 3600, hour * 3600 + 600)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", tt.MissingDataWarning)
            job = tt.Job(pool, rate=50, duration="10min", seed=0)
        if job.left_out_share > largest_left_out:
            continue
        windows += 1
        for kind in ("share", "scaled"):
            grid = tt.provision.grid(
                job, "a100x2-14b", ttft=[2.25], tbt=[0.5], benchmark=kind, tolerance=0.02
            )
            for method in ("naive", "clients"):
                over = grid.cells[0].over(method)
                assert over is not None
                found.setdefault((kind, method), []).append(over)
    print(f"\nTTFT 2.25 s, TBT 0.5 s, 50 requests/s, {windows} windows of ten minutes\n")
    print("| benchmark of one instance | requests | least | median | most | windows with too few |")
    print("|---|---|---:|---:|---:|---:|")
    for (kind, method), over in found.items():
        print(
            f"| {kind} | {method} | {min(over):+.0f} % | {statistics.median(over):+.0f} % | "
            f"{max(over):+.0f} % | {sum(value < 0 for value in over)} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few requests: does it work?")
    parser.add_argument("--only", nargs="+", choices=QUESTIONS, default=QUESTIONS)
    options = parser.parse_args()
    for name, text in machine.describe().items():
        print(f"{name}: {text}")
    quick = options.quick
    if "speed" in options.only:
        speed(2_000 if quick else 100_000)
    if "growth" in options.only:
        growth(20_000 if quick else 10_000_000)
    if "theory" in options.only:
        theory(20_000 if quick else 5_000_000)
    if "provisioning" in options.only:
        provisioning(168 if quick else 6)


if __name__ == "__main__":
    main()

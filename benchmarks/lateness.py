"""How late are paced requests handed out?

    python benchmarks/lateness.py [--profile m-small] [--seconds 10] [--quick]

Percentiles for `tt.pace` and `tt.pace_async` at several rates, with a loop that does nothing else. The C++
loop is `cpp/examples/load_loop.cpp`. `behind` is how late the last request was: far more than the median
means that the loop cannot keep up.
"""

from __future__ import annotations

import argparse
import asyncio
import time
import warnings

import machine
import numpy as np
import tracetide as tt

RATES = (1_000, 10_000, 100_000)


def job(profile: str, rate: float, seconds: float) -> tt.Job:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        return tt.Job(tt.load(profile), rate=rate, duration=seconds, seed=1)


def paced(made: tt.Job) -> list[float]:
    late = []
    start = None
    for request in tt.pace(made):
        now = time.monotonic()
        if start is None:
            start = now - request.due - request.late
        late.append(now - start - request.due)
    return late


async def paced_async(made: tt.Job) -> list[float]:
    late = []
    start = None
    async for request in tt.pace_async(made):
        now = time.monotonic()
        if start is None:
            start = now - request.due - request.late
        late.append(now - start - request.due)
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--profile", default="m-small")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--quick", action="store_true", help="a short time: does it work?")
    options = parser.parse_args()
    for name, text in machine.describe().items():
        print(f"{name}: {text}")
    print("\n| loop | requests/s | 50 % us | 90 % us | 99 % us | 99.9 % us | behind us |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for rate in RATES:
        made = job(options.profile, rate, 0.2 if options.quick else options.seconds)
        for name, late in (("pace", paced(made)), ("pace_async", asyncio.run(paced_async(made)))):
            percentiles = np.percentile(late, [50, 90, 99, 99.9]) * 1e6
            shown = " | ".join(f"{value:,.0f}" for value in (*percentiles, late[-1] * 1e6))
            print(f"| {name} | {rate:,} | {shown} |")


if __name__ == "__main__":
    main()

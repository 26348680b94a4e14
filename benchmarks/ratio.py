"""Requests a second of one build of the engine beside those of another, in turns.

    python benchmarks/ratio.py HERE BASE [--least 0.9] [--runs 7]

HERE and BASE are two builds of `engine_benchmark`. What counts is the median of the processor time of the
whole program; the exit code is 1 where HERE makes fewer than `--least` times the requests a second of BASE.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys

from tracetide.profile.bundled import bundled_path

JOBS = {
    "m-small": ("m-small", "1", "500", "86400"),
    "deepseek-r1": ("deepseek-r1", "1", "100", "86400"),
    "mm-image": ("mm-image", "1", "100", "86400"),
}
"""Profile, threads, requests/s and seconds."""


def cpu_seconds(program: str, arguments: tuple[str, ...]) -> float:
    """Of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    profile, *others = arguments
    subprocess.run([program, str(bundled_path(profile)), *others], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("here")
    parser.add_argument("base")
    parser.add_argument("--least", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    worst = float("inf")
    for name, job in JOBS.items():
        here, base = [], []
        for _ in range(options.runs):
            here.append(cpu_seconds(options.here, job))
            base.append(cpu_seconds(options.base, job))
        ratio = statistics.median(base) / statistics.median(here)
        print(f"{name}: {ratio:.3f} times the requests a second of the base")
        worst = min(worst, ratio)
    return 1 if worst < options.least else 0


if __name__ == "__main__":
    sys.exit(main())

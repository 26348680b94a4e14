"""How fast is a trace characterized, and how do time and memory grow with its requests?

    python benchmarks/characterize.py [--rows 1e5 1e6 1e7] [--profiles m-small mm-omni deepseek-r1] [--file]
    python benchmarks/characterize.py --rows 1e8 --profiles m-small --file

Each line is a process of its own. The requests are those of a job at 5,000/s (1,000/s with items),
generated while they are measured; `bare` is what that alone takes. With `--file` they are first written to a
Parquet file, in /dev/shm where that exists, and the line reads that; `bare` is then reading alone. `peak MiB`
is the largest resident set of the process, `at start MiB` that before the first request is measured. In the
task `compare` a trace is compared with itself, so that each request counts twice.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import machine
from measure import peak_mib

RATES = {"mm-omni": 1000.0, "mm-image": 1000.0}
OTHER_RATE = 5000.0


def job(profile: str, rows: int) -> Any:
    """A job of so many requests."""
    import tracetide as tt

    rate = RATES.get(profile, OTHER_RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        return tt.Job(tt.load(profile), rate=rate, duration=rows / rate, seed=1)


def write_one(profile: str, rows: int, path: str) -> None:
    """Write the job's trace."""
    job(profile, rows).write(path)


def measure_one(task: str, profile: str, rows: int, path: str | None) -> None:
    """Do one measurement and print it."""
    import tracetide as tt

    made: Any = job(profile, rows) if path is None else path
    begin = time.perf_counter()
    seen = 0
    if path is None:
        seen = sum(len(batch) for batch in made.stream())
    else:
        seen = sum(batch.num_rows for batch in tt.scan(path))
    bare = time.perf_counter() - begin
    start = peak_mib()
    begin = time.perf_counter()
    found = tt.characterize(made) if task == "characterize" else tt.compare(made, made)
    seconds = time.perf_counter() - begin
    assert task == "compare" or found.requests == seen
    print(json.dumps({"rows": seen, "seconds": seconds, "bare": bare, "start": start, "peak": peak_mib()}))


def run(*arguments: str) -> str:
    """This script in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="+", type=float, default=[1e5, 1e6, 1e7])
    parser.add_argument("--profiles", nargs="+", default=["m-small", "mm-omni", "deepseek-r1"])
    parser.add_argument("--tasks", nargs="+", default=["characterize", "compare"])
    parser.add_argument("--file", action="store_true", help="read a Parquet file")
    parser.add_argument("--quick", action="store_true", help="few requests, to see that it works")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        task, profile, rows, path = options.one
        measure_one(task, profile, int(rows), path or None)
        return
    if options.write:
        write_one(options.write[0], int(options.write[1]), options.write[2])
        return
    for name, text in machine.describe().items():
        print(f"{name}: {text}")
    print()
    print("| task | profile | rows | s | M rows/s | ns/row | bare ns/row | at start MiB | peak MiB |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        for profile in options.profiles:
            for rows in [20_000] if options.quick else [int(rows) for rows in options.rows]:
                path = str(Path(folder) / "trace.parquet") if options.file else ""
                if path:
                    run("--write", profile, str(rows), path)
                for task in options.tasks:
                    line(task, profile, rows, path)


def line(task: str, profile: str, rows: int, path: str) -> None:
    """Measure and print a line."""
    found = json.loads(run("--one", task, profile, str(rows), path))
    each = 1e9 / found["rows"]
    print(
        f"| {task} | {profile} | {found['rows']:,} | {found['seconds']:.2f} "
        f"| {found['rows'] / found['seconds'] / 1e6:.2f} | {found['seconds'] * each:.0f} "
        f"| {found['bare'] * each:.0f} | {found['start']:.0f} | {found['peak']:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()

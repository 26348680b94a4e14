"""How fast are files of every text format written, next to pyarrow's CSV writer and Python's json?

    python benchmarks/formats.py [--rows 10_000_000] [--profile m-small] [--quick]

Each line is a process of its own, which writes into /dev/shm where that exists: generation and writing on all
cores for ours; for the peers, the same four columns from memory. `peak MiB` is the largest resident set of
the process; that of the peers has the columns in it, which ours does not have in memory.
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
from tracetide.io.writing import TOOL_TEXT

OURS = ("csv", "jsonl", *TOOL_TEXT)
PEERS = {"pyarrow: CSV": 1.0, "Python: csv": 0.1, "Python: json": 0.1}
"""By name, the part of the rows that they write; they cost the same for each."""
RATE = 5000.0
COLUMNS = ("timestamp", "client_id", "input_tokens", "output_tokens")


def job(profile: str, rows: int) -> Any:
    import tracetide as tt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        return tt.Job(tt.load(profile), rate=RATE, duration=rows / RATE, seed=1)


def write_ours(format: str, profile: str, rows: int, folder: Path) -> tuple[float, int, int]:
    made = job(profile, rows)
    path = folder / "trace"
    begin = time.perf_counter()
    written = made.write(path, format=format)
    return time.perf_counter() - begin, written.rows, path.stat().st_size


def write_peer(name: str, profile: str, rows: int, folder: Path) -> tuple[float, int, int]:
    trace = job(profile, rows).generate()
    path = folder / "trace"
    begin = time.perf_counter()
    if name == "pyarrow: CSV":
        import pyarrow.csv

        pyarrow.csv.write_csv(trace.to_arrow().select(COLUMNS), path)
    else:
        columns = zip(*(trace[column].tolist() for column in COLUMNS), strict=True)
        with path.open("w", newline="") as file:
            if name == "Python: csv":
                import csv

                csv.writer(file).writerows(columns)
            else:
                file.writelines(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in columns)
    return time.perf_counter() - begin, len(trace), path.stat().st_size


def measure_one(name: str, profile: str, rows: int) -> None:
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        write = write_peer if name in PEERS else write_ours
        seconds, written, size = write(name, profile, rows, Path(folder))
    print(json.dumps({"seconds": seconds, "rows": written, "bytes": size, "peak": peak_mib()}))


def measured(name: str, profile: str, rows: int) -> dict[str, float]:
    arguments = [sys.executable, __file__, "--one", name, "--rows", str(rows), "--profile", profile]
    done = subprocess.run(arguments, capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=10_000_000)
    parser.add_argument("--profile", default="m-small")
    parser.add_argument("--quick", action="store_true", help="few rows: does it work?")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure_one(options.one, options.profile, options.rows)
        return
    rows = 20_000 if options.quick else options.rows
    for name, text in machine.describe().items():
        print(f"{name}: {text}")
    print(f"\n{rows:,} rows of {options.profile}\n")
    print("| format | M rows/s | ns/row | bytes/row | peak MiB | x pyarrow's CSV |")
    print("|---|---:|---:|---:|---:|---:|")
    found = {
        name: measured(name, options.profile, max(int(rows * part), 1000)) for name, part in PEERS.items()
    }
    for name in OURS:
        found[name] = measured(name, options.profile, rows)
    base = found["pyarrow: CSV"]["rows"] / found["pyarrow: CSV"]["seconds"]
    for name, one in found.items():
        speed = one["rows"] / one["seconds"]
        print(
            f"| {name} | {speed / 1e6:.2f} | {1e9 / speed:.1f} | {one['bytes'] / one['rows']:.1f} "
            f"| {one['peak']:.0f} | {speed / base:.1f} |"
        )


if __name__ == "__main__":
    main()

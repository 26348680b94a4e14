"""How fast is a profile fitted to a trace, and how do time and memory grow with the trace?

The peer counts the same with pandas: requests, gaps and their variation by client and window, and how often
each length came by client and epoch. It has the advantage of fitting no families and finding no correlations;
it holds the whole trace in memory.

    python benchmarks/test_fit.py 1 10 30

prints a table for traces of so many million requests of m-small over its fortnight, each fitted in a process
of its own, from CSV, JSON lines and Parquet.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet
import pytest
import tracetide as tt
from measure import peak_mib
from profiles import Spec, synthetic

FORMATS = ("parquet", "csv")
WAYS = ("fit", "fit_with_report", "fit_parametric", "pandas_groupby")
WINDOW_S, EPOCH_S = 600, 21600


@pytest.fixture(scope="module")
def files(requests_wanted: int, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pool = synthetic(Spec())
    job = tt.Job(pool, rate=requests_wanted / (pool.end - pool.start))
    folder = tmp_path_factory.mktemp("fit")
    paths = {format: folder / f"trace.{format}" for format in FORMATS}
    for path in paths.values():
        job.write(path)
    return paths


def pandas_groupby(path: Path) -> dict[str, Any]:
    """The counts of a fit; pyarrow reads, as pandas' own CSV reader is slower."""
    read = pyarrow.parquet.read_table if path.suffix == ".parquet" else pyarrow.csv.read_csv
    frame = read(path).to_pandas()
    frame["window"] = (frame.timestamp // WINDOW_S).astype("int32")
    frame["epoch"] = (frame.timestamp // EPOCH_S).astype("int32")
    cells = frame.groupby(["client_id", "window"])
    frame["gap"] = cells.timestamp.diff()
    found: dict[str, Any] = {"windows": cells.gap.agg(["size", "mean", "std"])}
    for field in ("input_tokens", "output_tokens"):
        found[field] = frame.groupby(["client_id", "epoch", field]).size()
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("format", FORMATS)
def test_fit(measure: Any, files: dict[str, Path], format: str, way: str) -> None:
    path, group = files[format], f"fit: {format}"
    if way == "pandas_groupby":
        pytest.importorskip("pandas")
        found = measure(group, pandas_groupby, path, rounds=3)
        assert len(found["windows"]) == len(tt.fit(path).profile.cells()["window"])
    elif way == "fit_with_report":
        pool, report = measure(group, tt.fit_with_report, path, rounds=3)
        assert len(report.windows) == len(pool.profile.cells()["window"])
    else:
        lengths = "parametric" if way == "fit_parametric" else "pmf"
        pool = measure(group, lambda: tt.fit(path, lengths=lengths), rounds=3)
        assert len(pool) > 0


def fit_alone(path: str, way: str) -> dict[str, float]:
    """One fit, its seconds and the process's peak memory."""
    start = time.perf_counter()
    if way == "pandas_groupby":
        rows = int(pandas_groupby(Path(path))["windows"]["size"].sum())
    else:
        rows = (
            getattr(tt, way)(path).provenance["rows"]
            if way == "fit"
            else tt.fit_with_report(path).pool.provenance["rows"]
        )
    return {"rows": rows, "seconds": time.perf_counter() - start, "peak_mib": peak_mib()}


def main(millions: list[float]) -> None:
    """Print the table."""
    print("| requests | format | way | seconds | ns/request | peak MiB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        for kind in (tt.MissingDataWarning, tt.IdleWindowWarning):
            warnings.simplefilter("ignore", kind)
        pool = tt.load("m-small")
        for wanted in millions:
            job = tt.Job(pool, rate=wanted * 1e6 / pool.period)
            for format in ("csv", "jsonl", "parquet"):
                path = Path(folder) / f"trace.{format}"
                job.write(path)
                for way in ("fit", "fit_with_report", "pandas_groupby"):
                    if way == "pandas_groupby" and (wanted > 10 or format == "jsonl"):
                        continue
                    command = [sys.executable, __file__, "--alone", str(path), way]
                    done = subprocess.run(command, capture_output=True, check=True, text=True)
                    found = json.loads(done.stdout)
                    print(
                        f"| {found['rows']:,} | {format} | {way} | {found['seconds']:.2f} "
                        f"| {found['seconds'] / found['rows'] * 1e9:.0f} | {found['peak_mib']:.0f} |",
                        flush=True,
                    )
                path.unlink()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--alone"]:
        print(json.dumps(fit_alone(*sys.argv[2:])))
    else:
        main([float(text) for text in sys.argv[1:]] or [1.0])

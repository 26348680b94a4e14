"""How fast are files written, by format?

`job` generates and writes on all cores, `trace` writes columns that are in memory. The peers write the same
columns from memory: pyarrow's writers and Python's csv and json modules. Files are in memory (/dev/shm) where
that exists, so no disk is measured.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import tracetide as tt
from profiles import Spec, synthetic

COLUMNS = ("timestamp", "client_id", "input_tokens", "output_tokens")


@pytest.fixture(scope="module")
def job(requests_wanted: int) -> tt.Job:
    pool = synthetic(Spec())
    return tt.Job(pool, rate=requests_wanted / (pool.end - pool.start))


@pytest.fixture(scope="module")
def trace(job: tt.Job) -> tt.Trace:
    return job.generate()


def pyarrow_parquet(trace: tt.Trace, path: Path) -> None:
    pa.parquet.write_table(trace.to_arrow(), path)


def pyarrow_arrow(trace: tt.Trace, path: Path) -> None:
    table = trace.to_arrow()
    with pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def pyarrow_csv(trace: tt.Trace, path: Path) -> None:
    pa.csv.write_csv(trace.to_arrow(), path)


def python_csv(trace: tt.Trace, path: Path) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(zip(*(trace[name].tolist() for name in COLUMNS), strict=True))


def python_json(trace: tt.Trace, path: Path) -> None:
    rows = zip(*(trace[name].tolist() for name in COLUMNS), strict=True)
    with path.open("w") as file:
        file.writelines(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in rows)


PEERS: dict[str, dict[str, Callable[[tt.Trace, Path], None]]] = {
    "parquet": {"pyarrow": pyarrow_parquet},
    "arrow": {"pyarrow": pyarrow_arrow},
    "csv": {"pyarrow": pyarrow_csv, "python_csv": python_csv},
    "jsonl": {"python_json": python_json},
}


@pytest.mark.parametrize("way", ["job", "trace"])
@pytest.mark.parametrize("format", PEERS)
def test_tracetide(
    measure: Any, job: tt.Job, trace: tt.Trace, memory_folder: Path, format: str, way: str
) -> None:
    written = measure(
        f"write: {format}", (job if way == "job" else trace).write, memory_folder / f"trace.{format}"
    )
    assert written.rows == len(trace)


@pytest.mark.parametrize(("format", "peer"), [(format, peer) for format in PEERS for peer in PEERS[format]])
def test_peer(measure: Any, trace: tt.Trace, memory_folder: Path, format: str, peer: str) -> None:
    path = memory_folder / f"trace.{format}"
    measure(
        f"write: {format}", PEERS[format][peer], trace, path, rounds=2 if peer.startswith("python") else 5
    )
    assert len(tt.Trace.read(path)) == len(trace)

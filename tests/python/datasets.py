"""Small jobs, and looking at the folders that they are written to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import tracetide as tt
from small_profiles import Client, build, zipf

HOUR = 3600.0
FIELDS = {"input_tokens": zipf([5, 50, 500]), "output_tokens": zipf([1, 2, 900])}


def pool(**options: object) -> tt.ClientPool:
    """Two clients over a day of hours, of which one has no requests at all."""
    rates = [2.0] * 7 + [0.0] + [3.0] * 16
    clients = [
        Client(rate=rates, family="gamma", shape=0.2, fields=FIELDS),
        Client(rate=[rate / 2 for rate in rates], fields=FIELDS),
    ]
    return tt.ClientPool(build(clients, window_s=HOUR, windows=24, **options), name="office")


def job(**options: object) -> tt.Job:
    """A day, about 340,000 requests."""
    return tt.Job(pool(), **{"seed": 7, **options})


def profile_file(folder: Path) -> Path:
    """The same pool as a file."""
    path = folder / "office.tide"
    pool().write(path)
    return path


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of all files, by name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def parts(folder: Path) -> list[Path]:
    """The files of requests, in order."""
    return sorted(folder.glob("*.parquet"))


def table(folder: Path) -> pa.Table:
    """All requests of a data set, in the order of the names."""
    return pa.concat_tables([pq.read_table(path).replace_schema_metadata(None) for path in parts(folder)])


def whole(made: tt.Job) -> pa.Table:
    """All requests of a job."""
    return made.generate().to_arrow().replace_schema_metadata(None)

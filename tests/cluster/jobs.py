"""The jobs of the tests, from the profile in a folder; for the scripts beside this one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import tracetide as tt


def job(folder: str | Path, **options: object) -> tt.Job:
    return tt.Job(tt.load(Path(folder) / "office.tide"), **{"seed": 7, **options})


def with_lists() -> tt.Job:
    """Requests with lists of images."""
    client = tt.Client(
        rate=2.0,
        text_tokens=100,
        output_tokens=tt.Uniform(1, 50),
        image_count=tt.Uniform(0, 3),
        image_tokens=tt.Uniform(100, 200),
    )
    return tt.Job(tt.ClientPool([client], period="4h"), duration="4h", seed=1)


def same(found: pa.Table, made: tt.Job) -> bool:
    """Whether a table, in any order of rows, has a job's requests; whole numbers may be signed."""
    wanted = made.generate().to_arrow().replace_schema_metadata(None)
    found = found.select(wanted.column_names).cast(wanted.schema).sort_by("timestamp")
    return len(found) == len(wanted) and _digest(found) == _digest(wanted)


def _digest(table: pa.Table) -> str:
    found = hashlib.sha256()
    for column in table.itercolumns():
        chunk = column.combine_chunks()
        if pa.types.is_list(chunk.type):
            found.update(np.asarray(chunk.value_lengths()).tobytes())
            chunk = chunk.flatten()
        found.update(np.asarray(chunk).tobytes())
    return found.hexdigest()

"""Whether the files of a data set are what was written."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.job.dataset.folder import Folder
from tracetide.job.dataset.manifest import MANIFEST, SUCCESS, Manifest, read_manifest
from tracetide.job.dataset.partition import Part
from tracetide.job.dataset.records import Record

_PIECE = 1 << 22
_TIME = "timestamp"


def problem_of(folder: Folder, record: Record) -> str | None:
    """What is wrong with a part's file, or with what its record says of it; None if nothing is.

    The file is compared byte for byte, and its footer with the rows and times of the record.
    """
    size = folder.size(record.name)
    if size is None:
        return "is not there"
    if size != record.bytes:
        return f"has {size:,} bytes; it was written with {record.bytes:,}"
    actual = sha256_of(folder, record.name)
    if actual != record.sha256:
        return f"has the SHA-256 {actual[:12]}...; it was written with {record.sha256[:12]}..."
    try:
        rows, first, last = _footer_of(folder, record.name)
    except pa.ArrowInvalid:
        return "is no Parquet file"
    if rows != record.rows:
        return f"has {rows:,} rows; its record says {record.rows:,}"
    if (first, last) != (record.first, record.last):
        return f"has times from {first} to {last}; its record says {record.first} to {record.last}"
    return None


def _footer_of(folder: Folder, name: str) -> tuple[int, float | None, float | None]:
    """The rows of a part, and the times of the first and the last."""
    from pyarrow import parquet

    with folder.open(name) as file:
        found = parquet.read_metadata(file)
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    groups = [group for group in groups if group.num_rows]
    times = [_times_of(group) for group in (groups[0], groups[-1])] if groups else [(None, None)] * 2
    return found.num_rows, times[0][0], times[1][1]


def _times_of(group: Any) -> tuple[float | None, float | None]:
    columns = (group.column(i) for i in range(group.num_columns))
    found = next((column.statistics for column in columns if column.path_in_schema == _TIME), None)
    return (found.min, found.max) if found is not None and found.has_min_max else (None, None)


def faults_of(records: Sequence[Record], parts: Sequence[Part], by: str) -> Iterator[tuple[str, str]]:
    """What the records of all parts do not say as the parts are cut, and as requests go on in time."""
    names = [record.name for record in records]
    if names != [part.name for part in parts]:
        missing = [part.name for part in parts if part.name not in set(names)]
        what = f"without {missing[0]}" if missing else "not in their order"
        yield "part-missing", f"{len(names):,} parts, {what}; there must be {len(parts):,}"
        return
    for record, part in zip(records, parts, strict=True):
        if by == "rows":
            is_cut = record.rows == part.end - part.start or part is parts[-1]
        else:
            is_cut = record.first is None or (
                record.last is not None and part.start <= record.first and record.last < part.end
            )
        if not is_cut:
            yield (
                "part-altered",
                f"{record.name} cannot have {record.rows:,} rows from {record.first} to {record.last}",
            )
    for before, after in pairwise(record for record in records if record.rows):
        if before.last is not None and after.first is not None and after.first < before.last:
            yield (
                "part-altered",
                f"{after.name} begins at {after.first}, before the end of {before.name} at {before.last}",
            )


def sha256_of(folder: Folder, name: str) -> str:
    """Of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with folder.open(name) as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def check_dataset(folder: Folder) -> Iterator[tuple[str, str]]:
    """Everything that is wrong with a complete data set, as (rule, message).

    Raises:
        TraceError: if there is no manifest, or it is not sound.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise TraceError(
            f"{folder.name}: there is no {MANIFEST}: the data set is not complete; go on with "
            "tracetide generate ... --resume"
        )
    names = folder.names()
    if SUCCESS not in names:
        yield "part-missing", f"{SUCCESS} is not there, so the data set may not be complete"
    records = manifest.parts
    yield from _sums(manifest)
    yield from _cut_faults(manifest, folder.name)
    for record in records:
        problem = problem_of(folder, record)
        if problem is not None:
            yield "part-missing" if record.name not in names else "part-altered", f"{record.name} {problem}"
    known = {record.name for record in records}
    for name in sorted(names - known):
        if name.endswith(".parquet") and not name.startswith(("_", ".")):
            yield "part-unknown", f"{name} is no part of it; readers of the folder would take it for one"


def _sums(manifest: Manifest) -> Iterator[tuple[str, str]]:
    records = manifest.parts
    rows, size = sum(record.rows for record in records), sum(record.bytes for record in records)
    if (rows, size) != (manifest.rows, manifest.bytes):
        yield (
            "part-missing",
            f"{MANIFEST} says {manifest.rows:,} rows and {manifest.bytes:,} bytes, and its parts sum to "
            f"{rows:,} and {size:,}",
        )
    starts = accumulate((record.rows for record in records), initial=0)
    for record, start in zip(records, starts, strict=False):
        if record.first_request != start:
            yield (
                "part-altered",
                f"{record.name} begins with request {record.first_request:,}, after {start:,} of others",
            )


def _cut_faults(manifest: Manifest, name: str) -> Iterator[tuple[str, str]]:
    duration = manifest.job.get("duration")
    if isinstance(duration, bool) or not isinstance(duration, int | float) or not 0 < duration < 2**63:
        raise TraceError(f"{name}: {MANIFEST}: job.duration {duration!r} is not allowed; it must be seconds")
    cut = manifest.cut()
    try:
        parts = cut.parts_of(math.ceil(duration) if cut.by == "time" else manifest.rows)
    except ValueError as error:
        raise TraceError(f"{name}: {MANIFEST}: {error}") from None
    yield from faults_of(manifest.parts, parts, cut.by)

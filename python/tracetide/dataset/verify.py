"""Whether the files of a data set are what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from tracetide.dataset.folder import Folder
from tracetide.dataset.manifest import MANIFEST, SUCCESS, read_manifest, records_of
from tracetide.dataset.records import Record
from tracetide.errors import TraceError

_PIECE = 1 << 22


def problem_of(folder: Folder, record: Record) -> str | None:
    """What is wrong with a part's file; None if it is what its record says, byte for byte."""
    size = folder.size(record.name)
    if size is None:
        return "is not there"
    if size != record.bytes:
        return f"has {size:,} bytes; it was written with {record.bytes:,}"
    actual = sha256_of(folder, record.name)
    if actual != record.sha256:
        return f"has the SHA-256 {actual[:12]}...; it was written with {record.sha256[:12]}..."
    return None


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
    records = records_of(manifest, folder.name)
    yield from _sums(manifest["rows"], manifest["bytes"], records)
    for record in records:
        problem = problem_of(folder, record)
        if problem is not None:
            yield "part-missing" if record.name not in names else "part-altered", f"{record.name} {problem}"
    known = {record.name for record in records}
    for name in sorted(names - known):
        if name.endswith(".parquet") and not name.startswith(("_", ".")):
            yield "part-unknown", f"{name} is no part of it; readers of the folder would take it for one"


def _sums(rows: int, size: int, records: Sequence[Record]) -> Iterator[tuple[str, str]]:
    actual = (sum(record.rows for record in records), sum(record.bytes for record in records))
    if actual != (rows, size):
        yield (
            "part-missing",
            f"{MANIFEST} says {rows:,} rows and {size:,} bytes, and its parts sum to {actual[0]:,} and "
            f"{actual[1]:,}",
        )

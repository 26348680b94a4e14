"""The files that say what a data set is: the plan while it is being written, then the manifest.

Neither says who wrote what, or when: equal jobs give equal manifests.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tracetide.dataset.folder import Folder, open_folder, put
from tracetide.dataset.partition import Counts, Partition
from tracetide.dataset.records import Record
from tracetide.errors import TraceError

if TYPE_CHECKING:
    from tracetide.job import Job

PLAN = "_plan.json"
MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"
"""An empty file that is there only while everything else is, as Hadoop and Spark have it."""

VERSION = 1


def is_dataset(name: str) -> bool:
    """Whether there is a data set at a path or an address, complete or not."""
    if "://" not in name and not os.path.isdir(name):
        return False
    folder = open_folder(name)
    return any(folder.size(file) is not None for file in (MANIFEST, PLAN))


def identity(job: Job, partition: Partition) -> dict[str, Any]:
    """All that decides the bytes of a data set. Parquet files name the library's version that wrote them."""
    import pyarrow as pa

    return {
        "dataset_version": VERSION,
        "job": json.loads(json.dumps(job.metadata())),
        "partition": asdict(partition),
        "pyarrow": pa.__version__,
    }


def write_plan(folder: Folder, found: Mapping[str, Any], counts: Counts | None) -> None:
    """Say what is being written, before the first part is."""
    plan = {**found, **({} if counts is None else {"window_counts": counts.tolist()})}
    put(folder, PLAN, json.dumps(plan, indent=1).encode())


def write_manifest(folder: Folder, found: Mapping[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """Say what has been written, when all of it is there; then `_SUCCESS`."""
    manifest = {
        **found,
        "rows": sum(record.rows for record in records),
        "bytes": sum(record.bytes for record in records),
        "parts": list(_entries(records)),
    }
    put(folder, MANIFEST, json.dumps(manifest, indent=1).encode())
    put(folder, SUCCESS, b"")
    return manifest


def _entries(records: Iterable[Record]) -> Iterable[dict[str, Any]]:
    before = 0
    for record in records:
        yield {**asdict(record), "first_request": before}
        before += record.rows


def read_manifest(folder: Folder) -> dict[str, Any] | None:
    """The manifest; None if there is none.

    Raises:
        TraceError: if it is not sound.
    """
    return _read(folder, MANIFEST, ("job", "partition", "pyarrow", "rows", "bytes", "parts"))


def read_plan(folder: Folder) -> dict[str, Any] | None:
    """The plan, or of a complete data set its manifest; None if there is neither.

    Raises:
        TraceError: if it is not sound.
    """
    found = _read(folder, PLAN, ("job", "partition", "pyarrow"))
    return read_manifest(folder) if found is None else found


def records_of(manifest: Mapping[str, Any], name: str) -> list[Record]:
    """The parts of a manifest.

    Raises:
        TraceError: if one is not sound.
    """
    try:
        return [Record.from_dict(entry) for entry in manifest["parts"]]
    except (ValueError, TypeError) as error:
        raise TraceError(f"{name}: {MANIFEST}: {error}") from None


def partition_of(plan: Mapping[str, Any], name: str) -> Partition:
    """The partition of a plan or a manifest.

    Raises:
        TraceError: if it is not sound.
    """
    found = plan["partition"]
    if not isinstance(found, dict) or found.keys() != {"by", "size"}:
        raise TraceError(f"{name}: the partition {found!r} is not sound")
    text = f"rows={found['size']}" if found["by"] == "rows" else found["size"]
    try:
        return Partition.parse(text)
    except ValueError as error:
        raise TraceError(f"{name}: {error}") from None


def counts_of(plan: Mapping[str, Any], windows: int) -> Counts | None:
    """The requests of every window, if a plan says them, of so many windows."""
    counts = plan.get("window_counts")
    sound = isinstance(counts, list) and len(counts) == windows
    return np.asarray(counts, dtype=np.uint64) if sound else None


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What two identities differ in, as text."""
    mine, its = dict(_flat(wanted)), dict(_flat(found))
    return [
        f"{key} {its.get(key)!r} instead of {mine.get(key)!r}"
        for key in dict.fromkeys([*mine, *its])
        if mine.get(key) != its.get(key)
    ]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _read(folder: Folder, name: str, keys: Sequence[str]) -> dict[str, Any] | None:
    data = folder.read(name)
    if data is None:
        return None
    try:
        found = json.loads(data)
    except ValueError as error:
        raise TraceError(f"{folder.name}: {name} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise TraceError(f"{folder.name}: {name} is not allowed; it must be a JSON object")
    missing = [key for key in keys if key not in found]
    if missing or found.get("dataset_version") != VERSION:
        what = f"without {missing[0]!r}" if missing else f"of version {found.get('dataset_version')!r}"
        raise TraceError(f"{folder.name}: {name} {what} is not allowed; it must be of version {VERSION}")
    return found

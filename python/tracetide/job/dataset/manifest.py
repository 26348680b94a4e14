"""The files that say what a data set is: the plan while it is being written, then the manifest.

Neither says who wrote what, or when: equal jobs give equal manifests. Both have a checksum, so that what was
altered since is not taken for what was written.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import Field

from tracetide.base.errors import TraceError
from tracetide.base.json_text import parse_json
from tracetide.job.dataset.folder import Folder, open_folder, put
from tracetide.job.dataset.partition import Counts, Partition
from tracetide.job.dataset.records import Count, Digest, Record, Strict, parsed
from tracetide.job.resolved import ResolvedJob

PLAN = "_plan.json"
MANIFEST = "_manifest.json"
SUCCESS = "_SUCCESS"
"""An empty file that is there only while everything else is, as Hadoop and Spark have it."""

VERSION = 1

_CHECKSUM = "checksum"


class _PartitionSaid(Strict):
    by: Literal["time", "rows"]
    size: Annotated[int, Field(ge=1, lt=2**63)]


class Plan(Strict):
    """What is being written.

    Attributes:
        dataset_version: of these files.
        job: as its metadata has it.
        partition: how it is cut.
        pyarrow: the version that writes the parts.
        window_counts: the requests of every window, where the partition needs them and the job does not tell.
        checksum: of all the others; None in files of before there was one.
    """

    dataset_version: Literal[1]
    job: dict[str, Any]
    partition: _PartitionSaid
    pyarrow: str
    window_counts: list[Count] | None = None
    checksum: Digest | None = None

    def identity(self) -> dict[str, Any]:
        """What decides the bytes; see `identity`."""
        return {
            "dataset_version": self.dataset_version,
            "job": self.job,
            "partition": self.partition.model_dump(),
            "pyarrow": self.pyarrow,
        }

    def cut(self) -> Partition:
        """How it is cut."""
        return Partition(self.partition.by, self.partition.size)

    def counts(self, windows: int) -> Counts | None:
        """The requests of so many windows; None if it does not say them, or has no checksum of them."""
        if self.checksum is None or self.window_counts is None or len(self.window_counts) != windows:
            return None
        return np.asarray(self.window_counts, dtype=np.uint64)


class Entry(Record):
    """A part in a manifest.

    Attributes:
        first_request: the position of its first request in the trace.
    """

    first_request: Count


class Manifest(Plan):
    """What has been written.

    Attributes:
        rows, bytes: of all parts.
        parts: in their order.
    """

    window_counts: None = None
    rows: Count
    bytes: Count
    parts: list[Entry]


_Kind = TypeVar("_Kind", bound=Plan)


def is_dataset(name: str) -> bool:
    """Whether there is a data set at a path or an address, complete or not."""
    if "://" not in name and not os.path.isdir(name):
        return False
    folder = open_folder(name)
    return any(folder.size(file) is not None for file in (MANIFEST, PLAN))


def identity(job: ResolvedJob, partition: Partition) -> dict[str, Any]:
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
    _write(folder, PLAN, {**found, **({} if counts is None else {"window_counts": counts.tolist()})})


def write_manifest(folder: Folder, found: Mapping[str, Any], records: Sequence[Record]) -> Manifest:
    """Say what has been written, when all of it is there; then `_SUCCESS`."""
    manifest = {
        **found,
        "rows": sum(record.rows for record in records),
        "bytes": sum(record.bytes for record in records),
        "parts": list(_entries(records)),
    }
    _write(folder, MANIFEST, manifest)
    put(folder, SUCCESS, b"")
    return parsed(Manifest, manifest)


def _entries(records: Iterable[Record]) -> Iterable[dict[str, Any]]:
    before = 0
    for record in records:
        yield {**record.model_dump(), "first_request": before}
        before += record.rows


def read_manifest(folder: Folder) -> Manifest | None:
    """The manifest; None if there is none.

    Raises:
        TraceError: if it is not sound.
    """
    return _read(folder, MANIFEST, Manifest)


def read_plan(folder: Folder) -> Plan | None:
    """The plan, or of a complete data set its manifest; None if there is neither.

    Raises:
        TraceError: if it is not sound.
    """
    found = _read(folder, PLAN, Plan)
    return read_manifest(folder) if found is None else found


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


def checksum_of(said: Mapping[str, Any]) -> str:
    """Of all that a plan or a manifest says, but for its checksum, however it is laid out."""
    text = json.dumps({key: value for key, value in said.items() if key != _CHECKSUM}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(folder: Folder, name: str, said: Mapping[str, Any]) -> None:
    put(folder, name, json.dumps({**said, _CHECKSUM: checksum_of(said)}, indent=1).encode())


def _read(folder: Folder, name: str, kind: type[_Kind]) -> _Kind | None:
    data = folder.read(name)
    if data is None:
        return None
    try:
        found = parse_json(data)
    except ValueError as error:
        raise TraceError(f"{folder.name}: {name} is no JSON that can be read: {error}") from None
    if not isinstance(found, dict):
        raise TraceError(f"{folder.name}: {name} is not allowed; it must be a JSON object")
    version = found.get("dataset_version")
    if version != VERSION:
        raise TraceError(
            f"{folder.name}: {name} of version {version!r} is not allowed; it must be of version {VERSION}"
        )
    try:
        plan = parsed(kind, found)
    except ValueError as error:
        raise TraceError(f"{folder.name}: {name}: {error}") from None
    if plan.checksum is not None and plan.checksum != checksum_of(found):
        raise TraceError(
            f"{folder.name}: {name} was altered after it was written: its checksum is another; restore it, "
            "or write the data set to another folder"
        )
    return plan

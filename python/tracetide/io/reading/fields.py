"""The columns that a scan can give, their kinds and types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tracetide import _core
from tracetide.columns import CATEGORY_COLUMNS
from tracetide.columns.arrow import KINDS, LIST_TYPE
from tracetide.io.formats.description import Unit

Kind: TypeAlias = Literal[
    "time", "tokens", "items", "blocks", "id", "turn", "round", "delay", "label", "number"
]

OWN_BLOCKS = pa.list_(pa.field("item", pa.uint64(), nullable=False))
"""Of `hash_ids` as their source has them."""

UNITS: dict[str, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""How many of a unit are a second."""

_OWN_KINDS: dict[str, Kind] = {
    "timestamp": "time",
    "session_id": "label",
    "turn": "turn",
    "delay": "delay",
    "hash_ids": "blocks",
}


def _kinds(*jobs: str) -> dict[str, Kind]:
    """Of the columns of these jobs."""
    return {
        name: _OWN_KINDS.get(name, "items" if kind == "list" else "tokens")
        for name, kind, of, *_ in _core.COLUMNS
        if of in jobs
    }


NATIVE: dict[str, Kind] = {
    "request_id": "id",
    "timestamp": "time",
    "client_id": "tokens",
    "client": "label",
    **_kinds("sessions"),
    **_kinds("", *CATEGORY_COLUMNS),
    "image_count": "tokens",
    **_kinds("hash_ids", "payload_bytes"),
    "type": "label",
    "model": "label",
    "log_type": "label",
    "elapsed_time": "number",
}
"""Columns with a meaning of their own, in the order in which a scan gives them."""

REQUIRED = ("timestamp", "input_tokens", "output_tokens")

TYPES: dict[str, pa.DataType] = {
    "time": KINDS["real"],
    "tokens": KINDS["u32"],
    "items": LIST_TYPE,
    "blocks": LIST_TYPE,
    "id": KINDS["u64"],
    "turn": KINDS["u16"],
    "round": KINDS["u16"],
    "delay": KINDS["real"],
}
"""Arrow types by kind; labels and numbers have those of their source."""


def not_empty(batch: pa.RecordBatch) -> pa.BooleanArray:
    """Which requests have both input and output."""
    return pc.and_(pc.greater(batch.column("input_tokens"), 0), pc.greater(batch.column("output_tokens"), 0))


@dataclass(frozen=True)
class Field:
    """A column to read.

    Attributes:
        name: what the scan calls it.
        source: what the source calls it.
        kind: what it holds.
        type: its Arrow type in the scan.
        unit: of times and delays in the source.
        nullable: whether rows may lack it.
    """

    name: str
    source: str
    kind: Kind
    type: pa.DataType
    unit: Unit = "s"
    nullable: bool = False

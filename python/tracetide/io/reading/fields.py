"""The columns that a scan can give, their kinds and types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

Kind: TypeAlias = Literal[
    "time", "tokens", "items", "blocks", "id", "turn", "round", "delay", "label", "number"
]
Unit: TypeAlias = Literal["s", "ms", "us", "ns", "date"]

LIST_TYPE = pa.list_(pa.field("item", pa.uint32(), nullable=False))

OWN_BLOCKS = pa.list_(pa.field("item", pa.uint64(), nullable=False))
"""Of `hash_ids` as their source has them."""

UNITS: dict[str, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
"""How many of a unit are a second."""

NATIVE: dict[str, Kind] = {
    "request_id": "id",
    "timestamp": "time",
    "client_id": "tokens",
    "client": "label",
    "session_id": "label",
    "turn": "turn",
    "delay": "delay",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "reason_tokens": "tokens",
    "text_tokens": "tokens",
    "image_tokens": "items",
    "audio_tokens": "items",
    "video_tokens": "items",
    "image_count": "tokens",
    "hash_ids": "blocks",
    "image_bytes": "items",
    "audio_bytes": "items",
    "video_bytes": "items",
    "type": "label",
    "model": "label",
    "log_type": "label",
    "elapsed_time": "number",
}
"""Columns with a meaning of their own, in the order in which a scan gives them."""

REQUIRED = ("timestamp", "input_tokens", "output_tokens")

TYPES: dict[str, pa.DataType] = {
    "time": pa.float64(),
    "tokens": pa.uint32(),
    "items": LIST_TYPE,
    "blocks": LIST_TYPE,
    "id": pa.uint64(),
    "turn": pa.uint16(),
    "round": pa.uint16(),
    "delay": pa.float64(),
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

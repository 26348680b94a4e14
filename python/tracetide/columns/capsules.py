"""Columns as Arrow PyCapsules, made by the core without pyarrow.

https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from tracetide import _core
from tracetide.columns.table import NULLABLE, Column, ListColumn

_FORMATS = {
    np.dtype(np.float64): "g",
    np.dtype(np.float32): "f",
    np.dtype(np.int8): "c",
    np.dtype(np.uint8): "C",
    np.dtype(np.int16): "s",
    np.dtype(np.uint16): "S",
    np.dtype(np.int32): "i",
    np.dtype(np.uint32): "I",
    np.dtype(np.int64): "l",
    np.dtype(np.uint64): "L",
}


def array_of(columns: Mapping[str, Column], rows: int, metadata: Mapping[str, Any]) -> tuple[object, object]:
    """Capsules of the schema and of a struct array on the columns' memory."""
    return _core.arrow_array(_columns(columns), rows, _text(metadata))


def stream_of(columns: Mapping[str, Column], rows: int, metadata: Mapping[str, Any]) -> object:
    """A capsule of a stream of one batch on the columns' memory."""
    return _core.arrow_table_stream(_columns(columns), rows, _text(metadata))


def _text(metadata: Mapping[str, Any]) -> str:
    return json.dumps(metadata) if metadata else ""


def _columns(columns: Mapping[str, Column]) -> list[tuple[str, str, bool, Any]]:
    return [_column(name, values) for name, values in columns.items()]


def _column(name: str, values: Any) -> tuple[str, str, bool, Any]:
    nullable = name in NULLABLE
    if isinstance(values, ListColumn):
        pair = (np.ascontiguousarray(values.offsets), np.ascontiguousarray(values.values))
        return name, "+l", False, pair
    if values.dtype == object:
        return name, "u", nullable, values
    if values.dtype not in _FORMATS:
        raise TypeError(
            f"column {name!r}: the type {values.dtype} is not allowed in Arrow data; it must be a whole "
            "number, a float of 32 or 64 bits, or texts"
        )
    return name, _FORMATS[values.dtype], nullable, np.ascontiguousarray(values)

"""Columns as Arrow PyCapsules, made by the core without pyarrow.

https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tracetide import _core
from tracetide.columns import NULLABLE, ListColumn

if TYPE_CHECKING:
    from tracetide.trace import Requests

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


def array_of(requests: Requests) -> tuple[object, object]:
    """Capsules of the schema and of a struct array on the columns' memory."""
    return _core.arrow_array(_columns(requests), len(requests), _text(_metadata(requests)))


def stream_of(requests: Requests) -> object:
    """A capsule of a stream of one batch on the columns' memory."""
    return _core.arrow_table_stream(_columns(requests), len(requests), _text(_metadata(requests)))


def _metadata(requests: Requests) -> Mapping[str, Any]:
    return getattr(requests, "metadata", {})


def _text(metadata: Mapping[str, Any]) -> str:
    return json.dumps(metadata) if metadata else ""


def _columns(requests: Requests) -> list[tuple[str, str, bool, Any]]:
    return [_column(name, requests[name]) for name in requests]


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

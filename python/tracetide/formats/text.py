"""CSV and JSON lines of columns in memory, the same bytes that the core formats from a job.

All of it is done column by column.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.columns import NO_SESSION, Column, ListColumn
from tracetide.formats.base import Sink, Source
from tracetide.trace import Requests


def write_text(source: Source, container: str, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests as lines. Neither container has a place for the job."""
    for rows, piece in source.text(container):
        sink.write(piece)
        written(rows)


def header_of(requests: Requests, container: str) -> bytes:
    """What precedes the rows."""
    return (",".join(requests.columns) + "\n").encode() if container == "csv" else b""


def rows_of(requests: Requests, container: str) -> bytes:
    """The lines of all requests."""
    pieces: list[Any] = []
    for position, name in enumerate(requests.columns):
        if container == "jsonl":
            pieces.append(("," if position else "{") + f'"{name}":')
        elif position:
            pieces.append(",")
        pieces.append(_strings(name, requests[name], quote=container == "csv"))
    pieces.append("}\n" if container == "jsonl" else "\n")
    lines = pc.binary_join_element_wise(*pieces, "")
    chunks = lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]
    return b"".join(_bytes(chunk) for chunk in chunks)


def _strings(name: str, column: Column, *, quote: bool) -> Any:
    if isinstance(column, ListColumn):
        items = pc.cast(pa.array(column.flat()), pa.string())
        offsets = pa.array(column.offsets - column.offsets[0])
        joined = pc.binary_join(pa.ListArray.from_arrays(offsets, items), ",")
        around = pa.array(np.where(quote & (column.lengths() > 1), '"', ""))
        return pc.binary_join_element_wise(around, "[", joined, "]", around, "")
    if name == "timestamp":
        return _decimal_seconds(column)
    missing = "" if quote else "null"
    if name == "delay" and column.dtype == np.float64:
        return _delays(column, missing)
    if name == "session_id" and column.dtype == np.uint64:
        return pc.if_else(pa.array(column == NO_SESSION), missing, pc.cast(pa.array(column), pa.string()))
    if column.dtype == object:
        return _quoted(pa.array(column, pa.string()), is_csv=quote)
    if column.dtype.kind == "f" and np.isnan(column).any():
        numbers = pc.cast(pa.array(column, from_pandas=True), pa.string())
        return pc.fill_null(numbers, missing)
    return pc.cast(pa.array(column), pa.string())


def _quoted(texts: Any, *, is_csv: bool) -> Any:
    """Texts as JSON strings, or as CSV values, in quotes where these need them."""
    if is_csv:
        needs = pc.match_substring_regex(texts, r'[",\r\n]|^\s|\s$')
        inside = pc.replace_substring(texts, '"', '""')
        return pc.if_else(needs, pc.binary_join_element_wise('"', inside, '"', ""), texts)
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]")).as_py():  # rare: one by one
        return pa.array([json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()], pa.string())
    inside = pc.replace_substring(pc.replace_substring(texts, "\\", "\\\\"), '"', '\\"')
    return pc.binary_join_element_wise('"', inside, '"', "")


def _delays(seconds: Any, missing: str) -> Any:
    """As times, where they are whole nanoseconds; those of other tools need not be."""
    given = ~np.isnan(seconds)
    is_whole = given & (np.rint(seconds * 1e9) / 1e9 == seconds)
    times = _decimal_seconds(np.where(is_whole, seconds, 0.0))
    others = pc.fill_null(pc.cast(pa.array(seconds, mask=~given), pa.string()), missing)
    return pc.if_else(pa.array(is_whole), times, others)


def _decimal_seconds(seconds: Any) -> Any:
    """Seconds with at most 9 decimals."""
    whole = seconds.astype(np.int64)
    fraction = ((seconds - whole) * 1e9 + 0.5).astype(np.int64)
    whole += fraction == 1_000_000_000
    fraction %= 1_000_000_000
    padded = pc.utf8_lpad(pc.cast(pa.array(fraction), pa.string()), 9, "0")
    digits = pc.utf8_rtrim(padded, "0")
    tail = pc.if_else(pc.equal(pc.utf8_length(digits), 0), "", pc.binary_join_element_wise(".", digits, ""))
    return pc.binary_join_element_wise(pc.cast(pa.array(whole), pa.string()), tail, "")


def _bytes(lines: Any) -> bytes:
    """The strings of an array, which lie one after the other in memory."""
    if len(lines) == 0:
        return b""
    _, offsets, data = lines.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32)[lines.offset :][: len(lines) + 1]
    return bytes(memoryview(data)[bounds[0] : bounds[-1]])

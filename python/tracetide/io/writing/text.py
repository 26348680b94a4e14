"""CSV with a header line, and JSON lines, of native columns: the same bytes that the core formats from a job.

In CSV a list is a JSON array, quoted where it has a comma. Neither has a place for the job that other readers
would respect. All of it is done column by column.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.errors import TraceError
from tracetide.io.writing.base import Format, Loss, Sink, Source, ToolOptions


def write(
    source: Source, format: Format, options: ToolOptions, sink: Sink, written: Callable[[int], None]
) -> Loss:
    """Write all requests as lines."""
    for rows, piece in source.text(format.container):
        sink.write(piece)
        written(rows)
    return Loss()


def header_of(names: list[str], container: str) -> bytes:
    """What precedes the rows."""
    if container != "csv":
        return b""
    return (",".join(_quoted(pa.array(names), is_csv=True).to_pylist()) + "\n").encode()


def rows_of(batch: pa.RecordBatch, container: str) -> bytes:
    """The lines of all requests."""
    pieces: list[Any] = []
    for position, name in enumerate(batch.schema.names):
        if container == "jsonl":
            pieces.append(("," if position else "{") + json.dumps(name, ensure_ascii=False) + ":")
        elif position:
            pieces.append(",")
        pieces.append(_strings(name, batch.column(position), is_csv=container == "csv"))
    pieces.append("}\n" if container == "jsonl" else "\n")
    lines = pc.binary_join_element_wise(*pieces, "")
    chunks = lines.chunks if isinstance(lines, pa.ChunkedArray) else [lines]
    return b"".join(_bytes(chunk) for chunk in chunks)


def _strings(name: str, column: pa.Array, *, is_csv: bool) -> Any:
    missing = "" if is_csv else "null"
    if pa.types.is_list(column.type):
        return _lists(column, is_csv=is_csv)
    if name == "timestamp":
        return _decimal_seconds(column.to_numpy(zero_copy_only=False))
    if name == "delay" and pa.types.is_float64(column.type):
        return _delays(column.to_numpy(zero_copy_only=False), missing)
    if pa.types.is_string(column.type):
        return pc.fill_null(_quoted(column, is_csv=is_csv), missing)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        if not is_csv and pc.any(pc.is_inf(column)).as_py():
            raise TraceError(
                f"column {name!r}: inf is not allowed, as JSON has no such number; choose csv or parquet, "
                "or leave the column out"
            )
    return pc.fill_null(pc.cast(column, pa.string()), missing)


def _lists(column: pa.Array, *, is_csv: bool) -> Any:
    items = pc.cast(column.flatten(), pa.string())
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, items), ",")
    around = pa.array(np.where(is_csv & (lengths > 1), '"', ""))
    return pc.binary_join_element_wise(around, "[", joined, "]", around, "")


def _quoted(texts: Any, *, is_csv: bool) -> Any:
    """Texts as JSON strings, or as CSV values, in quotes where these need them."""
    if is_csv:
        needs = pc.match_substring_regex(texts, r'[",\r\n]|^\s|\s$')
        inside = pc.replace_substring(texts, '"', '""')
        return pc.if_else(needs, pc.binary_join_element_wise('"', inside, '"', ""), texts)
    if pc.any(pc.match_substring_regex(texts, r"[\x00-\x1f]")).as_py():  # rare: one by one
        return pa.array(
            [None if text is None else json.dumps(text, ensure_ascii=False) for text in texts.to_pylist()],
            pa.string(),
        )
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

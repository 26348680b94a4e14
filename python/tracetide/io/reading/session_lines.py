"""Lines of whole sessions, of which each becomes as many rows as it has requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from tracetide.base.errors import TraceError
from tracetide.base.json_text import parse_json
from tracetide.io.reading.fields import Field
from tracetide.io.reading.jsonl_source import JsonlSource
from tracetide.io.reading.place import Place, shown
from tracetide.io.reading.source import Source
from tracetide.io.reading.text_blocks import DATA_ERRORS, blocks, may_have_other_values, native_reader

_REQUEST = pa.struct(
    [
        ("input_toks", pa.int64()),
        ("output_toks", pa.int64()),
        ("tool_duration_ns", pa.int64()),
    ]
)
_LINE = pa.schema(
    [
        ("session_id", pa.string()),
        ("arrival_time_ns", pa.int64()),
        ("input_toks", pa.int64()),
        ("output_toks", pa.int64()),
        ("sub_requests", pa.list_(_REQUEST)),
    ]
)


class SessionLines:
    """A JSON lines file of LLMServingSim, with sessions and with requests that stand alone.

    A session's `tool_duration_ns` is the wait behind a request, which here is the delay of the next one.
    Requests behind the first have no time of their own.
    """

    layout = "llmservingsim-sessions"

    @staticmethod
    def are_in(source: Source) -> TypeGuard[JsonlSource]:
        """Whether the first lines are such."""
        return isinstance(source, JsonlSource) and {"arrival_time_ns", "session_id"} <= set(source.types)

    def __init__(self, source: JsonlSource) -> None:
        """The lines of another source."""
        self._file = source.file
        self._codec = source.codec
        self.origin = source.origin
        self.container = source.container
        self.metadata: Mapping[str, Any] = source.metadata
        self.repeated = source.repeated
        self.types: Mapping[str, pa.DataType] = {
            "session_id": pa.string(),
            "arrival_time_ns": pa.int64(),
            "input_toks": pa.int64(),
            "output_toks": pa.int64(),
            "turn": pa.int64(),
            "tool_duration_ns": pa.int64(),
        }

    def later_type(self, name: str) -> pa.DataType:
        """The type of a column, which is known from the format."""
        return self.types[name]

    def raw(self, fields: Sequence[Field]) -> Iterator[tuple[Place, list[pa.Array]]]:
        """The columns of the fields, block by block."""
        rows = 0
        for block in blocks(self._file, self._codec, quoted=False):
            if not block.data.strip():
                continue
            columns = _rows_of(_parsed(block.data, Place(self.origin, rows, block.data, block.first_line)))
            place = Place(self.origin, rows)
            rows += len(columns["turn"])
            yield place, [columns[field.source] for field in fields]


def _parsed(data: bytes, place: Place) -> pa.Table:
    if may_have_other_values(data):
        _check_lines(data, place)
    try:
        return pyarrow.json.read_json(
            native_reader(data),
            read_options=pyarrow.json.ReadOptions(block_size=len(data) + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=_LINE, unexpected_field_behavior="ignore"
            ),
        ).combine_chunks()
    except DATA_ERRORS as error:
        reason = str(error).splitlines()[0]
    _check_lines(data, place)
    raise TraceError(f"{place.origin}: lines from {place.first_line} on are no sessions: {shown(reason)}")


def _check_lines(data: bytes, place: Place) -> None:
    for number, line in enumerate(data.split(b"\n")):
        if line.strip():
            _check_line(line, f"{place.origin}:{place.first_line + number}")


def _check_line(line: bytes, where: str) -> None:
    """Raise for a line that is not of the format."""
    try:
        found = parse_json(line)
    except ValueError as error:
        raise TraceError(f"{where}: it is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise TraceError(f"{where}: {shown(found)} is not allowed; it must be an object")
    requests = found.get("sub_requests", [])
    if not isinstance(requests, list) or not all(isinstance(one, dict) for one in requests):
        raise TraceError(f"{where}, column 'sub_requests': {shown(requests)} is not allowed; it must be a "
                         "list of objects")  # fmt: skip
    for one in [found, *requests]:
        for name in ("arrival_time_ns", "input_toks", "output_toks", "tool_duration_ns"):
            value = one.get(name)
            whole = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
            if value is not None and not whole:
                raise TraceError(
                    f"{where}, column {name!r}: {shown(value)} is not allowed; it must be a whole number"
                )
    if not isinstance(found.get("session_id"), str | None):
        raise TraceError(
            f"{where}, column 'session_id': {shown(found['session_id'])} is not allowed; it must be a text"
        )


def _rows_of(table: pa.Table) -> dict[str, pa.Array]:
    """One row for each request."""
    lines = {name: table.column(name).combine_chunks() for name in _LINE.names}
    requests = lines["sub_requests"]
    lengths = requests.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.maximum(lengths, 1)
    line = np.repeat(np.arange(counts.size), counts)
    turn = np.arange(line.size) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    inside = lengths[line] > 0
    # Position among the requests of all sessions, where a row is one of them.
    position = np.where(inside, np.cumsum(inside) - 1, 0)
    flat = requests.flatten()

    def column(name: str) -> pa.Array:
        own = lines[name].take(pa.array(line))
        if not inside.any():
            return own
        within = flat.field(name).take(pa.array(position))
        return pc.if_else(pa.array(inside), within, own)

    later = inside & (turn > 1)
    times = lines["arrival_time_ns"].take(pa.array(line))
    none = pa.scalar(None, pa.int64())
    made = {
        "session_id": lines["session_id"].take(pa.array(line)),
        "arrival_time_ns": pc.if_else(pa.array(later), none, times),
        "input_toks": column("input_toks"),
        "output_toks": column("output_toks"),
        "turn": pa.array(turn),
        "tool_duration_ns": pa.nulls(line.size, pa.int64()),
    }
    if later.any():
        # Where none is told there is none.
        before = flat.field("tool_duration_ns").take(pa.array(np.maximum(position - 1, 0))).fill_null(0)
        made["tool_duration_ns"] = pc.if_else(pa.array(later), before, none)
    return made

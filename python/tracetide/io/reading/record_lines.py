"""Lines of AIPerf's records, nested objects of which each becomes a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from tracetide.base.errors import TraceError
from tracetide.base.json_text import parse_json
from tracetide.io.formats.aiperf_records import AIPERF_RECORDS
from tracetide.io.reading.fields import Field
from tracetide.io.reading.jsonl_source import JsonlSource
from tracetide.io.reading.place import Place, shown
from tracetide.io.reading.source import Source
from tracetide.io.reading.text_blocks import DATA_ERRORS, blocks, may_have_other_values, native_reader

_METRIC = pa.struct([("value", pa.float64())])
_TOKENS = {
    # What the server counted goes before what AIPerf did, which knows no chat template.
    "prompt_tokens": ("usage_prompt_tokens", "input_sequence_length"),
    "completion_tokens": ("usage_completion_tokens", "output_sequence_length"),
}
_LINE = pa.schema(
    [
        (
            "metadata",
            pa.struct(
                [
                    ("conversation_id", pa.string()),
                    ("turn_index", pa.int64()),
                    ("request_start_ns", pa.int64()),
                    ("request_end_ns", pa.int64()),
                    ("benchmark_phase", pa.string()),
                ]
            ),
        ),
        ("metrics", pa.struct([(name, _METRIC) for names in _TOKENS.values() for name in names])),
    ]
)


class RecordLines:
    """AIPerf's `profile_export.jsonl`: the requests of the measured phase, in the order of their ends.

    Requests that failed have no tokens, as far as they were not counted.
    """

    layout = AIPERF_RECORDS.name

    @staticmethod
    def are_in(source: Source) -> TypeGuard[JsonlSource]:
        """Whether the first lines are such."""
        if not isinstance(source, JsonlSource) or not {"metadata", "metrics"} <= set(source.types):
            return False
        return all(pa.types.is_struct(source.types[name]) for name in ("metadata", "metrics"))

    def __init__(self, source: JsonlSource) -> None:
        """The lines of another source."""
        self._file = source.file
        self._codec = source.codec
        self.origin = source.origin
        self.container = source.container
        self.metadata: Mapping[str, Any] = source.metadata
        self.repeated = source.repeated
        self.types: Mapping[str, pa.DataType] = {
            "request_start_ns": pa.int64(),
            "prompt_tokens": pa.float64(),
            "completion_tokens": pa.float64(),
            "conversation_id": pa.string(),
            "turn": pa.int64(),
            "elapsed_time": pa.float64(),
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
            columns = _rows_of(self._parsed(block.data, block.first_line))
            place = Place(self.origin, rows)
            rows += len(columns["turn"])
            if len(columns["turn"]):
                yield place, [columns[field.source] for field in fields]

    def _parsed(self, data: bytes, first_line: int) -> pa.Table:
        if may_have_other_values(data):
            self._check_lines(data, first_line)
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
        raise TraceError(f"{self.origin}: lines from {first_line} on are no records: {shown(reason)}")

    def _check_lines(self, data: bytes, first_line: int) -> None:
        for number, line in enumerate(data.split(b"\n"), first_line):
            if not line.strip():
                continue
            try:
                found = parse_json(line)
            except ValueError as error:
                raise TraceError(f"{self.origin}:{number}: it is no JSON: {error}") from None
            if not isinstance(found, dict):
                raise TraceError(
                    f"{self.origin}:{number}: {shown(found)} is not allowed; it must be an object"
                )


def _rows_of(table: pa.Table) -> dict[str, pa.Array]:
    """One row for each request that was measured."""
    metadata = table.column("metadata").combine_chunks()
    phase = metadata.field("benchmark_phase")
    measured = pc.fill_null(pc.equal(phase, "profiling"), True)
    table = table.filter(measured)
    metadata, metrics = (table.column(name).combine_chunks() for name in ("metadata", "metrics"))
    start, end = (metadata.field(name) for name in ("request_start_ns", "request_end_ns"))
    found = {
        "request_start_ns": start,
        "conversation_id": metadata.field("conversation_id"),
        "turn": pc.add(pc.fill_null(metadata.field("turn_index"), 0), 1),
        "elapsed_time": pc.divide(pc.cast(pc.subtract(end, start), pa.float64()), 1e9),
    }
    for name, sources in _TOKENS.items():
        values = pc.coalesce(*(metrics.field(source).field("value") for source in sources))
        found[name] = pc.fill_null(values, np.float64(0))
    return found

"""Between columns and Arrow. The only place that knows both; imports pyarrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tracetide.columns import DTYPES, LIST_COLUMNS, REQUIRED, Column, ListColumn
from tracetide.trace import Requests, Trace

JOB_KEY = "tracetide.job"
"""Key of the job's JSON in a schema's metadata."""

LIST_TYPE = pa.list_(pa.field("item", pa.uint32(), nullable=False))


def schema_of(requests: Requests, metadata: Mapping[str, Any] | None = None) -> pa.Schema:
    """The Arrow schema, with the job as metadata if there is one."""
    fields = [
        pa.field(
            name,
            LIST_TYPE
            if isinstance(requests[name], ListColumn)
            else pa.from_numpy_dtype(requests[name].dtype),
            nullable=False,
        )
        for name in requests.columns
    ]
    return pa.schema(fields, {JOB_KEY: json.dumps(metadata)} if metadata else None)


def record_batch_of(requests: Requests, schema: pa.Schema) -> pa.RecordBatch:
    """The columns as one record batch on the same memory."""
    return pa.record_batch([_array(requests[name]) for name in requests.columns], schema=schema)


def table_of(requests: Requests) -> pa.Table:
    """The columns as a table on the same memory."""
    schema = schema_of(requests, getattr(requests, "metadata", None))
    return pa.Table.from_batches([record_batch_of(requests, schema)])


def trace_of(table: pa.Table, origin: str) -> Trace:
    """A trace from a table with the columns of a native trace.

    Columns of the native names are converted to their types; other numeric columns are kept as they are.

    Raises:
        ValueError: naming `origin` and the column that is missing, of another type, has nulls, or is
            out of range; or that times go backwards.
    """
    absent = [name for name in REQUIRED if name not in table.column_names]
    if absent:
        raise ValueError(
            f"{origin}: the column {absent[0]!r} is missing; a native trace has {', '.join(REQUIRED)}, "
            f"and this has {', '.join(table.column_names) or 'none'}"
        )
    columns = {name: _column(table.column(name), name, origin) for name in table.column_names}
    _check_order(columns["timestamp"], origin)
    return Trace(columns, _job(table.schema))


def _array(column: Column) -> pa.Array:
    if isinstance(column, ListColumn):
        # From 0 on and no more values than rows need, so that slices write the same bytes.
        offsets = column.offsets if column.offsets[0] == 0 else column.offsets - column.offsets[0]
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(column.flat()), type=LIST_TYPE)
    return pa.array(column)


def _column(chunks: pa.ChunkedArray, name: str, origin: str) -> Column:
    if chunks.null_count:
        row = chunks.is_null().to_numpy().argmax()
        raise ValueError(f"{origin}: row {row + 1}, column {name!r}: a missing value is not allowed")
    if name in LIST_COLUMNS:
        wanted: pa.DataType = LIST_TYPE
    elif name in DTYPES:
        wanted = pa.from_numpy_dtype(np.dtype(DTYPES[name]))
    elif pa.types.is_integer(chunks.type) or pa.types.is_floating(chunks.type):
        wanted = chunks.type
    else:
        raise ValueError(
            f"{origin}: column {name!r} of type {chunks.type} is not allowed; columns besides the "
            "native ones must be numbers"
        )
    try:
        array = chunks.cast(wanted).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{origin}: column {name!r} of type {chunks.type} cannot be {wanted}: {reason}"
        ) from None
    if name in LIST_COLUMNS:
        return ListColumn(array.offsets.to_numpy(), array.values.to_numpy(zero_copy_only=False))
    return array.to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _check_order(timestamp: Column, origin: str) -> None:
    assert isinstance(timestamp, np.ndarray)
    wrong = np.flatnonzero(~(np.isfinite(timestamp) & (timestamp >= 0)))
    if wrong.size:
        row = wrong[0]
        raise ValueError(
            f"{origin}: row {row + 1}, column 'timestamp': {timestamp[row]} is not allowed; it must be a "
            "number of seconds from 0 on"
        )
    back = np.flatnonzero(np.diff(timestamp) < 0)
    if back.size:
        row = back[0] + 1
        raise ValueError(
            f"{origin}: row {row + 1}, column 'timestamp': {timestamp[row]} is not allowed; it must not be "
            f"before the row above ({timestamp[row - 1]})"
        )


def _job(schema: pa.Schema) -> dict[str, Any]:
    text = (schema.metadata or {}).get(JOB_KEY.encode())
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

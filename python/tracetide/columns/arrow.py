"""Between columns and Arrow. The only place that knows both; imports pyarrow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tracetide import _core
from tracetide.columns.session_numbers import without_empty
from tracetide.columns.table import KIND_TYPES, NO_SESSION, NULLABLE, Column, ListColumn

JOB_KEY = "tracetide.job"
"""Key of the job's JSON in a schema's metadata."""

LIST_TYPE = pa.list_(pa.field("item", pa.uint32(), nullable=False))


def schema_of(columns: Mapping[str, Column], metadata: Mapping[str, Any] | None = None) -> pa.Schema:
    """The Arrow schema, with the job as metadata if there is one."""
    fields = [pa.field(name, _type(columns[name]), nullable=name in NULLABLE) for name in columns]
    return pa.schema(fields, job_metadata(metadata))


def job_metadata(metadata: Mapping[str, Any] | None) -> dict[str, str] | None:
    """A schema's metadata of a job, if there is one."""
    return {JOB_KEY: json.dumps(metadata)} if metadata else None


KINDS = {
    **{kind: pa.from_numpy_dtype(dtype) for kind, dtype in KIND_TYPES.items()},
    "list": LIST_TYPE,
}
"""Arrow types by the core's names of kinds of columns."""


def job_schema(job: _core.Job, metadata: Mapping[str, Any]) -> pa.Schema:
    """The Arrow schema of a job's requests, with the job as metadata."""
    fields = [pa.field(name, KINDS[kind], nullable=name in NULLABLE) for name, kind in _core.columns_of(job)]
    return pa.schema(fields, job_metadata(metadata))


def record_batch_of(columns: Mapping[str, Column], schema: pa.Schema) -> pa.RecordBatch:
    """The columns as one record batch on the same memory."""
    return pa.record_batch(
        [_array(columns[name], nullable=name in NULLABLE) for name in columns], schema=schema
    )


def column_array(columns: Mapping[str, Column], name: str) -> pa.Array:
    """One column."""
    return _array(columns[name], nullable=name in NULLABLE)


def table_of(columns: Mapping[str, Column], metadata: Mapping[str, Any] | None = None) -> pa.Table:
    """The columns as a table on the same memory."""
    return pa.Table.from_batches([record_batch_of(columns, schema_of(columns, metadata))])


def _type(column: Column) -> pa.DataType:
    if isinstance(column, ListColumn):
        return LIST_TYPE
    return pa.string() if column.dtype == object else pa.from_numpy_dtype(column.dtype)


def _array(column: Column, *, nullable: bool = False) -> pa.Array:
    if isinstance(column, ListColumn):
        # From 0 on and no more values than rows need, so that slices write the same bytes.
        offsets = column.offsets if column.offsets[0] == 0 else column.offsets - column.offsets[0]
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(column.flat()), type=LIST_TYPE)
    if nullable and column.dtype == np.uint64:
        alone = column == NO_SESSION
        return pa.array(column, mask=alone if alone.any() else None)
    made = pa.array(column, from_pandas=nullable)
    return without_empty(made) if nullable and pa.types.is_string(made.type) else made

"""The requests of a scan as columns in memory."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tracetide.base.errors import TraceError
from tracetide.columns import MOST_ITEMS, NO_SESSION, Column, ListColumn
from tracetide.io.reading.tracescan import TraceScan


def columns_of_scan(scan: TraceScan) -> dict[str, Column]:
    """All requests; a missing number is NaN, a missing text empty, and a missing number of a session
    `NO_SESSION`.

    Raises:
        TraceError: as the scan's, or for more list items than a column can hold.
    """
    batches = list(scan.batches())
    return {
        name: _column([batch.column(position) for batch in batches], name, scan)
        for position, name in enumerate(scan.columns)
    }


def _column(parts: list[pa.Array], name: str, scan: TraceScan) -> Column:
    kind = parts[0].type
    if pa.types.is_list(kind):
        return _lists(parts, name, scan)
    chunks = pa.chunked_array(parts)
    if chunks.null_count and pa.types.is_string(kind):
        chunks = chunks.fill_null("")
    if chunks.null_count and name == "session_id" and kind == pa.uint64():
        chunks = chunks.fill_null(pa.scalar(NO_SESSION, kind))
    if chunks.null_count and pa.types.is_integer(kind):
        chunks = chunks.cast(pa.float64(), safe=False)
    return np.asarray(chunks.to_numpy())


def _lists(parts: list[pa.Array], name: str, scan: TraceScan) -> ListColumn:
    lengths = np.concatenate([part.value_lengths().fill_null(0).to_numpy() for part in parts])
    ends = np.cumsum(lengths, dtype=np.int64)
    if ends.size and ends[-1] > MOST_ITEMS:
        raise TraceError(
            f"{scan.origin}: column {name!r}: {ends[-1]} items are not allowed in memory; at most "
            f"{MOST_ITEMS}; use scan"
        )
    values = np.concatenate([part.flatten().to_numpy(zero_copy_only=False) for part in parts])
    return ListColumn._of(np.concatenate([[0], ends]).astype(np.int32), values.astype(np.uint32, copy=False))

"""Reading traces: native ones, those of other tools, and any table with named columns.

`scan` reads in a stream. `io.formats` says what each format's columns are, the
`*_source` modules read a container each, `convert` checks and converts values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tracetide.base.wording import Option, Told
from tracetide.io.reading.tracescan import TraceScan

if TYPE_CHECKING:
    from tracetide.io.reading.source import Source

__all__ = ["TraceScan", "scan"]


def scan(
    source: str | os.PathLike[str] | Any,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rebase: bool = False,
    sort: bool = False,
    block_size: int = 0,
) -> TraceScan:
    """Read a trace in a stream, in bounded memory.

    Args:
        source: a path (Parquet, an Arrow file or stream, CSV, JSON lines; the last two also packed by gzip
            or zstd; told apart by their bytes, whatever the ending), a pandas or polars data frame, a
            pyarrow table, a `Trace`, or anything else with `__arrow_c_stream__`.
        format: native, table, or that of another tool, as in docs/formats.md. By default what its columns
            tell.
        columns: by native name the column of the source, for example
            `{"timestamp": "arrived", "input_tokens": "prompt_len", "output_tokens": "reply_len",
            "client": "user"}`. With all of `timestamp`, `input_tokens` and `output_tokens` it describes a
            table; with fewer it adds to a known format. Other names than the native ones add columns.
        units: of `timestamp` and `delay`: "s", "ms", "us", "ns", or "date" for texts such as
            `2024-05-10 00:00:00.01`. A table must state them; other formats have their own.
        rebase: whether times are counted from the earliest, which is the first row's where rows are in order.
            Dates always are.
        sort: whether rows are put into the order of their times, which needs the whole trace in memory.
            Without it, a row before the one above is refused. Later turns without a time stay behind the one
            before.
        block_size: tokens of a block of `hash_ids`; 0: as the job that made them says, or as the format has
            them.

    Raises:
        TraceError: a ValueError, for a file that is no trace; it names row, column, value and what is
            allowed. Wrong values are found when the batches are read.
        ValueError: for a wrong argument.
        OSError: if the file cannot be read.
    """
    return opened_scan(source, format, columns, units, rebase=rebase, sort=sort, block_size=block_size)


def opened_scan(
    source: str | os.PathLike[str] | Any,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    *,
    rebase: bool = False,
    strict: bool = True,
    sort: bool = False,
    block_size: int = 0,
    own_blocks: bool = False,
) -> TraceScan:
    """As `scan`; for `strict` see `TraceScan`, for `own_blocks` `Plan.with_own_blocks`."""
    import pyarrow as pa

    from tracetide.io.formats.blis import BLIS
    from tracetide.io.reading.blis_header import accumulates
    from tracetide.io.reading.open_source import open_source
    from tracetide.io.reading.plan import plan_of
    from tracetide.io.reading.record_lines import RecordLines
    from tracetide.io.reading.session_lines import SessionLines
    from tracetide.io.reading.tracescan import TraceScan

    if isinstance(block_size, bool) or not isinstance(block_size, int) or not 0 <= block_size < 2**32:
        message = f": {block_size!r} is not allowed; it must be a whole number of tokens from 1 on, or 0"
        raise ValueError(Told(Option("source_block_size"), message))
    if sort and isinstance(source, pa.RecordBatchReader):
        source = source.read_all()  # it can be gone through once, and its earliest time comes first
    opened: Source = open_source(source)
    if format in (None, "llmservingsim") and SessionLines.are_in(opened):
        opened = SessionLines(opened)
    elif format in (None, RecordLines.layout) and RecordLines.are_in(opened):
        opened = RecordLines(opened)
    plan = plan_of(opened, format, columns, units)
    plan = plan.with_own_blocks() if own_blocks else plan
    if plan.layout.name == BLIS.name and accumulates(opened.origin):
        plan = plan.with_deltas()
    return TraceScan(opened, plan, rebase=rebase, strict=strict, sort=sort, block_size=block_size)

"""From one trace format to another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tracetide.columns import ListColumn
from tracetide.errors import TraceError
from tracetide.formats import NATIVE, Progress, Written, format_of, write_source
from tracetide.formats.base import Source, ToolOptions
from tracetide.formats.source import ScanSource, TraceSource
from tracetide.numbers import check_threads, check_whole
from tracetide.readers import opened_scan
from tracetide.readers.tracescan import TraceScan
from tracetide.readers.whole import trace_of_scan
from tracetide.trace import Trace


def convert(
    source: str | os.PathLike[str] | Any,
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    source_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rebase: bool = False,
    sort: bool = False,
    drop_empty: bool = False,
    hash_ids: bool = True,
    block_size: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write a trace in another format, in a stream and in bounded memory.

    Args:
        source: what `tracetide.scan` takes.
        path: the file to write; its ending chooses the format unless `format` does.
        format: native, or that of another tool, as in `Job.write`.
        source_format, columns, units: of the source; `format`, `columns` and `units` of `tracetide.scan`.
        rebase: whether times are counted from the first row.
        sort: whether rows are put into the order of their times, which needs the whole trace in memory.
            Without it, a row before the one above is refused.
        drop_empty: whether rows without input or without output are left out. Without it, formats that want
            at least one token get 1.
        hash_ids: whether formats that have `hash_ids` get them: those of the source, else ids that are used
            once.
        block_size: tokens of a block of them; by default as the format expects. Ids of a known format or a
            generated trace become those of such blocks.
        threads: of the encoding; 0: all cores.
        progress: called with (rows, bytes) written so far.

    Returns:
        The rows and bytes written, and the columns that the format has no place for.

    Raises:
        TraceError: a ValueError, for a row that cannot be read or that the format cannot tell.
        ValueError: for a wrong argument.
        OSError: if a file cannot be read or written.
    """
    chosen = format_of(path, format)
    check_threads(threads)
    check_whole("block_size", block_size, 0, 2**32 - 1)
    scan = opened_scan(source, source_format, columns, units, rebase=rebase and not sort, strict=not sort)
    if chosen.container == "servegen":
        from tracetide.formats.servegen import write_trace_folder

        return write_trace_folder(_sorted(scan, rebase) if sort else trace_of_scan(scan), path)
    made: Source
    if sort:
        trace = _sorted(scan, rebase)
        made = TraceSource(_without_empty(trace) if drop_empty else trace, threads)
    else:
        made = ScanSource(
            scan, threads, drop_empty=drop_empty, needs_times=chosen.name in (*NATIVE, "baseten")
        )
    options = ToolOptions(hash_ids, block_size)
    return write_source(made, chosen, options, path, threads, progress)


def _sorted(scan: TraceScan, rebase: bool) -> Trace:
    """The whole trace in the order of its times; rows of one time stay as they are."""
    trace = trace_of_scan(scan)
    times = trace["timestamp"]
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        raise TraceError(
            f"{scan.origin}: row {row + 1} has no time, as later turns of sessions have none in this format; "
            "it cannot be sorted"
        )
    made = _taken(trace, np.argsort(times, kind="stable"))
    if rebase and len(made):
        made["timestamp"][:] -= made["timestamp"][0]
    return made


def _without_empty(trace: Trace) -> Trace:
    kept = np.flatnonzero((trace["input_tokens"] > 0) & (trace["output_tokens"] > 0))
    if not kept.size:
        raise TraceError("no row has both input and output; there is nothing left")
    return _taken(trace, kept)


def _taken(trace: Trace, rows: Any) -> Trace:
    return Trace(
        {
            name: trace[name].take(rows) if isinstance(trace[name], ListColumn) else trace[name][rows]
            for name in trace
        },
        trace.metadata,
    )

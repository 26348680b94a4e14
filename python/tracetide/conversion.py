"""From one trace format to another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tracetide.base.numbers import check_threads, check_whole
from tracetide.io.reading import TraceScan, scan
from tracetide.io.writing import TOOL_TEXT, Progress, Written, format_of, write_source
from tracetide.io.writing.base import ToolOptions
from tracetide.io.writing.source import ScanSource
from tracetide.trace.read import trace_of_scan
from tracetide.trace.writing import write_fitted_folder


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
    source_block_size: int = 0,
    block_size: int = 0,
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write a trace in another format, in a stream and in bounded memory.

    Args:
        source: what `tracetide.scan` takes, or a `TraceScan`.
        path: the file to write; its ending chooses the format unless `format` does.
        format: native, or that of another tool, as in `Job.write`.
        source_format, columns, units, source_block_size: of the source; `format`, `columns`, `units` and
            `block_size` of `tracetide.scan`.
        rebase: whether times are counted from the earliest one.
        sort: whether rows are put into the order of their times, which needs the whole trace in memory.
            Without it, a row before the one above is refused.
        drop_empty: whether rows without input or without output are left out. Without it, formats that want
            at least one token get 1.
        hash_ids: whether formats that have `hash_ids` get them: those of the source, else ids that are used
            once.
        block_size: tokens of a block of them in the file; by default as the format expects. Ids of blocks of
            another size become those of such blocks.
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
    if isinstance(source, TraceScan):
        if source_format is not None or columns or units or rebase or sort or source_block_size:
            raise ValueError(
                "source_format, columns, units, rebase, sort, source_block_size: a TraceScan has its own; "
                "give them to scan"
            )
        found = source
    else:
        found = scan(
            source,
            format=source_format,
            columns=columns,
            units=units,
            rebase=rebase,
            sort=sort,
            block_size=source_block_size,
        )
    if chosen.container == "servegen":
        return write_fitted_folder(trace_of_scan(found), path)
    needs_times = chosen.container not in TOOL_TEXT
    made = ScanSource(found, threads, drop_empty=drop_empty, needs_times=needs_times)
    return write_source(
        made, chosen, ToolOptions(hash_ids, block_size or chosen.tool_block), path, threads, progress
    )

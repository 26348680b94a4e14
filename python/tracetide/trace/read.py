"""Reading a whole trace into memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tracetide.io.reading import TraceScan, opened_scan
from tracetide.trace.scanned import columns_of_scan
from tracetide.trace.trace import Trace


def read(
    source: str | os.PathLike[str] | Any,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rebase: bool = False,
    sort: bool = False,
    block_size: int = 0,
) -> Trace:
    """Read a whole trace into memory; the arguments and errors are those of `scan`."""
    return trace_of_scan(
        opened_scan(source, format, columns, units, rebase=rebase, sort=sort, block_size=block_size)
    )


def trace_of_scan(scan: TraceScan) -> Trace:
    """All requests of a scan; see `columns_of_scan` for what is missing, and for the errors."""
    return Trace._of(columns_of_scan(scan), scan.metadata, block_size=scan.block_size)

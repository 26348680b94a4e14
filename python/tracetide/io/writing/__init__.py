"""Trace files: which format a name means, and writing each. `tracetide.io.reading` reads.

`source` is where requests come from, such as a scan; jobs and traces bring their own. One module writes a
container: `parquet`, `arrow`, `text` (native CSV and JSON lines), `tool_text` (the text formats of other
tools, whose rows the core writes), `baseten`. A new container is a module with a `Container` and a line in
`CONTAINERS`; a new format, one in `tracetide.io.formats`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tracetide.io.formats.blis import header_path
from tracetide.io.writing.base import Format, Progress, ToolOptions, Written
from tracetide.io.writing.names import FORMATS, NATIVE, STDOUT, TOOL_TEXT, TOOLS, format_of, header_of

if TYPE_CHECKING:
    from tracetide.io.writing.base import Source

__all__ = [
    "FORMATS",
    "NATIVE",
    "STDOUT",
    "TOOLS",
    "TOOL_TEXT",
    "Format",
    "Progress",
    "Written",
    "format_of",
    "write_source",
]


def write_source(
    source: Source,
    format: Format,
    options: ToolOptions,
    path: str | os.PathLike[str],
    threads: int = 0,
    progress: Progress | None = None,
) -> Written:
    """Write all requests of a source; the file appears under its name only when complete."""
    from tracetide.io.writing.compression import compressed
    from tracetide.io.writing.containers import container_of
    from tracetide.io.writing.output import open_output

    container = container_of(format)
    rows = 0
    with open_output(path, binary=format.is_binary) as output:

        def written(more: int) -> None:
            nonlocal rows
            rows += more
            if progress is not None:
                progress(rows, output.tell())

        with compressed(output, format.compression, threads) as sink:
            loss = container.write(source, format, options, sink, written)
        size = output.tell()
        if header := header_of(format.container):
            with open_output(header_path(path)) as beside:
                beside.write(header.encode())
            size += beside.tell()
    return Written(rows, size, *loss)

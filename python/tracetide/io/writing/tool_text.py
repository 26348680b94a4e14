"""The text formats of other tools: the core writes the rows (`cpp/src/writers/trace_format.cpp`)."""

from __future__ import annotations

from collections.abc import Callable

from tracetide.io.writing.base import Format, Loss, Sink, Source, ToolOptions


def write(
    source: Source, format: Format, options: ToolOptions, sink: Sink, written: Callable[[int], None]
) -> Loss:
    """Write all requests."""
    text = source.tool_text(format.container, options)
    for rows, piece in text.pieces:
        sink.write(piece)
        written(rows)
    return text.loss()

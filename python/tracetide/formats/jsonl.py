"""JSON lines: one object per request."""

from __future__ import annotations

from collections.abc import Callable

from tracetide.formats.base import Sink, Source
from tracetide.formats.text import write_text


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests. The job is not in the file: every line is a request."""
    write_text(source, "jsonl", sink, written)

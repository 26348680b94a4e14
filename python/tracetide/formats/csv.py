"""CSV with a header line; a list is a JSON array, quoted where it has a comma."""

from __future__ import annotations

from collections.abc import Callable

from tracetide.formats.base import Sink, Source
from tracetide.formats.text import write_text


def write(source: Source, sink: Sink, written: Callable[[int], None]) -> None:
    """Write all requests. The job is not in the file: readers of CSV know no place for it."""
    write_text(source, "csv", sink, written)

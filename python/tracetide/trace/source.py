"""Columns in memory as the source of a writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from tracetide.columns import NO_SESSION, Column
from tracetide.columns.arrow import record_batch_of, schema_of
from tracetide.io.writing.source import BatchSource

_LARGE_IDS = 1 << 36
"""Numbers of sessions from here on have no place in chats of Bailian's format, and are given new ones."""


class MemorySource(BatchSource):
    """Requests that are in memory."""

    def __init__(
        self, columns: Mapping[str, Column], metadata: Mapping[str, Any], block_size: int, threads: int = 0
    ) -> None:
        """A source of all requests.

        Args:
            columns: by name.
            metadata: of their trace.
            block_size: tokens of a block of their hash ids; 0: not known.
            threads: 0: all cores.
        """
        self._columns = columns
        self._rows = len(next(iter(columns.values())))
        self.threads = threads
        self.schema = schema_of(columns, metadata)
        self.block_size = block_size
        self.renumbers = "session_id" in columns and _needs_numbers(columns["session_id"])

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Slices of `rows` rows; the last may be shorter, and the only one empty. One for `rows=0`."""
        rows = rows or max(self._rows, 1)
        for start in range(0, max(self._rows, 1), rows):
            piece = {name: column[start : start + rows] for name, column in self._columns.items()}
            yield record_batch_of(piece, self.schema)


def _needs_numbers(sessions: Any) -> bool:
    """Whether they are texts, or numbers that are too large."""
    return sessions.dtype == object or bool(((sessions >= _LARGE_IDS) & (sessions != NO_SESSION)).any())

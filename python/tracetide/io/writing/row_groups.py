"""Groups of rows that are bounded by what they hold, not by their number alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MOST_VALUES = 1 << 25
"""Values in the lists of a group, from which on it is whole: 128 MiB. The core's batches are cut alike."""

TEXT_VALUES = 1 << 22
"""The same of rows that become text at once, in which a value takes up to 11 bytes."""


class RowGroups:
    """Cuts record batches, whatever their sizes, where groups of rows end."""

    def __init__(self, rows: int, values: int = MOST_VALUES) -> None:
        """Groups of so many rows; of fewer where their lists reach so many values with them."""
        self._most_rows = rows
        self._most_values = values
        self._rows = 0
        self._values = 0

    def pieces(self, batch: pa.RecordBatch, more: Any = None) -> Iterator[tuple[pa.RecordBatch, bool]]:
        """The next rows, in pieces that belong to one group each, and whether the group ends with the piece.

        Args:
            batch: the rows.
            more: int64, shape (rows,): values of each row beside those of its lists.
        """
        totals = _running(batch, more)
        start = 0
        while start < len(batch):
            stop = min(len(batch), start + self._most_rows - self._rows)
            if totals is not None:
                before = int(totals[start - 1]) if start else 0
                full = before + self._most_values - self._values
                stop = min(stop, int(np.searchsorted(totals, full)) + 1)
                self._values += int(totals[stop - 1]) - before
            self._rows += stop - start
            is_whole = self._rows == self._most_rows or self._values >= self._most_values
            if is_whole:
                self._rows = self._values = 0
            yield batch.slice(start, stop - start), is_whole
            start = stop


def _running(batch: pa.RecordBatch, more: Any) -> npt.NDArray[np.int64] | None:
    """Values up to each row; None where rows have none."""
    counts = [
        pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
        for column in batch.columns
        if pa.types.is_list(column.type)
    ]
    counts += [more] if more is not None else []
    if not counts:
        return None
    values: npt.NDArray[np.int64] = np.zeros(len(batch), dtype=np.int64)
    for count in counts:
        values += count
    return np.cumsum(values)

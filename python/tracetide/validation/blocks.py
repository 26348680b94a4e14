"""Rules of hash ids."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

from tracetide.io.reading.block_ids import MOST_IDS
from tracetide.io.reading.growing_map import GrowingMap
from tracetide.validation.report import Recorder


class BlockRules:
    """Checks the ids of batches in order. Keeps 16 bytes for every different id."""

    def __init__(self, block_size: int, recorder: Recorder) -> None:
        self._block = block_size
        self._recorder = recorder
        self._known = GrowingMap()

    def check(self, ids: pa.ListArray, inputs: Any, first_row: int) -> None:
        """The next rows."""
        offsets = ids.offsets.to_numpy().astype(np.int64)
        values = ids.values.to_numpy(zero_copy_only=False)[offsets[0] : offsets[-1]]
        offsets = offsets - offsets[0]
        counts = np.diff(offsets)
        wanted = -(-inputs.astype(np.int64) // self._block)
        self._check_counts(counts, wanted, inputs, first_row)
        rows = np.repeat(np.arange(counts.size), counts)
        if self._recorder.wants("hash-range"):
            at = np.flatnonzero(values >= MOST_IDS)
            self._recorder.add_rows(
                "hash-range",
                first_row + rows[at],
                (f"the hash id {values[i]} is not allowed; it must be below 2^31" for i in at),
            )
        if self._recorder.wants("hash-fill"):
            right = counts == wanted
            fills = np.full(values.size, self._block, dtype=np.int64)
            tails = offsets[1:][(counts > 0) & right] - 1
            fills[tails] = (inputs.astype(np.int64) - (counts - 1) * self._block)[(counts > 0) & right]
            kept = right[rows]  # of the others nobody knows
            self._check_fills(values[kept], fills[kept], rows[kept], first_row)

    def _check_counts(self, counts: Any, wanted: Any, inputs: Any, first_row: int) -> None:
        missing = np.flatnonzero((counts == 0) & (wanted > 0))
        self._recorder.add_rows(
            "hash-missing", first_row + missing, repeat("there are no hash_ids; there must be some")
        )
        wrong = np.flatnonzero((counts != wanted) & (counts > 0))
        self._recorder.add_rows(
            "hash-count",
            first_row + wrong,
            (
                f"{counts[row]} hash_ids for {inputs[row]} input tokens are not allowed; with blocks of "
                f"{self._block} there must be {wanted[row]}"
                for row in wrong
            ),
        )

    def _check_fills(self, ids: Any, fills: Any, rows: Any, first_row: int) -> None:
        if not ids.size:
            return
        unique, first, inverse = np.unique(ids.view(np.int64), return_index=True, return_inverse=True)
        none = np.zeros(unique.size, dtype=np.int64)
        known = self._known.get(unique, none)
        known = np.where(known > 0, known, fills[first])
        wrong = np.flatnonzero(fills != known[inverse])
        self._recorder.add_rows(
            "hash-fill",
            first_row + rows[wrong],
            (
                f"the hash id {ids[i]} stands for {fills[i]} tokens, but for {known[inverse[i]]} before"
                for i in wrong
            ),
        )
        self._known.add(unique, known)

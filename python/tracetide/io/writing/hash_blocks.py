"""Hash ids of one block size as those of another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.base.errors import TraceError
from tracetide.base.wording import Option, Told
from tracetide.io.reading.block_ids import MOST_IDS, SmallIds
from tracetide.io.reading.growing_map import Numbers


class HashBlocks:
    """Ids of the same prompts in blocks of another size, and below 2^31; batches come in order.

    Several blocks together are known by the ids of all of them, as an id may stand for its own block alone.
    A part of a block is known by that block and its position in it. Equal beginnings so stay equal, others
    different, and the id of a block that is partly filled is never that of another. Keeps 16 bytes for every
    different block.
    """

    def __init__(self, old: int, new: int) -> None:
        """From blocks of `old` tokens to those of `new`; if these are the same, ids below 2^31 stay.

        Raises:
            ValueError: if neither size is a multiple of the other.
        """
        if old != new and old % new and new % old:
            raise ValueError(
                f"block_size: hash_ids of blocks of {old} tokens cannot become those of {new}; one must be a "
                "multiple of the other"
            )
        self._old = old
        self._new = new
        self._small = SmallIds(MOST_IDS)
        self._beginnings = Numbers()
        self._made = Numbers()

    def of(
        self,
        offsets: npt.NDArray[np.int32],
        values: npt.NDArray[np.uint32],
        inputs: npt.NDArray[np.uint32],
        first_row: int = 0,
    ) -> tuple[Any, Any]:
        """Offsets and ids of the next prompts.

        Args:
            offsets: int32, shape (rows + 1,).
            values: uint32, the ids.
            inputs: uint32, shape (rows,): tokens of each prompt.
            first_row: how many rows come before, for errors.

        Raises:
            TraceError: for a row whose ids are not as many as its blocks, or more than 2^31 different ids.
        """
        if self._old == self._new:
            return offsets - offsets[0], self._small.of(values[offsets[0] : offsets[-1]])
        counts = np.diff(offsets).astype(np.int64)
        check_counts(counts, inputs, self._old, first_row)
        made = -(-inputs.astype(np.int64) // self._new)
        ends = np.cumsum(made)
        rows = np.repeat(np.arange(made.size), made)
        position = np.arange(rows.size) - np.repeat(ends - made, made)
        begins = offsets[:-1].astype(np.int64)[rows]
        if self._new > self._old:
            ratio = self._new // self._old
            first = position * ratio
            sizes = np.minimum(counts[rows] - first, ratio)
            ids = self._made.of(self._groups(values, begins + first, sizes))
        else:
            ratio = self._old // self._new
            whole = values[begins + position // ratio].astype(np.int64)
            ids = self._made.of(whole) * ratio + position % ratio
        if ids.size and ids.max() >= MOST_IDS:
            row = int(rows[int(ids.argmax())])
            raise TraceError(
                f"row {first_row + row + 1}, column 'hash_ids': more than 2^31 ids of blocks of {self._new} "
                "tokens are not allowed; leave them out"
            )
        return np.concatenate([[0], ends]).astype(np.int32), ids.astype(np.uint32)

    def _groups(self, values: Any, begins: Any, sizes: Any) -> Any:
        """A number for each run of ids: that of the run without its last id, and the last id, numbered."""
        found = np.zeros(begins.size, dtype=np.int64)
        for place in range(int(sizes.max(initial=0))):
            there = np.flatnonzero(sizes > place)
            ids = values[begins[there] + place].astype(np.int64)
            found[there] = self._beginnings.of(found[there] << 32 | ids) + 1
        return found


def check_counts(counts: Any, inputs: Any, block_size: int, first_row: int = 0, *, least: int = 0) -> None:
    """Refuse prompts whose ids are not as many as their blocks, of which there are at least `least`.

    Raises:
        TraceError: naming the first such row.
    """
    wanted = np.maximum(-(-inputs.astype(np.int64) // block_size), least)
    wrong = counts != wanted
    if wrong.any():
        row = int(wrong.argmax())
        raise TraceError(
            Told(
                f"row {first_row + row + 1}, column 'hash_ids': {counts[row]} ids for {inputs[row]} "
                f"input_tokens are not allowed; with blocks of {block_size} tokens there must be "
                f"{wanted[row]}; if the trace's blocks are of another size, say so when it is read (",
                Option("block_size"),
                "); else leave the ids or the row out",
            )
        )

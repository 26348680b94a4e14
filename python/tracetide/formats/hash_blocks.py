"""Hash ids of one block size as those of another."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.errors import TraceError
from tracetide.wording import Option, Told

FORMAT_BLOCKS = {"mooncake": 512, "mooncake-session": 512, "bailian": 16, "baseten": 64}
"""Tokens of a block, by format."""

MOST_IDS = 2**31
"""Ids are below this, as readers take them for signed numbers of 32 bits."""


def reblocked(
    offsets: npt.NDArray[np.int32],
    values: npt.NDArray[np.uint32],
    inputs: npt.NDArray[np.uint32],
    old: int,
    new: int,
    first_row: int = 0,
) -> tuple[Any, Any]:
    """Offsets and values of the same prompts in blocks of another size.

    An id stands for a block and all before it, so that the last of some blocks stands for them together,
    and an id with a position within its block for a part of it. Equal beginnings stay equal, others
    different, and the id of a block that is partly filled is never that of another.

    Args:
        offsets: int32, shape (rows + 1,).
        values: uint32, the ids.
        inputs: uint32, shape (rows,): tokens of each prompt.
        old: tokens of a block now.
        new: tokens of a block wanted; a multiple of `old`, or the other way round.
        first_row: how many rows come before, for errors.

    Raises:
        ValueError: if neither size is a multiple of the other.
        TraceError: for a row whose ids are not as many as its blocks, or an id beyond 2^31.
    """
    if old == new:
        return offsets, values
    if old % new and new % old:
        raise ValueError(
            f"block_size: hash_ids of blocks of {old} tokens cannot become those of {new}; one must be a "
            "multiple of the other"
        )
    counts = np.diff(offsets)
    check_counts(counts, inputs, old, first_row)
    made = -(-inputs.astype(np.int64) // new)
    ends = np.cumsum(made)
    rows = np.repeat(np.arange(made.size), made)
    position = np.arange(int(ends[-1]) if ends.size else 0) - np.repeat(ends - made, made)
    if new > old:
        ratio = new // old
        last = np.minimum((position + 1) * ratio, counts[rows]) - 1
        ids = values[offsets[:-1][rows] + last].astype(np.int64)
    else:
        ratio = old // new
        ids = values[offsets[:-1][rows] + position // ratio].astype(np.int64) * ratio + position % ratio
    if ids.size and ids.max() >= MOST_IDS:
        row = int(rows[int(ids.argmax())])
        raise TraceError(
            f"row {first_row + row + 1}, column 'hash_ids': ids of blocks of {new} tokens would be beyond "
            "2^31; leave them out"
        )
    return np.concatenate([[0], ends]).astype(np.int32), ids.astype(np.uint32)


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

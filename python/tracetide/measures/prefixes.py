"""Prompt blocks that a prefix cache would have held, of a trace with `hash_ids`."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tracetide import _core
from tracetide.columns import ListColumn
from tracetide.io.reading.growing_map import GrowingMap
from tracetide.trace import Requests

if TYPE_CHECKING:
    from tracetide.io.reading import TraceScan

DEFAULT_SIZES = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class PrefixStatistics:
    """Reuse of prompt blocks.

    A block is a hit if it and all blocks before it in the prompt were used before, and are still in the
    cache. Caches forget the block that was not used for longest (LRU); of a prompt the last block first.

    Attributes:
        requests: of the trace.
        blocks: in all prompts.
        different_blocks: what a cache needs to forget nothing.
        hits: blocks of a cache that forgets nothing.
        hits_by_size: by size of the cache in blocks.
        reuse_distances: for each k the blocks that were used again after 2^(k-1) to below 2^k different
            others; k = 0: after none.
    """

    requests: int
    blocks: int
    different_blocks: int
    hits: int
    hits_by_size: dict[int, int]
    reuse_distances: list[int]

    @property
    def hit_rate(self) -> float:
        """Share of all blocks that are hits of a cache that forgets nothing; NaN without blocks."""
        return self.hits / self.blocks if self.blocks else float("nan")

    @property
    def hit_rates(self) -> dict[int, float]:
        """The same of a cache of each size."""
        return {
            size: hits / self.blocks if self.blocks else float("nan")
            for size, hits in self.hits_by_size.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "requests": self.requests,
            "blocks": self.blocks,
            "different_blocks": self.different_blocks,
            "hit_rate": self.hit_rate,
            "hit_rates": {str(size): rate for size, rate in self.hit_rates.items()},
            "reuse_distances": self.reuse_distances,
        }


def prefix_statistics(
    trace: Requests | TraceScan | str | os.PathLike[str], *, sizes: Iterable[int] = DEFAULT_SIZES
) -> PrefixStatistics:
    """How much of the prompts a prefix cache could have reused, in the order of the requests.

    One pass for all sizes (Mattson et al. 1970), without the GIL; about 100 bytes for every different block.

    Args:
        trace: with `hash_ids`, in memory; or a `TraceScan`, or a file as for `tracetide.scan`, which are read
            in a stream.
        sizes: of caches, in blocks, each from 1 on.

    Raises:
        ValueError: if there are no `hash_ids`, or a size is not allowed.
    """
    counts = PrefixCounts(sizes)
    for offsets, blocks in _lists(trace):
        counts.add(offsets, blocks)
    return counts.result()


class PrefixCounts:
    """Counts the reuse of prompt blocks, request by request."""

    def __init__(self, sizes: Iterable[int]) -> None:
        """Of caches of these sizes, in blocks.

        Raises:
            ValueError: if a size is not allowed.
        """
        self._sizes = sorted({_size(size) for size in sizes})
        self._cache = _core.PrefixCache(self._sizes)

    def add(self, offsets: npt.NDArray[np.int32], blocks: npt.NDArray[np.uint32]) -> None:
        """Take the prompts of the next requests."""
        self._cache.add(offsets, blocks)

    def result(self) -> PrefixStatistics:
        """Of all that was taken."""
        found = self._cache.result()
        distances = found["distances"]
        while distances and distances[-1] == 0:
            distances.pop()
        return PrefixStatistics(
            requests=found["requests"],
            blocks=found["blocks"],
            different_blocks=found["different_blocks"],
            hits=found["hits"],
            hits_by_size=dict(zip(self._sizes, found["hits_by_size"], strict=True)),
            reuse_distances=distances,
        )


class LevelHits:
    """What hits without limit come from, in a generated trace; 16 bytes for every different block."""

    def __init__(self, prompt_blocks: Sequence[int]) -> None:
        """With the ends of the ids of each level of system prompts, as a job's metadata has them."""
        self._edges = np.array([*prompt_blocks, 2**32], dtype=np.int64)
        self._known = GrowingMap()
        self._blocks = 0
        self._hits = np.zeros(self._edges.size, dtype=np.int64)

    def add(self, blocks: npt.NDArray[np.uint32]) -> None:
        """Take the blocks of the next requests."""
        different, counts = np.unique(blocks.astype(np.int64), return_counts=True)
        is_known = self._known.get(different, np.zeros(different.size, dtype=np.int64))
        level = np.searchsorted(self._edges, different, side="right")
        self._hits += np.bincount(level, counts - 1 + is_known, self._edges.size).astype(np.int64)
        self._known.add(different, np.ones(different.size, dtype=np.int64))
        self._blocks += blocks.size

    def shares(self) -> dict[str, float]:
        """Shares of all blocks: `"level 1"` and so on, and `"sessions"`."""
        names = [*(f"level {level}" for level in range(1, self._edges.size)), "sessions"]
        return dict(zip(names, (self._hits / max(self._blocks, 1)).tolist(), strict=True))


def _size(size: int) -> int:
    try:
        number = operator.index(size)
    except TypeError:
        number = 0
    if not 1 <= number < 2**63:
        raise ValueError(f"sizes: {size!r} is not allowed; it must be a whole number of blocks from 1 on")
    return number


def _lists(
    trace: Requests | TraceScan | str | os.PathLike[str],
) -> Iterator[tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32]]]:
    """Offsets and blocks of consecutive requests."""
    if isinstance(trace, Requests):
        if "hash_ids" not in trace:
            raise ValueError(f"hash_ids: missing; the trace has {', '.join(trace.columns)}")
        column: ListColumn = trace["hash_ids"]
        yield column.offsets, column.values
        return
    from tracetide.io.reading import TraceScan, scan

    found = trace if isinstance(trace, TraceScan) else scan(trace)
    if "hash_ids" not in found.columns:
        raise ValueError(f"{found.origin}: hash_ids: missing; there are {', '.join(found.columns)}")
    for batch in found.batches(["hash_ids"]):
        lists = batch.column("hash_ids")
        lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
        yield offsets, lists.flatten().to_numpy(zero_copy_only=False).astype(np.uint32, copy=False)

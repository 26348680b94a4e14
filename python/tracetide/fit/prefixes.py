"""How many prompt blocks were seen before, where a trace has hash ids."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tracetide.passes.pieces import Piece

_PENDING = 1 << 20


class Prefixes:
    """Takes pieces; keeps the different ids, 4 bytes each, up to `most`, and stops there.

    An id names a block of a prompt with all before it, so with a cache that forgets nothing every id but the
    first of its kind is a hit.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: npt.NDArray[np.uint32] = np.empty(0, dtype=np.uint32)
        self._new: list[npt.NDArray[np.uint32]] = []
        self._new_size = 0
        self._requests = self._blocks = 0
        self._is_full = False

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        if self._is_full:
            return
        _, ids = piece.lists("hash_ids")
        self._requests += len(piece)
        self._blocks += ids.size
        ids = np.unique(ids)
        self._new.append(ids)
        self._new_size += ids.size
        if self._new_size > max(_PENDING, self._known.size // 2):
            self._merge()
            self._is_full = self._known.size > self._most

    def _merge(self) -> None:
        self._known = np.unique(np.concatenate([self._known, *self._new]))
        self._new, self._new_size = [], 0

    def summary(self) -> dict[str, Any]:
        """What was measured, for the profile's provenance."""
        self._merge()
        hits = self._blocks - self._known.size
        found: dict[str, Any] = {
            "requests": self._requests,
            "blocks": self._blocks,
            "different_blocks": int(self._known.size),
            "block_hit_rate": float(f"{hits / max(self._blocks, 1):.6g}"),
            "reused_blocks_mean": float(f"{hits / max(self._requests, 1):.6g}"),
        }
        if self._is_full:
            found["note"] = f"more than {self._most} different blocks: only the first requests are counted"
        return found

"""Sessions of formats that tell them otherwise: by the parent of a chat, or by a count of turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.errors import TraceError
from tracetide.readers.growing_map import GrowingMap, Ids
from tracetide.readers.place import Place


class ChatSessions:
    """The session of each chat is the chat that began it, found through parents.

    A parent that is not in the trace began before it and stands for the session. Keeps 16 bytes for every
    chat seen so far.
    """

    def __init__(self) -> None:
        self._known = GrowingMap()

    def sessions(self, chats: Ids, parents: Ids) -> npt.NDArray[np.uint64]:
        """Of each chat of the next rows the session: parent -1 begins one."""
        is_root = parents < 0
        session = np.where(is_root, chats, self._known.get(parents, parents))
        above = _row_above(chats, parents, is_root)
        # Follow the rows above by doubling: after k rounds 2^k turns are resolved.
        top = np.where(above >= 0, above, np.arange(chats.size))
        while True:
            further = top[top]
            if np.array_equal(further, top):
                break
            top = further
        session = session[top]
        self._known.add(chats, session)
        return session.astype(np.uint64)


def _row_above(chats: Ids, parents: Ids, is_root: npt.NDArray[np.bool_]) -> Ids:
    """The last earlier row whose chat is the parent of each row, or -1."""
    rows = np.arange(chats.size)
    order = np.lexsort((rows, chats))
    # A key of (chat, row) in sorted order; the wanted one is the last below (parent, row).
    ids, codes = np.unique(chats, return_inverse=True)
    at = np.searchsorted(ids, parents)
    is_there = ~is_root & (at < ids.size) & (ids[np.minimum(at, ids.size - 1)] == parents)
    keys = codes[order] * np.int64(chats.size) + rows[order]
    position = np.searchsorted(keys, at * np.int64(chats.size) + rows, side="left") - 1
    candidate = order[np.maximum(position, 0)]
    is_there &= (position >= 0) & (chats[candidate] == parents)
    return np.where(is_there, candidate, -1)


class TurnCounter:
    """The turn of each row of a session, counted from 1. Keeps one entry for every session seen so far."""

    def __init__(self) -> None:
        self._turns: dict[Any, int] = {}

    def turns(self, sessions: pa.Array, place: Place) -> npt.NDArray[np.uint16]:
        """The turns of the next rows; 1 for those without a session."""
        if sessions.null_count:
            turn = np.ones(len(sessions), dtype=np.uint16)
            there = sessions.is_valid().to_numpy(zero_copy_only=False)
            if there.any():
                turn[there] = self.turns(sessions.drop_null(), place)
            return turn
        encoded = pc.dictionary_encode(sessions)
        codes = encoded.indices.to_numpy()
        names = encoded.dictionary.to_pylist()
        before = np.array([self._turns.get(name, 0) for name in names], dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes, minlength=len(names))
        starts = np.cumsum(counts) - counts
        turn = np.empty(codes.size, dtype=np.int64)
        turn[order] = np.arange(codes.size) - np.repeat(starts, counts) + 1
        turn += before[codes]
        if turn.size and turn.max() > 65535:
            row = int((turn > 65535).argmax())
            raise TraceError(f"{place.at(row)}: a session of more than 65535 turns is not allowed")
        self._turns.update(zip(names, (before + counts).tolist(), strict=True))
        return turn.astype(np.uint16)

"""Rules of Bailian's chats, which name their parents."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from tracetide.io.reading.growing_map import Distinct, GrowingMap, Ids
from tracetide.validation.report import Recorder

_NO_TURN = -1


class ChatRules:
    """Checks chats in the order of the file. Keeps 64 bytes for every chat."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._chats = Distinct()
        self._children = Distinct()
        self._rows = GrowingMap()
        self._turns = GrowingMap()
        self._lost: list[Ids] = []

    def check(self, chats: pa.Array, parents: pa.Array, turns: pa.Array | None, first_row: int) -> None:
        """The next rows; what is no whole number is left to the rule `readable`."""
        if not all(pa.types.is_integer(array.type) for array in (chats, parents, turns) if array is not None):
            return
        chat, parent = (array.cast(pa.int64()).fill_null(-1).to_numpy() for array in (chats, parents))
        turn = np.full(chat.size, _NO_TURN)
        if turns is not None:
            turn = turns.cast(pa.int64()).fill_null(_NO_TURN).to_numpy()
        rows = first_row + np.arange(chat.size)
        again = np.flatnonzero(self._chats.again(chat))
        self._add("chat-twice", rows[again], (f"the chat_id {chat[i]} is there twice" for i in again))
        first = np.setdiff1d(np.arange(chat.size), again)
        self._rows.add(chat[first], rows[first])
        self._turns.add(chat[first], turn[first])
        self._check_parents(parent, turn, rows)

    def finish(self) -> None:
        """When all rows have been checked."""
        if not self._lost:
            return
        rows, parents = np.concatenate(self._lost, axis=1)
        is_below = self._row_of(parents) >= 0
        below, missing = np.flatnonzero(is_below), np.flatnonzero(~is_below)
        self._add(
            "parent-order",
            rows[below],
            (f"the parent_chat_id {parents[i]} is not above, but here or further below" for i in below),
        )
        self._add(
            "parent-missing",
            rows[missing],
            (f"the parent_chat_id {parents[i]} is no chat_id of this file" for i in missing),
        )

    def _check_parents(self, parent: Ids, turn: Ids, rows: Ids) -> None:
        has_parent = parent >= 0
        above = self._row_of(parent)
        is_above = has_parent & (above >= 0) & (above < rows)
        lost = np.flatnonzero(has_parent & ~is_above)
        if lost.size:
            self._lost.append(np.stack([rows[lost], parent[lost]]))
        wanted = self._turns.get(parent, np.full(parent.size, _NO_TURN)) + 1
        wrong = np.flatnonzero(is_above & (turn != _NO_TURN) & (wanted > 0) & (turn != wanted))
        self._add(
            "turn-order",
            rows[wrong],
            (f"turn is {turn[i]}, where the parent tells {wanted[i]}" for i in wrong),
        )
        children = np.flatnonzero(has_parent)
        more = children[self._children.again(parent[children])]
        self._add(
            "chat-branches",
            rows[more],
            (f"the parent_chat_id {parent[i]} has another child already" for i in more),
        )

    def _row_of(self, chats: Ids) -> Ids:
        return self._rows.get(chats, np.full(chats.size, -1))

    def _add(self, rule: str, rows: Ids, messages: Iterable[str]) -> None:
        self._recorder.add_rows(rule, rows, messages)

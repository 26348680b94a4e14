"""Sessions of formats that tell them otherwise: by the parent of a chat, or by a count of turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.errors import TraceError
from tracetide.io.reading.growing_map import GrowingMap, Ids
from tracetide.io.reading.place import Place

_CONTINUED = -1
_AWAITED = -2
_UNKNOWN = -3


class ChatSessions:
    """The session of each chat, so that in a session one turn follows another, whatever tree the chats are.

    A root begins a session, and so does every further child of a parent: its first child has gone on with
    the parent's. So does a child whose turn is not above its parent's. A parent that is not above stands for
    its session. Keeps 16 bytes for every chat seen so far, and as many for its turn.
    """

    def __init__(self) -> None:
        # Of every chat the session that its first child goes on with, or that it has one already; then
        # `_AWAITED` as long as the chat itself was not there.
        self._open = GrowingMap()
        # Of every chat its turn, and of one that is awaited that of its child.
        self._turns = GrowingMap()

    def sessions(self, chats: Ids, parents: Ids, turns: Ids | None, place: Place) -> npt.NDArray[np.uint64]:
        """Of each chat of the next rows the session: parent -1 begins one.

        Raises:
            TraceError: for a chat that is there twice, or whose turn a child above it has, too.
        """
        rows = np.arange(chats.size)
        unknown = np.full(chats.size, _UNKNOWN)
        before = self._open.get(chats, unknown)
        self._check_new(chats, before, place)
        has_parent = (parents >= 0) & (parents != chats)
        state = self._open.get(parents, unknown)
        found = _rows_of(chats, parents)
        above = np.where(has_parent & (found < rows), found, -1)
        continues = has_parent & _first_of_each(parents, has_parent)
        continues &= (state >= 0) | (state == _UNKNOWN)
        is_missing = (above < 0) & (state == _UNKNOWN)
        if turns is not None:
            of_parent = np.where(above >= 0, turns[above], self._turns.get(parents, turns))
            continues &= is_missing | (turns > of_parent)
        session = np.where(continues, np.where(state >= 0, state, parents), chats)
        session = session[_tops(np.where(continues, above, -1))]
        orphans = np.flatnonzero(continues & is_missing)
        if turns is not None:
            self._check_awaited(chats, parents, turns, session, orphans, before, place)
            self._turns.add(parents[orphans], turns[orphans])
            self._turns.add(chats, turns)
        has_child = np.isin(chats, parents[has_parent]) | (before == _AWAITED)
        absent = np.flatnonzero(has_parent & (found < 0))
        is_awaited = (state[absent] == _UNKNOWN) | (state[absent] == _AWAITED)
        self._open.add(parents[absent], np.where(is_awaited, _AWAITED, _CONTINUED))
        self._open.add(chats, np.where(has_child, _CONTINUED, session))
        return session.astype(np.uint64)

    def _check_new(self, chats: Ids, before: Ids, place: Place) -> None:
        twice = (before >= _CONTINUED) | ~_first_of_each(chats, np.ones(chats.size, dtype=bool))
        if twice.any():
            row = int(twice.argmax())
            place.fail(row, "chat_id", int(chats[row]), "it is there twice; every chat must have its own")

    def _check_awaited(
        self, chats: Ids, parents: Ids, turns: Ids, session: Ids, orphans: Ids, before: Ids, place: Place
    ) -> None:
        """A chat below its child has a session of the same number; their turns tell them apart."""
        children = np.where(before == _AWAITED, self._turns.get(chats, turns), 2**16)
        at = _rows_of(chats, parents[orphans])
        children[at[at >= 0]] = turns[orphans[at >= 0]]
        wrong = (session == chats) & (turns >= children)
        if wrong.any():
            row = int(wrong.argmax())
            allowed = f"its child above has turn {children[row]}, so it must be lower"
            place.fail(row, "turn", int(turns[row]), allowed)


def _rows_of(chats: Ids, wanted: Ids) -> Ids:
    """The row of each wanted chat, or -1; every chat is there once."""
    order = np.argsort(chats)
    at = np.minimum(np.searchsorted(chats, wanted, sorter=order), chats.size - 1)
    rows = order[at]
    return np.where(chats[rows] == wanted, rows, -1)


def _first_of_each(keys: Ids, counted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the rows that are counted is the first of its key."""
    rows = np.flatnonzero(counted)
    first = np.zeros(keys.size, dtype=bool)
    first[rows[np.unique(keys[rows], return_index=True)[1]]] = True
    return first


def _tops(above: Ids) -> Ids:
    """The row where each row's line begins, by doubling: after k rounds 2^k turns are followed."""
    top = np.where(above >= 0, above, np.arange(above.size))
    while not np.array_equal(further := top[top], top):
        top = further
    return top


class WholePrompts:
    """The prompt of each turn where rows tell what it adds to the prompts and answers before.

    Keeps one entry for every session seen so far.
    """

    def __init__(self) -> None:
        self._contexts: dict[Any, int] = {}

    def of(self, sessions: pa.Array, new: Ids, outputs: Ids, place: Place) -> Ids:
        """Tokens of the prompts of the next rows; what is new of those without a session."""
        prompts: Ids = new.copy()
        there = np.flatnonzero(sessions.is_valid().to_numpy(zero_copy_only=False))
        if there.size:
            prompts[there] = self._of_sessions(sessions.drop_null(), new[there], outputs[there])
        if prompts.size and prompts.max() >= 2**32:
            row = int((prompts >= 2**32).argmax())
            raise TraceError(f"{place.at(row)}: a prompt of {prompts[row]} tokens is not allowed")
        return prompts

    def _of_sessions(self, sessions: pa.Array, new: Ids, outputs: Ids) -> Ids:
        encoded = pc.dictionary_encode(sessions)
        codes = encoded.indices.to_numpy()
        names = encoded.dictionary.to_pylist()
        before = np.array([self._contexts.get(name, 0) for name in names], dtype=np.int64)
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes, minlength=len(names))
        ends = np.cumsum(counts)
        sums = np.concatenate([[0], np.cumsum((new + outputs)[order])])
        above = before - sums[ends - counts]
        self._contexts.update(zip(names, (above + sums[ends]).tolist(), strict=True))
        prompts = np.empty(codes.size, dtype=np.int64)
        prompts[order] = sums[1:] - outputs[order] + np.repeat(above, counts)
        return prompts


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

"""Models of conversations and system prompts, from the sessions and hash ids of a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide.base.grid import NS
from tracetide.columns.session_numbers import session_numbers
from tracetide.fit.counted_laws import binned, counted
from tracetide.fit.prompt_blocks import PromptBlocks
from tracetide.passes.pieces import Piece
from tracetide.profile.prompts import Prefixes
from tracetide.profile.sessions.models import MOST_TURNS, Sessions, User

Ints = npt.NDArray[np.int64]

_MOST_ROWS = 1 << 22
_MOST_IDS = 1 << 26
_COHORT = (0.15, 0.6)
"""Sessions that begin in this part of the trace are seen whole, nearly: others have begun or end outside."""
_LEAST_COHORT = 50
_WITH_HISTORY = 0.7
_LEAST_ALONE = 1000
"""Requests that stand alone of a client, for its lengths to be those of them only."""


class SessionRecord:
    """Takes pieces; keeps the first four million requests with their ids, up to 2^26 of them."""

    def __init__(self, *, has_sessions: bool, has_ids: bool, has_reasoning: bool) -> None:
        self._has_sessions, self._has_ids, self._has_reasoning = has_sessions, has_ids, has_reasoning
        self._columns: dict[str, list[npt.NDArray[Any]]] = {}
        self._sessions: list[pa.Array] = []
        self._rows = self._ids = 0
        self._found: dict[str, npt.NDArray[Any]] = {}
        self._number: Ints | None = None
        self._blocks: PromptBlocks | None = None
        self._is_full = False

    def add(self, piece: Piece) -> None:
        """Take the next piece."""
        if self._is_full or self._rows + len(piece) > _MOST_ROWS or self._ids > _MOST_IDS:
            self._is_full = True
            return
        counts, ids = piece.lists("hash_ids") if self._has_ids else (None, None)
        self._keep("time", piece.time_ns)
        self._keep("client", piece.client)
        for name in ("input_tokens", "output_tokens", *(["reason_tokens"] if self._has_reasoning else [])):
            self._keep(name, piece.column(name).astype(np.int64))
        if counts is not None and ids is not None:
            self._keep("counts", counts)
            self._keep("ids", ids.astype(np.int64))
            self._ids += ids.size
        if self._has_sessions:
            self._sessions.append(piece.table.column("session_id").combine_chunks())
        self._rows += len(piece)

    def _keep(self, name: str, values: npt.NDArray[Any]) -> None:
        self._columns.setdefault(name, []).append(values)

    def finish(self) -> None:
        """Find the sessions, after all pieces."""
        self._found = {name: np.concatenate(parts) for name, parts in self._columns.items()}
        self._columns.clear()
        if not self._rows:
            return
        if self._has_ids:
            self._blocks = PromptBlocks(
                self._found.pop("counts"), self._found.pop("ids"), self._found["input_tokens"]
            )
        if self._has_sessions:
            self._number = session_numbers(pa.chunked_array(self._sessions).combine_chunks())
        elif self._blocks is not None:
            self._number = self._blocks.sessions()

    def models(self) -> tuple[Sessions | None, Prefixes | None]:
        """What was found; None where there is too little of it."""
        if self._number is None:
            return None, None
        prefixes = None if self._blocks is None else self._blocks.prefixes(self._number)
        return _sessions(self._found, self._number), prefixes

    def stand_alone(self) -> npt.NDArray[np.bool_]:
        """Which requests, from the first on, stand alone, for the lengths of their clients.

        Of a client with few of them, all.
        """
        if self._number is None:
            return np.empty(0, dtype=bool)
        alone = np.bincount(self._number)[self._number] == 1
        client = self._found["client"]
        few = np.bincount(client, alone) < _LEAST_ALONE
        chosen: npt.NDArray[np.bool_] = alone | few[client]
        return chosen

    def in_sessions(self) -> npt.NDArray[np.bool_] | None:
        """Which requests, from the first on, are in sessions of several; None if there are none."""
        if self._number is None:
            return None
        found: npt.NDArray[np.bool_] = np.bincount(self._number)[self._number] > 1
        return found if found.any() else None


def _sessions(columns: dict[str, npt.NDArray[Any]], number: Ints) -> Sessions | None:
    order = np.lexsort((columns["time"], number))
    session = number[order]
    time, inputs, outputs = (columns[name][order] for name in ("time", "input_tokens", "output_tokens"))
    starts = np.flatnonzero(np.append(True, session[1:] != session[:-1]))
    turns = np.diff(np.append(starts, session.size))
    begin, end = int(columns["time"].min()), int(columns["time"].max())
    early, late = (begin + part * (end - begin) for part in _COHORT)
    cohort = (time[starts] >= early) & (time[starts] <= late)
    if np.count_nonzero(cohort & (turns > 1)) < _LEAST_COHORT:
        cohort[:] = True
    several = cohort & (turns > 1)
    if not several.any():
        return None
    follows = np.flatnonzero(session[1:] == session[:-1]) + 1
    kept = outputs[follows - 1]
    if "reason_tokens" in columns:
        kept = kept - columns["reason_tokens"][order][follows - 1]
    added = inputs[follows] - inputs[follows - 1] - kept
    # Tokenizers do not count a history to the token. Where many turns have much less, the log leaves it out.
    carries = bool(np.mean(added >= -0.05 * inputs[follows - 1]) >= _WITH_HISTORY)
    new = np.maximum(added, 0) if carries else inputs[follows]
    waits = (time[follows] - time[follows - 1]) / NS
    sessions = np.bincount(np.minimum(turns[several], MOST_TURNS))
    at = np.flatnonzero(sessions)
    return Sessions(
        share=float(turns[several].sum() / turns[cohort].sum()),
        turns=counted(at, sessions[at]),
        steps=[User(think_time=binned(waits, 1000.0), tokens=binned(new, 1.0))],
        first_tokens=binned(np.maximum(inputs[starts[several]], 1), 1.0),
        wait_from="start",
        carry_context=carries,
    )

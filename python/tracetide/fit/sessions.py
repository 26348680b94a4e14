"""Models of conversations and system prompts, from the sessions and hash ids of a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide.base.vocabulary import FIELDS
from tracetide.columns.session_numbers import session_numbers
from tracetide.fit.idle_time import SessionStarts, sessions_by_idle_time
from tracetide.fit.persistence import rank_groups
from tracetide.fit.prompt_blocks import PromptBlocks
from tracetide.fit.session_models import conversations_of, sittings_of
from tracetide.passes.pieces import Grid, Piece
from tracetide.profile.prompts import Prefixes
from tracetide.profile.sessions import Sessions

Ints = npt.NDArray[np.int64]

_MOST_ROWS = 1 << 22
_MOST_IDS = 1 << 26
_LEAST_ALONE = 1000
"""Requests that stand alone of a client, for its lengths to be those of them only."""


class SessionRecord:
    """Takes pieces; keeps the first four million requests with their ids, up to 2^26 of them."""

    def __init__(
        self,
        category: str,
        grid: Grid,
        *,
        has_sessions: bool,
        has_ids: bool,
        idle_ns: int | None,
        min_lengths: int,
    ) -> None:
        """A record of a trace of this category.

        Args:
            category: of the profile.
            grid: windows and epochs.
            has_sessions, has_ids: whether the trace has `session_id`, `hash_ids`.
            idle_ns: the idle time that ends a session of a client, if sessions are told by it.
            min_lengths: a client's epochs with fewer requests share their lengths.
        """
        self._category, self._grid, self._min_lengths = category, grid, min_lengths
        self._has_sessions, self._has_ids = has_sessions, has_ids
        self._idle_ns = idle_ns
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
        self._keep("window", piece.window)
        self._keep("client", piece.client)
        reasoning = ["reason_tokens"] if self._category == "reason" else []
        for name in ("input_tokens", "output_tokens", *reasoning):
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
        self._found["rank_group"] = rank_groups(
            self._found["client"], self._found["window"] // self._grid.epoch_windows, self._min_lengths
        )
        if self._has_ids:
            self._blocks = PromptBlocks(
                self._found.pop("counts"), self._found.pop("ids"), self._found["input_tokens"]
            )
        if self._has_sessions:
            self._number = session_numbers(pa.chunked_array(self._sessions).combine_chunks())
        elif self._blocks is not None:
            self._number = self._blocks.sessions()
        elif self._idle_ns is not None:
            self._number = sessions_by_idle_time(self._found["client"], self._found["time"], self._idle_ns)

    def models(self) -> tuple[Sessions | None, Prefixes | None]:
        """What was found; None where there is too little of it."""
        if self._number is None:
            return None, None
        prefixes = None if self._blocks is None else self._blocks.prefixes(self._number)
        if self._idle_ns is not None:
            return sittings_of(self._found, self._number, FIELDS[self._category]), None
        return conversations_of(self._found, self._number), prefixes

    def starts(self) -> SessionStarts | None:
        """The starts of sessions, where those are all that clients do at times of their own."""
        if self._number is None or self._idle_ns is None:
            return None
        return SessionStarts(self._number, self._found["window"])

    def stand_alone(self) -> npt.NDArray[np.bool_] | None:
        """Which requests, from the first on, stand alone, for the lengths of their clients.

        Of a client with few of them, all; None for all requests, which have lengths of their own then.
        """
        if self._number is None or self._idle_ns is not None:
            return None
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

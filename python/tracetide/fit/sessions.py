"""Models of conversations and system prompts, from the sessions and hash ids of a trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide.base.grid import NS
from tracetide.columns.session_numbers import session_numbers
from tracetide.passes.pieces import Piece
from tracetide.profile.prompts.models import MOST_PROMPTS, Prefixes, PromptLevel
from tracetide.profile.sessions.models import MOST_TURNS, Sessions, User

Ints = npt.NDArray[np.int64]

_MOST_ROWS = 1 << 22
_MOST_IDS = 1 << 26
_BRANCHES = 8
"""A block on which so many different ones follow belongs to a system prompt, not to a conversation."""
_PROMPT_SHARE = 0.01
"""A system prompt is what at least this part of the sessions begins with ..."""
_PROMPT_SESSIONS = 8
"""... and at least so many."""
_COHORT = (0.15, 0.6)
"""Sessions that begin in this part of the trace are seen whole, nearly: others have begun or end outside."""
_LEAST_COHORT = 50
_WITH_HISTORY = 0.7
_LEAST_ALONE = 1000
"""Requests that stand alone of a client, for its lengths to be those of them only."""
_BLOCK_SIZES: tuple[int, ...] = tuple(2**k for k in range(17))


class SessionRecord:
    """Takes pieces; keeps the first four million requests with their ids, up to 2^26 of them."""

    def __init__(self, *, has_sessions: bool, has_ids: bool, has_reasoning: bool) -> None:
        self._has_sessions, self._has_ids, self._has_reasoning = has_sessions, has_ids, has_reasoning
        self._columns: dict[str, list[npt.NDArray[Any]]] = {}
        self._sessions: list[pa.Array] = []
        self._rows = self._ids = 0
        self._found: dict[str, npt.NDArray[Any]] = {}
        self._number: Ints | None = None
        self._blocks: _Blocks | None = None
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
            self._blocks = _Blocks(
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


class _Blocks:
    """Hash ids as flat arrays: for every block its id, its request and its place in the prompt."""

    def __init__(self, counts: Ints, ids: Ints, inputs: Ints) -> None:
        self.ids = np.unique(ids, return_inverse=True)[1].astype(np.int64)
        self.size = _block_size(counts, inputs)
        self.starts = np.cumsum(counts) - counts
        self.request = np.repeat(np.arange(counts.size), counts)
        self.place = np.arange(ids.size) - self.starts[self.request]
        self.whole = np.minimum(inputs // self.size, counts)

    def sessions(self) -> Ints:
        """The number of each request's session: it goes on with the latest request whose whole blocks its
        prompt begins with.
        """
        requests = self.whole.size
        last = self.starts + np.maximum(self.whole - 1, 0)
        is_candidate = self.whole > 0
        end = np.where(is_candidate, self.ids[np.minimum(last, self.ids.size - 1)], -1)
        is_candidate &= self._branches()[end] < _BRANCHES
        ends = np.flatnonzero(is_candidate)
        order = ends[np.lexsort((ends, end[ends]))]
        keys = end[order] * np.int64(requests) + order
        at = np.searchsorted(keys, self.ids * np.int64(requests) + self.request) - 1
        found = order[np.maximum(at, 0)] if order.size else np.zeros(at.size, dtype=np.int64)
        fits = (at >= 0) & (end[found] == self.ids) if order.size else np.zeros(at.size, dtype=bool)
        parent = np.arange(requests)
        # Of several, the one deepest in the prompt: it comes last.
        parent[self.request[fits]] = found[fits]
        while True:
            further = parent[parent]
            if np.array_equal(further, parent):
                return parent
            parent = further

    def _branches(self) -> Ints:
        """By id, how many different blocks follow on it."""
        follows = np.flatnonzero(self.request[1:] == self.request[:-1])
        size = np.int64(self.ids.max() + 1) if self.ids.size else np.int64(1)
        pairs = np.unique(self.ids[follows] * size + self.ids[follows + 1])
        return np.bincount(pairs // size, minlength=int(size)).astype(np.int64)

    def prefixes(self, number: Ints) -> Prefixes | None:
        """What many sessions begin with: blocks that come in so many of them, from the first on."""
        size = np.int64(self.ids.max() + 1) if self.ids.size else np.int64(1)
        pairs = np.unique(number[self.request] * size + self.ids)
        in_sessions = np.bincount(pairs % size, minlength=int(size))
        first = np.unique(number, return_index=True)[1]
        least = max(_PROMPT_SESSIONS, _PROMPT_SHARE * first.size)
        common = in_sessions[self.ids] >= least
        # The first place where a prompt is not common.
        depth = np.full(self.whole.size, np.iinfo(np.int64).max)
        np.minimum.at(depth, self.request[~common], self.place[~common])
        depth = np.minimum(depth, self.whole)[first]
        begins = first[depth > 0]
        if not begins.size:
            return None
        prompt = self.ids[self.starts[begins] + depth[depth > 0] - 1]
        _, sessions = np.unique(prompt, return_counts=True)
        lengths, counts = np.unique(depth[depth > 0], return_counts=True)
        return Prefixes(
            share=begins.size / first.size,
            levels=[
                PromptLevel(
                    prompts=min(sessions.size, MOST_PROMPTS),
                    tokens=_law(lengths * self.size, counts),
                    popularity=_zipf_exponent(sessions),
                )
            ],
        )


def _block_size(counts: Ints, inputs: Ints) -> int:
    """Tokens of a block: the power of two with which most prompts have as many blocks as they need."""
    fits = [int(np.count_nonzero(-(-inputs // size) == counts)) for size in _BLOCK_SIZES]
    return _BLOCK_SIZES[fits.index(max(fits))]


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
    counted = np.bincount(np.minimum(turns[several], MOST_TURNS))
    at = np.flatnonzero(counted)
    return Sessions(
        share=float(turns[several].sum() / turns[cohort].sum()),
        turns=_law(at, counted[at]),
        steps=[User(think_time=_binned(waits, 1000.0), tokens=_binned(new, 1.0))],
        first_tokens=_binned(np.maximum(inputs[starts[several]], 1), 1.0),
        wait_from="start",
        carry_context=carries,
    )


def _law(values: npt.NDArray[Any], counts: npt.NDArray[Any]) -> dict[float, float]:
    total = float(counts.sum())
    return {float(value): float(count) / total for value, count in zip(values, counts, strict=True)}


def _binned(values: npt.NDArray[Any], scale: float) -> dict[float, float]:
    """Whole numbers of 1 / scale; those above 64 to within 1/128 of themselves."""
    whole = np.rint(np.asarray(values, dtype=np.float64) * scale).astype(np.int64)
    step = np.maximum(1, 2 ** np.maximum(0, np.floor(np.log2(np.maximum(whole, 1))).astype(np.int64) - 6))
    found, counts = np.unique(whole // step * step + step // 2, return_counts=True)
    return _law(found / scale, counts)


def _zipf_exponent(counts: npt.NDArray[Any]) -> float:
    """The slope of the logarithm of how often over that of the rank."""
    ranked = np.sort(counts)[::-1].astype(np.float64)
    if ranked.size < 2:
        return 0.0
    rank = np.log(np.arange(1, ranked.size + 1))
    slope = np.polyfit(rank, np.log(ranked), 1, w=np.sqrt(ranked))[0]
    return float(np.clip(-slope, 0.0, 10.0))

"""The clients of a profile that is fitted: which of them each request belongs to.

They are those of the trace's column, or latent ones. Requests without output, as failed ones, or without
input are clients of their own beside them: as one of the two lengths is always 0 then, both are right
together.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from tracetide.fit.latent import LatentClients
from tracetide.passes.clients import ClientCodes
from tracetide.passes.pieces import Piece

Codes = npt.NDArray[np.uint32]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_LENGTHS = ("input_tokens", "output_tokens")
_NONE = np.uint32(0xFFFFFFFF)


class _Kind(IntEnum):
    """Of a client. A number tells clients of a kind apart: that of their value in the column, if any."""

    FULL = 0
    FAILED = 1
    NO_INPUT = 2
    SESSIONS = 3
    ALL_FAILED = 4
    ALL_NO_INPUT = 5


_NAMES = {_Kind.SESSIONS: "sessions", _Kind.ALL_FAILED: "failed", _Kind.ALL_NO_INPUT: "no input"}
_BESIDE = {_Kind.FULL: "", _Kind.FAILED: " (failed)", _Kind.NO_INPUT: " (no input)"}


def is_failed(piece: Piece) -> Flags:
    """Which requests have no output."""
    return np.asarray(piece.column("output_tokens") == 0)


def lacks_input_only(piece: Piece) -> Flags:
    """Which requests have an output, but no input."""
    return np.asarray((piece.column("input_tokens") == 0) & (piece.column("output_tokens") != 0))


class FittedClients:
    """Gives requests the codes of their clients, piece by piece.

    The first `least` failed requests of a client belong to the client `failed`, which all share; later ones
    to a client of its own. So a trace with few of them has one client more, in one pass. Without a column
    all of them belong to `failed`.
    """

    def __init__(
        self,
        codes: ClientCodes,
        *,
        least: int,
        latent: LatentClients | None = None,
        in_sessions: Flags | None = None,
    ) -> None:
        """Clients of a trace.

        Args:
            codes: by which its pieces were made.
            least: requests without output, or input, of a client of its own.
            latent: the latent clients, if there are any; `codes` are of one client then.
            in_sessions: by row of the trace, which requests a client has that is of sessions only.
        """
        self.latent = latent
        self._codes = codes
        self._least = least
        self._in_sessions = in_sessions
        self._tables: dict[_Kind, Codes] = {}
        self._keys: list[tuple[_Kind, int]] = []
        self._seen: dict[_Kind, Ints] = {}
        self.failed = 0
        """How many requests without output there were so far."""

    def of(self, piece: Piece) -> Piece:
        """A piece with these clients."""
        number = piece.client
        if self.latent is not None:
            number = self.latent.of(*(np.asarray(piece.column(name), dtype=np.int64) for name in _LENGTHS))
        code = np.empty(len(piece), dtype=np.uint32)
        failed, no_input = is_failed(piece), lacks_input_only(piece)
        self.failed += int(np.count_nonzero(failed))
        in_session = self._of_sessions(piece) & ~failed & ~no_input
        rows = np.flatnonzero(~(failed | no_input | in_session))
        code[rows] = self._give(_Kind.FULL, number[rows])
        code[in_session] = self._give(_Kind.SESSIONS, np.zeros(np.count_nonzero(in_session), np.uint32))
        for chosen, own, shared in (
            (failed, _Kind.FAILED, _Kind.ALL_FAILED),
            (no_input, _Kind.NO_INPUT, _Kind.ALL_NO_INPUT),
        ):
            if chosen.any():
                code[chosen] = self._give_empty(own, shared, piece.client[chosen])
        return replace(piece, client=code)

    def order(self) -> Ints:
        """The codes in the order of clients in the profile."""
        place = np.empty(max(len(self._codes), len(self.latent or ())), dtype=np.int64)
        place[:] = np.arange(place.size)
        if self.latent is None:
            place[self._codes.order()] = np.arange(place.size)
        keys = [(int(place[number]) if kind in _BESIDE else place.size, kind) for kind, number in self._keys]
        return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)

    def names(self) -> list[str]:
        """The clients' names, by code."""
        if self.latent is None:
            names = self._codes.names()
        else:
            names = [f"latent {k + 1}" for k in range(len(self.latent))]
        return [
            _NAMES[kind] if kind in _NAMES else names[number] + _BESIDE[kind] for kind, number in self._keys
        ]

    @property
    def has_client_of_sessions(self) -> bool:
        """Whether sessions are a client of their own."""
        return self._in_sessions is not None

    @property
    def is_modulated(self) -> bool:
        """Whether clients may have noise of their own in their rates."""
        return self.latent is None or self.latent.is_modulated

    def with_sessions(self) -> Flags:
        """By code, whether sessions are among the client's requests."""
        some = (_Kind.SESSIONS,) if self.has_client_of_sessions else (_Kind.FULL,)
        return np.array([kind in some for kind, _ in self._keys], dtype=bool)

    def _of_sessions(self, piece: Piece) -> Flags:
        found = np.zeros(len(piece), dtype=bool)
        if self._in_sessions is not None:
            mine = self._in_sessions[piece.first_row : piece.first_row + len(piece)]
            found[: mine.size] = mine
        return found

    def _give_empty(self, own: _Kind, shared: _Kind, number: Codes) -> Codes:
        if self._codes.column is None:
            return self._give(shared, np.zeros(number.size, dtype=np.uint32))
        is_own = self._ranks(own, number) >= self._least
        code = np.empty(number.size, dtype=np.uint32)
        code[is_own] = self._give(own, number[is_own])
        code[~is_own] = self._give(shared, np.zeros(np.count_nonzero(~is_own), dtype=np.uint32))
        return code

    def _ranks(self, kind: _Kind, number: Codes) -> Ints:
        """How many such requests each one's client had before."""
        seen = self._seen.get(kind, np.zeros(0, dtype=np.int64))
        seen = np.append(seen, np.zeros(max(0, int(number.max()) + 1 - seen.size), dtype=np.int64))
        order = np.argsort(number, kind="stable")
        found, counts = np.unique(number, return_counts=True)
        rank = np.empty(number.size, dtype=np.int64)
        rank[order] = np.arange(number.size) - np.repeat(np.cumsum(counts) - counts - seen[found], counts)
        seen[found] += counts
        self._seen[kind] = seen
        return rank

    def _give(self, kind: _Kind, number: Codes) -> Codes:
        """The codes of clients, which get one when they first come."""
        table = self._tables.get(kind, np.empty(0, dtype=np.uint32))
        if not number.size:
            return table[:0]
        more = int(number.max()) + 1 - table.size
        if more > 0:
            table = np.append(table, np.full(more + table.size // 2, _NONE, dtype=np.uint32))
        missing = np.unique(number[table[number] == _NONE])
        table[missing] = np.arange(len(self._keys), len(self._keys) + missing.size)
        self._keys.extend((kind, one) for one in missing.tolist())
        self._tables[kind] = table
        found: Codes = table[number]
        return found

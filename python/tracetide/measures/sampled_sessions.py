"""Sessions of a trace: all of them, or a fair sample where there are very many."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tracetide.columns import NO_SESSION
from tracetide.io.reading.growing_map import GrowingMap

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_SESSIONS = 1 << 20


@dataclass(frozen=True)
class Followed:
    """Requests of the sessions that are followed, in the order of sessions and time.

    Attributes:
        row: int64, of the piece.
        session: int64, a number for each session.
        previous_ns: int64, the time of the session's request before; -1 for its first one.
    """

    row: Ints
    session: Ints
    previous_ns: Ints


class SampledSessions:
    """Follows sessions through a trace by their ids.

    Up to 2^20 sessions all are followed. Where there are more, those whose id has a hash that ends in a 0
    bit, then in two, and so on: half, a quarter of all, whenever they begin. An entry takes about 50 bytes.

    Attributes:
        share: of the sessions that are followed, as a power of 1/2.
    """

    def __init__(self) -> None:
        self._known = GrowingMap()
        self._hashes: Ints = np.empty(0, dtype=np.int64)
        self._last_ns: Ints = np.empty(0, dtype=np.int64)
        self._turns: Ints = np.empty(0, dtype=np.int64)
        self._used = 0
        self._bits = 0

    @property
    def share(self) -> float:
        """The part of the sessions that is followed."""
        return 2.0**-self._bits

    @property
    def turns(self) -> Ints:
        """Of each session followed, how many requests came."""
        return self._turns[: self._used]

    def add(self, ids: pa.Array, time_ns: Ints) -> tuple[Flags, Followed]:
        """Take the next rows: which of them have a session, and those of the sessions that are followed."""
        hashed, has_one = hashes(ids)
        rows = np.flatnonzero(has_one & (hashed & ((1 << self._bits) - 1) == 0))
        slot = self._slots(hashed[rows])
        order = np.argsort(slot, kind="stable")
        row, slot = rows[order], slot[order]
        time = time_ns[row]
        is_first = np.append(True, slot[1:] != slot[:-1]) if slot.size else np.empty(0, dtype=bool)
        previous = np.empty_like(time)
        previous[1:] = time[:-1]
        previous[is_first] = self._last_ns[slot[is_first]]
        self._turns[: self._used] += np.bincount(slot, minlength=self._used)
        is_last = np.append(is_first[1:], True) if slot.size else is_first
        self._last_ns[slot[is_last]] = time[is_last]
        found = Followed(row, slot, previous)
        if self._used > MOST_SESSIONS:
            self._thin()
        return has_one, found

    def _slots(self, hashed: Ints) -> Ints:
        """The number of each session; new ones get the next."""
        distinct, inverse = np.unique(hashed, return_inverse=True)
        slot = self._known.get(distinct, np.full(distinct.size, -1, dtype=np.int64))
        new = np.flatnonzero(slot < 0)
        if new.size:
            slot[new] = self._used + np.arange(new.size)
            self._known.add(distinct[new], slot[new])
            self._hashes = _grown(self._hashes, self._used + new.size, 0)
            self._last_ns = _grown(self._last_ns, self._used + new.size, -1)
            self._turns = _grown(self._turns, self._used + new.size, 0)
            self._hashes[slot[new]] = distinct[new]
            self._used += new.size
        found: Ints = slot[inverse]
        return found

    def _thin(self) -> None:
        """Follow half as many, until they are few enough."""
        while self._used > MOST_SESSIONS:
            self._bits += 1
            kept = np.flatnonzero(self._hashes[: self._used] & ((1 << self._bits) - 1) == 0)
            self._hashes, self._last_ns, self._turns = (
                column[kept] for column in (self._hashes, self._last_ns, self._turns)
            )
            self._used = kept.size
        self._known = GrowingMap()
        self._known.add(self._hashes, np.arange(self._used))


def hashes(ids: pa.Array) -> tuple[Ints, Flags]:
    """63 bits for the session of each row, and whether it has one, which null, "" and `NO_SESSION` are not.

    Whole numbers are mixed by SplitMix64 (Steele 2014), which is one to one but for the bit that is dropped;
    texts by BLAKE2b, each distinct one once a piece.
    """
    if pa.types.is_integer(ids.type):
        has_one = ~ids.is_null().to_numpy(zero_copy_only=False)
        numbers = ids.fill_null(0).to_numpy(zero_copy_only=False).astype(np.uint64)
        return _mixed(numbers), has_one & (numbers != np.uint64(NO_SESSION))
    encoded = ids.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    table = np.array([*map(_digest, names), 0], dtype=np.int64)
    is_name = np.array([*(name != "" for name in names), False])
    codes = encoded.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    return table[codes], is_name[codes]


def _mixed(numbers: npt.NDArray[np.uint64]) -> Ints:
    z = numbers * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    found: Ints = (z >> np.uint64(1)).astype(np.int64)
    return found


def _digest(name: Any) -> int:
    return int.from_bytes(blake2b(str(name).encode(), digest_size=8).digest(), "little") >> 1


def _grown(column: Ints, size: int, value: int) -> Ints:
    more = size - column.size
    if more <= 0:
        return column
    return np.append(column, np.full(max(more, column.size, 1024), value, dtype=np.int64))
